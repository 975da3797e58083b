"""Walkers on a plain: what a perfect detector would see of them at any moment."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from edged.config import TrackSettings
from edged.core.types import Box, Detections, Frame, Size
from edged.track import Tracker, TrackerUpdate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edged.core.types import Bgr

HD = Size(1280, 720)
LABELS = ("person", "car", "truck")


@dataclass(frozen=True, slots=True)
class NoPicture:
    """Stands where only the size of a picture matters."""

    size: Size = HD

    def bgr(self, size: Size | None = None) -> Bgr:
        raise NotImplementedError(size)

    def luma(self) -> NDArray[np.uint8]:
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Seen:
    """One detection."""

    box_px: Box
    score: float = 0.9
    label: str = "person"


@dataclass(frozen=True, slots=True)
class Walker:
    """A box of 60 x 120 px that moves evenly."""

    x: float
    y: float
    vx: float = 0.0
    vy: float = 0.0

    def at(self, time_s: float, score: float = 0.9, label: str = "person") -> Seen:
        x, y = self.x + self.vx * time_s, self.y + self.vy * time_s
        return Seen((x, y, x + 60, y + 120), score, label)


def detections(*seen: Seen) -> Detections:
    return Detections(
        np.array([each.box_px for each in seen], np.float32).reshape(-1, 4),
        np.array([each.score for each in seen], np.float32),
        np.array([LABELS.index(each.label) for each in seen], np.intp),
        LABELS,
    )


@dataclass(slots=True)
class Scene:
    """A tracker and a clock that goes on with each pass; its epoch begins at 1000 s."""

    tracker: Tracker = field(default_factory=lambda: Tracker(TrackSettings(), confidence=0.4))
    time_s: float = 0.0
    size: Size = HD

    def see(self, *seen: Seen, after_s: float = 0.2) -> TrackerUpdate:
        """One pass, ``after_s`` after the last one."""
        self.time_s += after_s
        frame = Frame(NoPicture(self.size), 1, 1000 + self.time_s, self.time_s)
        return self.tracker.update(detections(*seen), frame)

    def watch(self, *walkers: Walker, passes: int, after_s: float = 0.2, score: float = 0.9) -> TrackerUpdate:
        """Several passes over the same walkers; return what the last one gave."""
        update = TrackerUpdate()
        for _ in range(passes):
            now_s = self.time_s + after_s
            update = self.see(*(walker.at(now_s, score) for walker in walkers), after_s=after_s)
        return update


def ids(update: TrackerUpdate) -> list[int]:
    return sorted(track.track_id for track in update.active)
