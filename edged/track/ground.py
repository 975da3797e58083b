"""Places in the picture as pixels: whether somebody is inside, or beyond a line, and that for sure.

What a detector says of a place trembles by some percent of the size of what it sees. So there is a belt
along every edge, ``BELT`` of the box's side to each side of it, in which nobody changes sides.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edged.core.types import Box, Point, Size

BELT = 0.08


def belt_px(box_px: Box) -> float:
    """How far beyond an edge somebody must be to be beyond it for sure."""
    x1, y1, x2, y2 = box_px
    return BELT * math.sqrt(max((x2 - x1) * (y2 - y1), 0.0))


class Area:
    """A polygon on pictures of one size."""

    def __init__(self, polygon: Sequence[Point], size: Size) -> None:
        self._outline = np.array(polygon, np.float32) * np.array((size.width, size.height), np.float32)
        self._left, self._top = self._outline.min(0).tolist()
        self._right, self._bottom = self._outline.max(0).tolist()

    def depth_px(self, point_px: Point) -> float:
        """How far inside a point lies; negative outside."""
        return float(cv2.pointPolygonTest(self._outline, point_px, measureDist=True))

    def contains(self, point_px: Point) -> bool:
        """Whether a point lies inside or on the edge."""
        x, y = point_px
        is_near = self._left <= x <= self._right and self._top <= y <= self._bottom
        return is_near and cv2.pointPolygonTest(self._outline, point_px, measureDist=False) >= 0


class Segment:
    """A line from ``start`` to ``end`` on pictures of one size; right is right of who walks along it."""

    def __init__(self, start: Point, end: Point, size: Size) -> None:
        self._x, self._y = start[0] * size.width, start[1] * size.height
        self._dx, self._dy = (end[0] - start[0]) * size.width, (end[1] - start[1]) * size.height
        self._length_px = math.hypot(self._dx, self._dy)

    def right_px(self, point_px: Point) -> float:
        """How far to the right of the line, or of what prolongs it, a point lies; negative to the left."""
        x, y = point_px
        return (self._dx * (y - self._y) - self._dy * (x - self._x)) / self._length_px

    def crossed_by(self, before_px: Point, now_px: Point) -> int:
        """1 for a step that crosses the line itself from left to right, -1 from right to left, else 0."""
        was, now = self.right_px(before_px), self.right_px(now_px)
        if (was < 0) == (now < 0):
            return 0
        part = was / (was - now)
        x = before_px[0] + (now_px[0] - before_px[0]) * part - self._x
        y = before_px[1] + (now_px[1] - before_px[1]) * part - self._y
        along = (x * self._dx + y * self._dy) / self._length_px**2
        if not 0 <= along <= 1:
            return 0
        return 1 if was < 0 else -1
