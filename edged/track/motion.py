"""How a track moves, judged by where its middle has been."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

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
    points = np.asarray(trajectory_px, dtype=np.float64)
    third = max(1, len(points) // 3)
    dx, dy = np.abs(points[-third:].mean(axis=0) - points[:third].mean(axis=0))
    x1, y1, x2, y2 = box_px
    side_px = ((x2 - x1) * (y2 - y1)) ** 0.5
    if (dx**2 + dy**2) ** 0.5 <= STATIONARY_WITHIN * side_px:
        return Motion.STATIONARY
    return Motion.HORIZONTAL if dx >= dy else Motion.VERTICAL
