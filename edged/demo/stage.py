"""What the demo puts up around the real daemon: its folder, its configuration, its environment."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edged.control.address import SOCKET_NAME
from edged.core.folders import runtime_folder
from edged.demo.broker import HOST
from edged.demo.child import Child
from edged.demo.folder import write

if TYPE_CHECKING:
    from collections.abc import Mapping

DATA = Path(__file__).parent / "data"
MODEL = DATA / "edged-demo.onnx"
CLIPS = {"yard": DATA / "yard.mp4", "street": DATA / "street.mp4"}
BOX = "demo"
# These would make the child a part of the service that the demo was started from.
SERVICE_VARIABLES = {
    "STATE_DIRECTORY",
    "RUNTIME_DIRECTORY",
    "CACHE_DIRECTORY",
    "NOTIFY_SOCKET",
    "WATCHDOG_USEC",
    "WATCHDOG_PID",
    "JOURNAL_STREAM",
}


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the demo's broker and the daemon's HTTP listen, on the loopback address."""

    mqtt: int
    http: int

    @property
    def live_url(self) -> str:
        """Where a browser finds the live page."""
        return f"http://{HOST}:{self.http}/"

    @property
    def health_url(self) -> str:
        """Where a browser finds the health of everything."""
        return f"http://{HOST}:{self.http}/health"

    @property
    def metrics_url(self) -> str:
        """Where Prometheus finds the metrics."""
        return f"http://{HOST}:{self.http}/metrics"

    @property
    def subscribe_command(self) -> str:
        """What to type to see every message."""
        return f"mosquitto_sub -h {HOST} -p {self.mqtt} -v -t 'edged/#'"


def environment(folder: Path, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return ``environ`` without the settings of the user's own edged, with its files in ``folder``."""
    kept = {
        name: value
        for name, value in environ.items()
        if name not in SERVICE_VARIABLES and not name.startswith("EDGED_")
    }
    folders = dict.fromkeys(("XDG_STATE_HOME", "XDG_RUNTIME_DIR", "XDG_CACHE_HOME"), str(folder))
    return kept | folders | {"NO_COLOR": "1"}


def control_socket(environ: Mapping[str, str]) -> Path:
    """Return where the demo's daemon can be talked to."""
    return runtime_folder(environ) / SOCKET_NAME


def start_daemon(ports: Ports, folder: Path, environ: Mapping[str, str]) -> Child:
    """Start edged as anybody would, with a configuration as anybody would write it."""
    file = write(folder / "edged.toml", _configuration(ports))
    return Child("edged", [sys.executable, "-m", "edged", "run", "--config", str(file)], environ)


def _configuration(ports: Ports) -> str:
    lines = [
        "[box]",
        f"id = {_quoted(BOX)}",
        "[mqtt]",
        f"host = {_quoted(HOST)}",
        f"port = {ports.mqtt}",
        "[http]",
        f"port = {ports.http}",
        "[model]",
        f"file = {_quoted(str(MODEL))}",
        "[detect]",
        'labels = ["person", "car"]',
    ]
    for name, clip in CLIPS.items():
        lines += [f"[cameras.{name}]", f"url = {_quoted(str(clip))}"]
    return "\n".join([*lines, ""])


def _quoted(text: str) -> str:
    """Quote for TOML, whose basic strings are those of JSON."""
    return json.dumps(text, ensure_ascii=False)
