"""The camera of the tests: an RTSP server of its own, which can be killed, frozen and brought back."""

from __future__ import annotations

import json
import queue
import signal
import subprocess
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Self

import pytest

from tests.parts.clips import write_packet_file

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SCRIPT = Path(__file__).with_name("rtsp_camera.py")
PACKAGES = "python3-gi gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-{base,good}"
READY_TIMEOUT_S = 15.0


class RtspServer:
    """Serves each of ``mounts`` in a loop: a clip, several after each other, or ``{"pattern": "mjpeg"}``.

    A context manager; ``start`` after ``kill`` comes back on the same port.
    """

    def __init__(
        self,
        mounts: Mapping[str, Path | Sequence[Path] | dict[str, object]],
        scratch: Path,
        *,
        credentials: tuple[str, str] | None = None,
        with_audio: bool = False,
    ) -> None:
        self._config: dict[str, object] = {"port": 0}
        if credentials is not None:
            self._config |= {"user": credentials[0], "password": credentials[1]}
        self._config["mounts"] = {
            f"/{name}": _mount(name, source, scratch, with_audio=with_audio)
            for name, source in mounts.items()
        }
        self._credentials = credentials
        self._process: subprocess.Popen[str] | None = None
        self._lines: queue.Queue[dict[str, object]] = queue.Queue()
        self.port = 0
        self.clients = 0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        """Start the server and wait until it listens."""
        command = ["/usr/bin/python3", str(SCRIPT), json.dumps(self._config)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        threading.Thread(target=self._listen, args=(self._process,), daemon=True).start()
        try:
            line = self._lines.get(timeout=READY_TIMEOUT_S)
        except queue.Empty:
            line = {"event": "error", "reason": "it says nothing"}
        if line["event"] != "ready":
            self.kill()
            pytest.fail(f"no RTSP server: {line['reason']}. It needs: apt-get install {PACKAGES}")
        self.port = int(str(line["port"]))
        self._config["port"] = self.port  # so that a restart comes back at the same address

    def kill(self) -> None:
        """End it at once, as if the camera had lost its power."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def pause(self) -> None:
        """Freeze it: connections stay open and nothing comes."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it run again."""
        self._signal(signal.SIGCONT)

    def url(self, mount: str, *, port: int | None = None) -> str:
        """The address of a mount, with the password where there is one; ``port`` of a proxy in front."""
        login = "{}:{}@".format(*self._credentials) if self._credentials else ""
        return f"rtsp://{login}127.0.0.1:{port or self.port}/{mount}"

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def _listen(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        assert process.stderr is not None
        is_ready = False
        with process.stdout, process.stderr:
            for text in process.stdout:
                line = json.loads(text)
                if line["event"] == "client":
                    self.clients += 1
                else:
                    is_ready = True
                    self._lines.put(line)
            if not is_ready:
                self._lines.put({"event": "error", "reason": process.stderr.read().strip().splitlines()[-1:]})


def _mount(
    name: str, source: Path | Sequence[Path] | dict[str, object], scratch: Path, *, with_audio: bool
) -> dict[str, object]:
    if isinstance(source, dict):
        return source
    clips = [source] if isinstance(source, Path) else list(source)
    packets = write_packet_file(scratch / f"{name}.packets", clips)
    return {"packets": str(packets), "audio": with_audio}
