"""A real TURN and STUN server on loopback: coturn."""

from __future__ import annotations

import shutil
import socket
import subprocess
from typing import TYPE_CHECKING, Self

import pytest

from tests.parts.broker import free_port
from tests.parts.waiting import wait_for

if TYPE_CHECKING:
    from pathlib import Path

USERNAME, PASSWORD = "edged", "relay-me"


class Relay:
    """Relays for who knows the password; a context manager.

    Skips where there is none: its package starts a relay for everybody, so nobody gets it unasked.
    """

    def __init__(self, folder: Path) -> None:
        program = shutil.which("turnserver")
        if program is None:
            pytest.skip("no TURN server here: apt-get install coturn")
        self.port = free_port()
        self._command = [
            *(
                program,
                "-n",
                "--no-cli",
                "--no-tls",
                "--no-dtls",
                "--no-stdout-log",
                "--log-file",
                "/dev/null",
            ),
            *("--listening-ip", "127.0.0.1", "--listening-port", str(self.port), "--relay-ip", "127.0.0.1"),
            *(
                "--allow-loopback-peers",
                "--lt-cred-mech",
                "--realm",
                "test",
                "--user",
                f"{USERNAME}:{PASSWORD}",
            ),
            *("--pidfile", str(folder / "turn.pid"), "--userdb", str(folder / "turn.db")),
        ]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def stun_url(self) -> str:
        return f"stun:127.0.0.1:{self.port}"

    @property
    def turn_url(self) -> str:
        return f"turn:127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        quiet = subprocess.DEVNULL
        self._process = subprocess.Popen(self._command, stdout=quiet, stderr=quiet)
        try:
            wait_for(self._listens, 10, "the TURN server listens")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _listens(self) -> bool:
        with socket.socket() as probe:  # it takes TCP on the same port
            return probe.connect_ex(("127.0.0.1", self.port)) == 0
