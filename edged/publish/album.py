"""The pictures of events: on the disk for whoever asks later, and handed on to whoever listens now."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING

from edged.core.jpeg import encode

if TYPE_CHECKING:
    from pathlib import Path

    from edged.core.types import CameraStatus, Event, Frame, TrackedFrame

MOST_BYTES = 64 * 1024 * 1024
MOST_WAITING = 16  # pictures that are not compressed yet

log = logging.getLogger(__name__)

Tell = Callable[[str, str, bytes], None]


class Album:
    """Keeps the newest ``most_bytes`` of pictures in ``folder``; any thread may call it.

    Pictures are compressed in a thread of their own. ``tell`` is called there with the camera, the id of the
    event and the JPEG.
    """

    def __init__(self, folder: Path, most_bytes: int = MOST_BYTES) -> None:
        self._folder = folder
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._sizes = self._found()
        self._total_bytes = sum(self._sizes.values())
        self._room = threading.BoundedSemaphore(MOST_WAITING)
        self._slow = ThreadPoolExecutor(max_workers=1, thread_name_prefix="album")
        self._last: tuple[Frame, bytes] | None = None
        self._is_failing = False
        self.tell: Tell | None = None
        self.dropped = 0

    def close(self) -> None:
        """Compress no more pictures."""
        self._slow.shutdown(wait=False, cancel_futures=True)

    def on_tracked(self, tracked: TrackedFrame) -> None:
        """Nothing that has a picture to be kept."""

    def on_status(self, camera_id: str, status: CameraStatus) -> None:
        """Nothing that has a picture to be kept."""

    def on_event(self, event: Event, frame: Frame | None) -> None:
        """Keep the picture of an event, soon; when too many wait it is lost and counted."""
        if frame is None:
            return
        if not self._room.acquire(blocking=False):
            self.dropped += 1
            if self.dropped == 1:
                log.warning("camera %s: pictures of events are lost: too many at once", event.camera_id)
            return
        with suppress(RuntimeError):  # closed: a camera's thread has come late
            self._slow.submit(self._add, event.camera_id, event.event_id, frame)

    def find(self, event_id: str) -> bytes | None:
        """The picture of an event, if there is one still; reads a file."""
        with self._lock:
            if event_id not in self._sizes:  # or not all of it is written yet
                return None
        try:
            return self._file(event_id).read_bytes()
        except OSError:
            return None

    def _add(self, camera_id: str, event_id: str, frame: Frame) -> None:
        try:
            jpeg = self._jpeg(frame)
            self._keep(event_id, jpeg)
            if tell := self.tell:
                tell(camera_id, event_id, jpeg)
        except Exception:  # a picture that cannot be compressed must not end the thread for all others
            log.exception("camera %s: no picture of an event", camera_id)
        finally:
            self._room.release()

    def _jpeg(self, frame: Frame) -> bytes:
        """Compress a picture once, however many events of one moment share it."""
        if self._last is None or self._last[0] is not frame:
            self._last = frame, encode(frame.picture.bgr())
        return self._last[1]

    def _keep(self, event_id: str, jpeg: bytes) -> None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._file(event_id).write_bytes(jpeg)
        except OSError as error:
            if not self._is_failing:
                log.warning("%s: pictures of events cannot be kept: %s", self._folder, error.strerror)
            self._is_failing = True
            return
        self._is_failing = False
        with self._lock:
            self._sizes[event_id] = len(jpeg)
            self._total_bytes += len(jpeg)
            while self._total_bytes > self._most_bytes and self._sizes:
                oldest, size = self._sizes.popitem(last=False)
                self._total_bytes -= size
                self._file(oldest).unlink(missing_ok=True)

    def _file(self, event_id: str) -> Path:
        return self._folder / f"{event_id}.jpg"

    def _found(self) -> OrderedDict[str, int]:
        """What an earlier life has left, oldest first."""
        try:
            files = [(each.stat(), each.stem) for each in self._folder.glob("*.jpg")]
        except OSError:
            return OrderedDict()
        return OrderedDict(
            (name, stat.st_size) for stat, name in sorted(files, key=lambda it: it[0].st_mtime_ns)
        )
