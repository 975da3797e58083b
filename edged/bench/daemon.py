"""The daemon as a child process that disturbs no other, and what it uses."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import psutil

from edged.core.errors import BenchError
from edged.demo.stage import SERVICE_VARIABLES

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path
    from types import TracebackType

START_TIMEOUT_S = 30.0
END_TIMEOUT_S = 10.0
ASK_TIMEOUT_S = 5.0
POLL_S = 0.1
LOOKBACK_S = 10.0  # of the daemon's own rates
HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process has used until ``at_s`` (monotonic)."""

    at_s: float
    cpu_s: float
    rss_bytes: int


class MeasuredDaemon:
    """``edged run`` with ``config``, its own folders below ``scratch`` and its own port. A context manager.

    Settings in ``environ`` lie over the file, as always. ``token`` is what its HTTP listener wants.
    """

    def __init__(
        self, config: Path, scratch: Path, environ: Mapping[str, str] = os.environ, token: str | None = None
    ) -> None:
        self._config = config
        self._port = _free_port()
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._environ = {
            **{name: value for name, value in environ.items() if name not in SERVICE_VARIABLES},
            **{f"{kind}_DIRECTORY": str(scratch / kind.lower()) for kind in ("STATE", "RUNTIME", "CACHE")},
            "EDGED_HTTP__ENABLED": "true",
            "EDGED_HTTP__HOST": HOST,
            "EDGED_HTTP__PORT": str(self._port),
        }
        self._said: deque[str] = deque(maxlen=1)
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "edged", "run", "--config", str(self._config)]
        self._process = subprocess.Popen(
            command, env=self._environ, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        threading.Thread(target=self._listen, args=(self._process,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        process = self._process
        if process is None or process.poll() is not None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(END_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def wait_until_steady(self, cameras: Collection[str]) -> None:
        """Return when ``cameras`` are all looked at, and have been for so long that their rates are true."""
        deadline_s = time.monotonic() + START_TIMEOUT_S
        while waiting := [each for each in cameras if not self._has_detected(each)]:
            if time.monotonic() > deadline_s:
                said = f"; it said last: {self._said[-1]}" if self._said else ""
                msg = f"{', '.join(waiting)}: no detection within {START_TIMEOUT_S:g} s{said}"
                raise BenchError(msg)
            time.sleep(POLL_S)
        time.sleep(LOOKBACK_S)

    def usage(self) -> Usage:
        """What it has used since it began."""
        process = psutil.Process(self._running().pid)
        with process.oneshot():
            times = process.cpu_times()
            return Usage(time.monotonic(), times.user + times.system, process.memory_info().rss)

    def cameras(self) -> dict[str, dict[str, Any]]:
        """Health of each camera as the daemon says it; nothing while it starts."""
        connection = http.client.HTTPConnection(HOST, self._port, timeout=ASK_TIMEOUT_S)
        try:
            connection.request("GET", "/health", headers=self._headers)
            cameras: dict[str, dict[str, Any]] = json.loads(connection.getresponse().read())["cameras"]
        except (OSError, http.client.HTTPException, ValueError):
            return {}
        else:
            return cameras
        finally:
            connection.close()

    def _has_detected(self, camera_id: str) -> bool:
        self._running()
        return bool(self.cameras().get(camera_id, {}).get("latency_ms"))

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None or self._process.poll() is not None:
            reason = self._said[-1] if self._said else "it said nothing"
            msg = f"the daemon that is measured has ended: {reason}"
            raise BenchError(msg)
        return self._process

    def _listen(self, process: subprocess.Popen[str]) -> None:
        if process.stderr is None:
            return
        with process.stderr:
            self._said.extend(line.strip() for line in process.stderr)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
    return port
