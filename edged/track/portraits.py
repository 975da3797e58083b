"""The best sight of each track: large, sure and sharp; what a picture of it is worth showing."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import cv2

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from edged.core.types import Box, Frame, Track

MOST_FRAMES = 4
SIDE_PX = 96
HOPELESS = 0.5
"""Of the best size times confidence: what is below that, no sharpness makes better."""


@dataclass(frozen=True, slots=True)
class Sight:
    """A track in one picture."""

    frame: Frame = field(repr=False)
    box_px: Box


@dataclass(slots=True)
class _Best:
    sight: Sight
    standing: float  # size times confidence
    worth: float  # times sharpness


class Portraits:
    """Keeps a picture of every living track of one camera; any thread may call it.

    They share pictures, of which at most ``MOST_FRAMES`` are held for those in view (1.4 MB each at 720p):
    when there are more, whoever is in the oldest one is taken anew.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._best: dict[int, _Best] = {}

    def see(self, tracks: Sequence[Track], frame: Frame) -> None:
        """Take in everybody who is in ``frame``."""
        followed = [track for track in tracks if track.track_id]
        with self._lock:
            for track in followed:
                self._consider(track, frame, self._best.get(track.track_id))
            while len(held := {self._number(track) for track in followed}) > MOST_FRAMES:
                for track in followed:
                    if self._number(track) == min(held):
                        self._consider(track, frame, None)

    def of(self, track_id: int) -> Sight | None:
        """The best sight so far."""
        with self._lock:
            best = self._best.get(track_id)
            return best.sight if best else None

    def forget(self, track_ids: Iterable[int]) -> None:
        """Let go of tracks that have ended."""
        with self._lock:
            for track_id in track_ids:
                self._best.pop(track_id, None)

    def _number(self, track: Track) -> int:
        return self._best[track.track_id].sight.frame.number

    def _consider(self, track: Track, frame: Frame, best: _Best | None) -> None:
        x1, y1, x2, y2 = track.box_px
        standing = max(x2 - x1, 0.0) * max(y2 - y1, 0.0) * track.confidence
        if best and standing < HOPELESS * best.standing:
            return
        worth = standing * sharpness(frame, track.box_px)
        if best is None or worth > best.worth:
            self._best[track.track_id] = _Best(Sight(frame, track.box_px), standing, worth)


def sharpness(frame: Frame, box_px: Box) -> float:
    """How much the brightness in a box changes from one pixel to the next, whatever the size of the box."""
    x1, y1, x2, y2 = (max(0, round(side)) for side in box_px)
    inside = frame.picture.luma()[y1:y2, x1:x2]
    if not inside.size:
        return 0.0
    small = cv2.resize(
        inside, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_LINEAR
    )  # INTER_AREA costs ten times as much
    _, deviation = cv2.meanStdDev(cv2.Laplacian(small, cv2.CV_16S))
    return float(deviation[0, 0])
