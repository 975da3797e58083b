"""One camera's tracks from first sight to last: label, age, way and state of each."""

from __future__ import annotations

import logging
from collections import defaultdict, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from edged.core.types import Detections, Motion, Track, TrackSource, TrackState
from edged.track.bytetrack import Assignment, ByteTrack
from edged.track.motion import motion_of

if TYPE_CHECKING:
    from edged.config import TrackSettings
    from edged.core.types import Box, Frame, Point, Size

log = logging.getLogger(__name__)

TRAJECTORY_POINTS = 30


@dataclass(frozen=True, slots=True)
class TrackerUpdate:
    """What one pass changed."""

    active: tuple[Track, ...] = ()
    started: tuple[Track, ...] = ()
    ended: tuple[Track, ...] = ()


@dataclass(slots=True)
class _Record:
    """What is remembered of one id; bounded, however long its object stays."""

    track_id: int
    first_seen_s: float
    last_seen_s: float
    box_px: Box = (0.0, 0.0, 0.0, 0.0)
    confidence: float = 0.0
    state: TrackState = TrackState.ACTIVE
    votes: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    trajectory_px: deque[Point] = field(default_factory=lambda: deque(maxlen=TRAJECTORY_POINTS))

    def see(self, box_px: Box, confidence: float, label: str, at_s: float) -> None:
        x1, y1, x2, y2 = box_px
        self.box_px, self.confidence, self.last_seen_s = box_px, confidence, at_s
        self.state = TrackState.ACTIVE
        # A detector wavers between car and truck; the label that it has been surest of all in all stays.
        self.votes[label] += confidence
        self.trajectory_px.append(((x1 + x2) / 2, (y1 + y2) / 2))

    def as_track(self) -> Track:
        return Track(
            track_id=self.track_id,
            label=max(self.votes, key=self.votes.__getitem__),
            confidence=self.confidence,
            box_px=self.box_px,
            source=TrackSource.BYTETRACK,
            state=self.state,
            first_seen_s=self.first_seen_s,
            last_seen_s=self.last_seen_s,
            motion=motion_of(self.trajectory_px, self.box_px),
            trajectory_px=tuple(self.trajectory_px),
        )


class Tracker:
    """Follows what one camera's detector sees; not thread-safe, one pass at a time.

    ``confidence`` is what starts a track where ``settings`` name no activation threshold of their own.
    A pass that ByteTrack fails on gives the detections untracked, and the next pass starts it anew.
    """

    def __init__(self, settings: TrackSettings, confidence: float) -> None:
        self._settings = settings
        self._activation_threshold = settings.track_activation_threshold or confidence
        self._bytetrack = self._new_bytetrack()
        self._records: dict[int, _Record] = {}
        self._highest_id = 0
        self._ids_before = 0  # ids given by trackers that failed: theirs are never given again
        self._size: Size | None = None
        self._failing = False
        self.failures = 0

    def update(self, detections: Detections, frame: Frame) -> TrackerUpdate:
        """Follow ``detections`` of ``frame``, which was captured after the frame of the last call."""
        cut = self.reset() if self._size not in (None, frame.size) else ()
        self._size = frame.size
        seen = _at_least(detections, self._settings.low_threshold)
        try:
            assignment = self._bytetrack.update(seen, frame.captured_monotonic_s)
        except Exception:  # whatever ByteTrack trips over, the camera goes on without it
            if not self._failing:
                log.exception("tracking failed; detections go out untracked")
            self._failing = True
            return self._untracked(detections, frame, cut)
        if self._failing:
            log.info("tracking works again")
            self._failing = False
        return self._follow(seen, assignment, frame.captured_s, cut)

    def set_confidence(self, confidence: float) -> None:
        """Let ``confidence`` start tracks from now on, unless the settings name a threshold of their own."""
        self._activation_threshold = self._settings.track_activation_threshold or confidence
        self._bytetrack.set_activation_threshold(self._activation_threshold)

    def reset(self) -> tuple[Track, ...]:
        """End every track, as when the picture is cut or detection is switched off; return them."""
        self._bytetrack.forget()
        return self._end(set(self._records))

    def _follow(
        self, seen: Detections, assignment: Assignment, at_s: float, cut: tuple[Track, ...]
    ) -> TrackerUpdate:
        active, started = [], []
        for row, number in zip(assignment.rows.tolist(), assignment.track_ids.tolist(), strict=True):
            track_id = self._ids_before + number
            self._highest_id = max(self._highest_id, track_id)
            is_new = track_id not in self._records
            record = self._records.setdefault(track_id, _Record(track_id, at_s, at_s))
            x1, y1, x2, y2 = seen.boxes_px[row].tolist()
            label = seen.labels[int(seen.class_ids[row])]
            record.see((x1, y1, x2, y2), float(seen.scores[row]), label, at_s)
            active.append(record.as_track())
            if is_new:
                started.append(active[-1])
        active_ids = {track.track_id for track in active}
        lost_ids = {self._ids_before + number for number in assignment.lost_ids}
        for track_id in lost_ids & self._records.keys():
            self._records[track_id].state = TrackState.LOST
        ended = self._end(self._records.keys() - active_ids - lost_ids)
        return TrackerUpdate(tuple(active), tuple(started), cut + ended)

    def _end(self, track_ids: set[int]) -> tuple[Track, ...]:
        records = [self._records.pop(track_id) for track_id in sorted(track_ids)]
        for record in records:
            record.state = TrackState.REMOVED
        return tuple(record.as_track() for record in records)

    def _untracked(self, detections: Detections, frame: Frame, cut: tuple[Track, ...]) -> TrackerUpdate:
        self.failures += 1
        self._ids_before = self._highest_id
        self._bytetrack = self._new_bytetrack()
        ended = self._end(set(self._records))
        sure = _at_least(detections, self._activation_threshold)
        return TrackerUpdate(_as_untracked(sure, frame.captured_s), (), cut + ended)

    def _new_bytetrack(self) -> ByteTrack:
        return ByteTrack(
            track_activation_threshold=self._activation_threshold,
            lost_track_buffer_s=self._settings.lost_track_buffer_s,
            minimum_matching_threshold=self._settings.minimum_matching_threshold,
            minimum_consecutive_frames=self._settings.minimum_consecutive_frames,
        )


def _at_least(detections: Detections, score: float) -> Detections:
    keep = detections.scores >= score
    return Detections(
        detections.boxes_px[keep], detections.scores[keep], detections.class_ids[keep], detections.labels
    )


def _as_untracked(detections: Detections, at_s: float) -> tuple[Track, ...]:
    rows = zip(
        detections.boxes_px.tolist(), detections.scores.tolist(), detections.class_ids.tolist(), strict=True
    )
    return tuple(
        Track(
            track_id=0,
            label=detections.labels[class_id],
            confidence=score,
            box_px=(box[0], box[1], box[2], box[3]),
            source=TrackSource.DETECTION,
            state=TrackState.ACTIVE,
            first_seen_s=at_s,
            last_seen_s=at_s,
            motion=Motion.UNKNOWN,
        )
        for box, score, class_id in rows
    )
