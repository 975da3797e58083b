"""A real mosquitto that a test can kill, freeze and bring back."""

from __future__ import annotations

import getpass
import shutil
import signal
import socket
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.parts.waiting import wait_for

if TYPE_CHECKING:
    from pathlib import Path

# Debian keeps it where only root's PATH looks.
MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
MISSING = "mosquitto is not installed: apt-get install mosquitto"


def free_port() -> int:
    """Find a port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@dataclass(frozen=True)
class Certificates:
    """A little authority, and what it has signed for a broker and for a client."""

    folder: Path

    @property
    def ca(self) -> Path:
        return self.folder / "ca.crt"

    def certificate(self, name: str) -> Path:
        return self.folder / f"{name}.crt"

    def key(self, name: str) -> Path:
        return self.folder / f"{name}.key"

    @classmethod
    def make(cls, folder: Path) -> Certificates:
        made = cls(folder)
        made._openssl(
            *("req", "-x509", *made._new_key("ca"), "-out", "ca.crt", "-days", "2", "-subj", "/CN=test"),
            *("-addext", "keyUsage=critical,keyCertSign,cRLSign"),  # Python 3.13 takes no other CA
        )
        for name in ("broker", "client"):
            made._openssl("req", *made._new_key(name), "-out", f"{name}.csr", "-subj", f"/CN={name}")
            (folder / "san").write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
            sign = (
                "x509",
                "-req",
                "-in",
                f"{name}.csr",
                "-CA",
                "ca.crt",
                "-CAkey",
                "ca.key",
                "-CAcreateserial",
            )
            made._openssl(*sign, "-extfile", "san", "-out", f"{name}.crt", "-days", "2")
        return made

    def _new_key(self, name: str) -> tuple[str, ...]:
        return ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{name}.key")

    def _openssl(self, *arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True, timeout=30)


class Broker:
    """A mosquitto on a port of its own, without any memory between its lives unless it ``remembers``."""

    def __init__(
        self,
        folder: Path,
        *,
        users: dict[str, str] | None = None,
        acl: str | None = None,
        certificates: Certificates | None = None,
        largest_packet_bytes: int | None = None,
        remembers: bool = False,
    ) -> None:
        if MOSQUITTO is None:
            pytest.fail(MISSING)
        self.port = free_port()
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        lines = [f"listener {self.port} 127.0.0.1", "max_queued_messages 100000"]
        lines += (
            ["persistence true", f"persistence_location {folder}/"] if remembers else ["persistence false"]
        )
        lines.append(f"user {getpass.getuser()}")  # or it drops root before it has read its files
        lines += self._access(users, acl)
        if largest_packet_bytes is not None:
            lines.append(f"max_packet_size {largest_packet_bytes}")
        if certificates is not None:
            lines += [
                f"cafile {certificates.ca}",
                f"certfile {certificates.certificate('broker')}",
                f"keyfile {certificates.key('broker')}",
                "require_certificate true",
            ]
        self._config = folder / "mosquitto.conf"
        self._config.write_text("\n".join(lines) + "\n")

    def _access(self, users: dict[str, str] | None, acl: str | None) -> list[str]:
        lines = ["allow_anonymous true" if users is None else "allow_anonymous false"]
        if users is not None:
            file = self._folder / "users"
            file.touch(mode=0o600)
            for name, password in users.items():
                subprocess.run(["mosquitto_passwd", "-b", file, name, password], check=True, timeout=10)
            lines.append(f"password_file {file}")
        if acl is not None:
            file = self._folder / "acl"
            file.write_text(acl)
            lines.append(f"acl_file {file}")
        return lines

    def start(self) -> None:
        """Start and wait until it listens."""
        assert MOSQUITTO is not None
        self._process = subprocess.Popen(
            [MOSQUITTO, "-c", self._config], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        wait_for(self._listens, 5, "mosquitto listens")

    def kill(self) -> None:
        """End it without a word to anybody, and with all that it had retained."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it as its administrator would."""
        self._end(signal.SIGTERM)

    def freeze(self) -> None:
        """Let it live and do nothing."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._signal(how)
            self._signal(signal.SIGCONT)
            self._process.wait(10)
            self._process = None

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0
