"""The daemon as its users run it: a process, a configuration file, signals, and what it says."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any, Self

import pytest

from tests.parts.broker import free_port
from tests.parts.waiting import wait_for

START_TIMEOUT_S = 60.0  # a deadline, not a promise: the machine may be busy with other tests
END_TIMEOUT_S = 5.0  # what the unit promises


class EdgedProcess:
    """``edged run`` with ``config`` in a folder of its own. A context manager."""

    def __init__(self, folder: Path, config: str, *, environ: dict[str, str] | None = None) -> None:
        self.config_file = folder / "edged.toml"
        self.http_port = free_port()
        # The path of a socket may have no more than 107 bytes, and pytest's folders have long names.
        self._runtime = tempfile.mkdtemp(prefix="edged-")
        self.socket = Path(self._runtime, "edged", "control.sock")
        self._environ = {
            **os.environ,
            "XDG_STATE_HOME": str(folder / "state"),
            "XDG_CACHE_HOME": str(folder / "cache"),
            "XDG_RUNTIME_DIR": self._runtime,
            **(environ or {}),
        }
        self._process: subprocess.Popen[str] | None = None
        self.lines: list[str] = []
        self.write(config)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self._runtime)

    @property
    def pid(self) -> int:
        """Id of the process."""
        assert self._process is not None
        return self._process.pid

    @property
    def output(self) -> str:
        """Everything it has said so far."""
        return "\n".join(self.lines)

    def write(self, config: str) -> None:
        """Write the configuration; the HTTP port is chosen here."""
        self.config_file.write_text(f"{config}\n[http]\nport = {self.http_port}\n")

    def launch(self) -> None:
        """Start the process and wait for nothing."""
        self.lines = []
        command = [sys.executable, "-m", "edged", "run", "--config", str(self.config_file)]
        self._process = subprocess.Popen(
            command, env=self._environ, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        self._reader = threading.Thread(target=self._read, args=(self._process,), daemon=True)
        self._reader.start()

    def start(self) -> None:
        """Start the process and wait until it runs."""
        self.launch()
        self.wait_for_line("runs with", START_TIMEOUT_S)

    def wait_for_line(self, part: str, timeout_s: float = 10.0) -> None:
        """Wait until it has said a line with ``part`` in it; fails the test at once if it ends instead."""

        def is_said() -> bool:
            has_ended = self._process is not None and self._process.poll() is not None
            if any(part in line for line in self.lines):
                return True
            if has_ended and not self._reader.is_alive():
                pytest.fail(f"edged has ended: {self.output}")
            return False

        wait_for(is_said, timeout_s, lambda: f"{part!r} in {self.lines}")

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    def wait(self, timeout_s: float = END_TIMEOUT_S) -> int:
        """Wait for its end; returns the exit code."""
        assert self._process is not None
        return self._process.wait(timeout_s)

    def stop(self) -> int:
        """Ask it to end and wait for that."""
        self.signal(signal.SIGTERM)
        return self.wait()

    def reload(self, config: str) -> None:
        """Give it another configuration and have it read that."""
        self.write(config)
        self.signal(signal.SIGHUP)

    def get(self, path: str) -> tuple[int, str]:
        """Ask over HTTP; returns status and body."""
        status, body = self.get_bytes(path)
        return status, body.decode()

    def get_bytes(self, path: str) -> tuple[int, bytes]:
        """Ask over HTTP; returns status and body as it came."""
        connection = http.client.HTTPConnection("127.0.0.1", self.http_port, timeout=5)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def health(self) -> Any:
        """Its health now."""
        return json.loads(self.get("/health")[1])

    def camera(self, camera_id: str) -> Any:
        """Health of one camera now."""
        return self.health()["cameras"][camera_id]

    def wait_for_camera(self, camera_id: str, timeout_s: float = 15.0, **facts: object) -> Any:
        """Wait until each of ``facts`` is what health says of the camera; returns its health."""

        def holds() -> bool:
            camera = self.health()["cameras"].get(camera_id, {})
            return all(camera.get(key) == value for key, value in facts.items())

        wait_for(holds, timeout_s, f"{camera_id} {facts} in {self.output}")
        return self.camera(camera_id)

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stderr is not None
        with process.stderr:
            for line in process.stderr:
                self.lines.append(line.rstrip())
