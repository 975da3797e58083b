"""What a camera's pipeline tells, said to the broker: tracks, events, counts, pictures."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from edged.core.clock import SYSTEM_CLOCK
from edged.core.jpeg import encode
from edged.core.types import NOBODY, CameraState, EventKind, Presence
from edged.publish.payloads import CameraFacts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from edged.config import CameraSettings
    from edged.core.clock import Clock
    from edged.core.types import CameraStatus, Event, Frame, TrackedFrame
    from edged.publish.publisher import Publisher
    from edged.track import LineTotals

log = logging.getLogger(__name__)

SNAPSHOT_EVERY_S = 10.0
SNAPSHOT_RENEWED_S = 3600.0
NEVER = float("-inf")


@dataclass(slots=True)
class _Camera:
    """What is known of one camera."""

    settings: CameraSettings
    presence: Presence = NOBODY
    is_moving: bool = False
    zones: Mapping[str, Presence] = field(default_factory=dict)


class Announcer:
    """Listens to cameras in their threads and publishes; what takes time is done in a thread of its own."""

    def __init__(self, publisher: Publisher, totals: LineTotals, clock: Clock = SYSTEM_CLOCK) -> None:
        self._publisher = publisher
        self._totals = totals
        self._clock = clock
        self._lock = threading.Lock()
        self._cameras: dict[str, _Camera] = {}
        self._snapshot_at_s: dict[str, float] = {}
        self._slow = ThreadPoolExecutor(max_workers=1, thread_name_prefix="announcer")

    def close(self) -> None:
        """Compress no more pictures; what was counted is on the disk after this."""
        self._slow.shutdown(wait=False, cancel_futures=True)
        self._totals.save()

    def set_camera(self, camera_id: str, settings: CameraSettings) -> None:
        """Say what a camera is set to, with what commands have changed."""
        with self._lock:
            self._cameras.setdefault(camera_id, _Camera(settings)).settings = settings
        self._publish_state(camera_id)

    def on_tracked(self, tracked: TrackedFrame) -> None:
        """Publish what a pass has found."""
        self._publisher.tracks(tracked)
        with self._lock:
            if known := self._cameras.get(tracked.camera_id):
                known.presence, known.zones = tracked.presence, tracked.zones
                known.is_moving = tracked.is_moving
        self._publish_state(tracked.camera_id)
        self._consider_snapshot(tracked)

    def snapshot(self, camera_id: str, frame: Frame) -> None:
        """Publish a picture that somebody has asked for."""
        self._submit(self._publish_snapshot, camera_id, frame)

    def on_event(self, event: Event, frame: Frame | None) -> None:
        """Publish an event; its picture comes from the album."""
        del frame
        self._publisher.event(event)
        if event.crossing:
            self._totals.add(event.camera_id, event.crossing.line, event.crossing.direction)
            self._submit(self._totals.save)
            self._publish_state(event.camera_id)

    def on_status(self, camera_id: str, status: CameraStatus) -> None:
        """Say whether frames arrive; the first of them is worth a picture."""
        self._publisher.camera_status(camera_id, online=status.state is CameraState.STREAMING)
        with self._lock:
            if status.state is CameraState.STREAMING:
                self._snapshot_at_s[camera_id] = NEVER
            else:
                self._snapshot_at_s.pop(camera_id, None)

    def _publish_state(self, camera_id: str) -> None:
        with self._lock:
            known = self._cameras.get(camera_id)
            facts = self._facts(camera_id, known) if known else None
        if facts:
            self._publisher.camera_state(facts)

    def _facts(self, camera_id: str, known: _Camera) -> CameraFacts:
        settings, detect = known.settings, known.settings.detect
        return CameraFacts(
            camera_id=camera_id,
            presence=_of_labels(known.presence, detect.labels),
            is_moving=known.is_moving,
            zones={
                name: _of_labels(known.zones.get(name, NOBODY), zone.labels or detect.labels)
                for name, zone in settings.zones.items()
            },
            lines={name: self._totals.of(camera_id, name, line) for name, line in settings.lines.items()},
            detect_enabled=detect.enabled,
            confidence=detect.confidence,
            fps=detect.fps,
            quality=settings.quality,
        )

    def _consider_snapshot(self, tracked: TrackedFrame) -> None:
        """Take a picture of the first frame and of new tracks, not too often, and now and then of nothing."""
        has_news = any(event.kind is EventKind.TRACK_STARTED for event in tracked.events)
        now_s = self._clock.monotonic_s()
        with self._lock:
            last_s = self._snapshot_at_s.get(tracked.camera_id)
            if last_s is None or now_s - last_s < (SNAPSHOT_EVERY_S if has_news else SNAPSHOT_RENEWED_S):
                return
            self._snapshot_at_s[tracked.camera_id] = now_s
        self._submit(self._publish_snapshot, tracked.camera_id, tracked.frame)

    def _submit(self, work: Callable[..., None], *arguments: object) -> None:
        with suppress(RuntimeError):  # closed: a camera's thread has come late
            self._slow.submit(work, *arguments)

    def _publish_snapshot(self, camera_id: str, frame: Frame) -> None:
        try:
            self._publisher.snapshot(camera_id, encode(frame.picture.bgr()))
        except Exception:  # a picture that cannot be compressed must not end the thread for all others
            log.exception("camera %s: no snapshot", camera_id)


def _of_labels(presence: Presence, labels: Iterable[str]) -> Presence:
    """Name every one of ``labels`` and no other, also those of which there is none."""
    return Presence({label: presence.counts.get(label, 0) for label in labels}, presence.occupied)
