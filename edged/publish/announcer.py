"""What a camera's pipeline tells, said to the broker: tracks, events, counts, pictures."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from edged.core.clock import SYSTEM_CLOCK
from edged.core.jpeg import encode
from edged.core.types import CameraState, EventKind
from edged.publish.payloads import CameraFacts

if TYPE_CHECKING:
    from edged.config import DetectSettings
    from edged.core.clock import Clock
    from edged.core.types import CameraStatus, Event, Frame, TrackedFrame
    from edged.publish.publisher import Publisher

log = logging.getLogger(__name__)

SNAPSHOT_EVERY_S = 10.0


class Announcer:
    """Listens to cameras in their threads and publishes; pictures are compressed in one of its own."""

    def __init__(self, publisher: Publisher, clock: Clock = SYSTEM_CLOCK) -> None:
        self._publisher = publisher
        self._clock = clock
        self._lock = threading.Lock()
        self._detect: dict[str, DetectSettings] = {}
        self._counts: dict[str, Counter[str]] = {}
        self._snapshot_due_s: dict[str, float] = {}
        self._compressor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="snapshot")

    def close(self) -> None:
        """Compress no more pictures."""
        self._compressor.shutdown(wait=False, cancel_futures=True)

    def set_detect(self, camera_id: str, detect: DetectSettings) -> None:
        """Say which settings are in force for a camera."""
        with self._lock:
            self._detect[camera_id] = detect
        self._publish_state(camera_id)

    def on_tracked(self, tracked: TrackedFrame) -> None:
        """Publish what a pass has found."""
        self._publisher.tracks(tracked)
        with self._lock:
            self._counts[tracked.camera_id] = Counter(track.label for track in tracked.tracks)
        self._publish_state(tracked.camera_id)
        self._consider_snapshot(tracked)

    def on_event(self, event: Event) -> None:
        """Publish an event."""
        self._publisher.event(event)

    def on_status(self, camera_id: str, status: CameraStatus) -> None:
        """Say whether frames arrive; the first of them is worth a picture."""
        self._publisher.camera_status(camera_id, online=status.state is CameraState.STREAMING)
        with self._lock:
            self._snapshot_due_s.pop(camera_id, None)

    def _publish_state(self, camera_id: str) -> None:
        with self._lock:
            detect, counts = self._detect.get(camera_id), self._counts.get(camera_id, Counter())
        if detect is not None:
            self._publisher.camera_state(
                CameraFacts(
                    camera_id=camera_id,
                    counts={label: counts[label] for label in detect.labels},
                    detect_enabled=detect.enabled,
                    confidence=detect.confidence,
                    fps=detect.fps,
                )
            )

    def _consider_snapshot(self, tracked: TrackedFrame) -> None:
        """Take a picture of the first frame and of new tracks, not more often than ``SNAPSHOT_EVERY_S``."""
        has_news = any(event.kind is EventKind.TRACK_STARTED for event in tracked.events)
        now_s = self._clock.monotonic_s()
        with self._lock:
            due_s = self._snapshot_due_s.get(tracked.camera_id)
            if due_s is not None and (now_s < due_s or not has_news):
                return
            self._snapshot_due_s[tracked.camera_id] = now_s + SNAPSHOT_EVERY_S
        self._compressor.submit(self._publish_snapshot, tracked.camera_id, tracked.frame)

    def _publish_snapshot(self, camera_id: str, frame: Frame) -> None:
        try:
            self._publisher.snapshot(camera_id, encode(frame.picture.bgr()))
        except Exception:  # a picture that cannot be compressed must not end the thread for all others
            log.exception("camera %s: no snapshot", camera_id)
