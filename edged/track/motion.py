"""How a track moves, judged by where its middle has been."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from edged.core.types import Motion

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edged.core.types import Box, Point

MINIMUM_POINTS = 5
STATIONARY_WITHIN = 0.2  # of the box's mean side: more than the jitter of a detector, less than a step


def motion_of(trajectory_px: Sequence[Point], box_px: Box) -> Motion:
    """Judge the way from the first third of ``trajectory_px`` to its last, in units of the box's size."""
    if len(trajectory_px) < MINIMUM_POINTS:
        return Motion.UNKNOWN
    # Plain Python: on thirty points it takes a quarter of numpy's time.
    third = len(trajectory_px) // 3
    points = tuple(trajectory_px)
    (x_then, y_then), (x_now, y_now) = _mean(points[:third]), _mean(points[-third:])
    dx, dy = abs(x_now - x_then), abs(y_now - y_then)
    x1, y1, x2, y2 = box_px
    side_px = ((x2 - x1) * (y2 - y1)) ** 0.5
    if math.hypot(dx, dy) <= STATIONARY_WITHIN * side_px:
        return Motion.STATIONARY
    return Motion.HORIZONTAL if dx >= dy else Motion.VERTICAL


def _mean(points: Sequence[Point]) -> Point:
    xs, ys = zip(*points, strict=True)
    return sum(xs) / len(points), sum(ys) / len(points)
