"""Who crosses a line, and which way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edged.core.types import Crossing
from edged.track.ground import Segment, belt_px

if TYPE_CHECKING:
    from edged.config import LineSettings
    from edged.core.types import Frame, Point, Size, Track


@dataclass(slots=True)
class _Walk:
    """The way of a track since it was last on one side for sure."""

    foot_px: Point
    side: int = 0  # 1 right, -1 left, 0 not known yet
    crossings: int = 0  # to the right less to the left, since then
    crossed_s: float = 0.0  # monotonic: the last of them


class Line:
    """One line of one camera; told of every pass, in order.

    A track has crossed when its steps, added up, lead over the line itself and it then stands on the other
    side for sure. So trembling on the line counts nothing and going around its end neither, and a track that
    was missed while it crossed is counted when it is found again.
    """

    def __init__(self, name: str, settings: LineSettings) -> None:
        self._name = name
        self._settings = settings
        self._labels = frozenset(settings.labels)
        self._walks: dict[int, _Walk] = {}
        self._frame: Frame | None = None
        self._size: Size | None = None
        self._segment: Segment | None = None

    def see(self, track: Track, frame: Frame) -> Crossing | None:
        """Take in a track that is in ``frame``; return the crossing that is certain now."""
        segment = self._segment_on(frame)
        foot_px = track.foot_px
        walk = self._walks.setdefault(track.track_id, _Walk(foot_px))
        if step := segment.crossed_by(walk.foot_px, foot_px):
            walk.crossings += step
            walk.crossed_s = frame.captured_monotonic_s
        walk.foot_px = foot_px
        right_px = segment.right_px(foot_px)
        if abs(right_px) <= belt_px(track.box_px):
            return None
        before, way = walk.side, walk.crossings
        walk.side, walk.crossings = (1 if right_px > 0 else -1), 0
        is_ours = not self._labels or track.label in self._labels
        return self._crossing(way, walk, frame) if is_ours and way and walk.side == -before else None

    def end(self, track_id: int) -> None:
        """Forget a track."""
        self._walks.pop(track_id, None)

    def _crossing(self, way: int, walk: _Walk, frame: Frame) -> Crossing:
        wall_s = frame.captured_s - frame.captured_monotonic_s
        direction = self._settings.to_right if way > 0 else self._settings.to_left
        return Crossing(self._name, direction, wall_s + walk.crossed_s)

    def _segment_on(self, frame: Frame) -> Segment:
        if self._segment is None or frame is not self._frame:  # once a pass, as in zones
            size, self._frame = frame.size, frame
            if self._segment is None or size != self._size:
                self._segment, self._size = Segment(self._settings.start, self._settings.end, size), size
                self._walks.clear()
        return self._segment
