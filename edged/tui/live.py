"""What the console knows: the status as last told, its recent past, events and lines of the log."""

from __future__ import annotations

import time
from collections import deque
from typing import Any, NamedTuple

from edged.control.patch import patched

Json = dict[str, Any]

STALE_AFTER_S = 5.0
SECONDS_KEPT = 180
EVENTS_KEPT = 200
LINES_KEPT = 1000


class LogLine(NamedTuple):
    """One line of the daemon's log."""

    timestamp_s: float
    level: str
    text: str


class History:
    """The last minutes of one camera, a value a second."""

    def __init__(self) -> None:
        self.fps: deque[float] = deque(maxlen=SECONDS_KEPT)
        self.latency_ms: deque[float] = deque(maxlen=SECONDS_KEPT)


class Live:
    """Follows one daemon; ``status`` is None until it has told anything."""

    def __init__(self) -> None:
        self.status: Json | None = None
        self._told: Json | None = None
        self.down: str | None = None
        self.events: deque[Json] = deque(maxlen=EVENTS_KEPT)
        self.lines: deque[LogLine] = deque(maxlen=LINES_KEPT)
        self.lines_seen = 0
        self.histories: dict[str, History] = {}
        self._told_s = time.monotonic()

    def take(self, line: Json) -> None:
        """Follow one line of ``watch``."""
        if "status" in line:
            self._told = line["status"]
            self.events.clear()
        elif self._told is not None:
            self._told = patched(self._told, line["changes"])
        self.status = self._told
        self.events.extend(line.get("events", ()))
        self._told_s = time.monotonic()
        self.down = None
        self._remember()

    def take_camera(self, camera_id: str, facts: Json) -> None:
        """Show the answer to a command; the next line of ``watch`` says what has changed since its last."""
        if self.status is not None and camera_id in self.cameras:
            self.status = patched(self.status, {"cameras": {camera_id: facts}})

    def take_log(self, line: Json) -> None:
        """Follow one line of ``logs``."""
        if "text" in line:
            self.lines.append(LogLine(line["time"], line["level"], line["text"]))
            self.lines_seen += 1

    def forget_log(self) -> None:
        """Begin anew: the next connection tells the last lines again."""
        self.lines.clear()
        self.lines_seen += 1

    @property
    def cameras(self) -> Json:
        """Every camera of the status."""
        cameras: Json = self.status["cameras"] if self.status else {}
        return cameras

    @property
    def silent_s(self) -> float:
        """How long the daemon has told nothing."""
        return time.monotonic() - self._told_s

    @property
    def is_stale(self) -> bool:
        """Whether what is known is too old to go by."""
        return self.silent_s > STALE_AFTER_S

    @property
    def now_s(self) -> float:
        """The daemon's time now, whatever the clock of this machine says."""
        return (self.status["timestamp"] if self.status else time.time()) + self.silent_s

    def history(self, camera_id: str) -> History:
        """Return the recent past of a camera."""
        return self.histories.setdefault(camera_id, History())

    def _remember(self) -> None:
        for camera_id, camera in self.cameras.items():
            history = self.history(camera_id)
            history.fps.append(camera.get("fps_detected") or 0.0)
            history.latency_ms.append(camera.get("latency_ms") or 0.0)
        for camera_id in self.histories.keys() - self.cameras.keys():
            del self.histories[camera_id]
