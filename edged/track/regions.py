"""What of the picture is looked at: detections that stand elsewhere are dropped before they are followed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edged.core.types import Detections
from edged.track.ground import Area

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edged.core.types import Point, Size

    Polygon = Sequence[Point]


class Regions:
    """Keeps what stands in one of ``include`` (where there is none, anywhere) and in none of ``exclude``."""

    def __init__(self, include: Sequence[Polygon], exclude: Sequence[Polygon]) -> None:
        self._include = include
        self._exclude = exclude
        self._size: Size | None = None
        self._wanted: list[Area] = []
        self._unwanted: list[Area] = []

    def kept(self, detections: Detections, size: Size) -> Detections:
        """Return those of ``detections``, in a picture of ``size``, that are to be followed."""
        if not (self._include or self._exclude) or not len(detections):
            return detections
        if size != self._size:
            self._wanted = [Area(polygon, size) for polygon in self._include]
            self._unwanted = [Area(polygon, size) for polygon in self._exclude]
            self._size = size
        feet = (((x1 + x2) / 2, y2) for x1, _, x2, y2 in detections.boxes_px.tolist())
        keep = np.fromiter((self._is_wanted(foot) for foot in feet), bool, len(detections))
        return Detections(
            detections.boxes_px[keep], detections.scores[keep], detections.class_ids[keep], detections.labels
        )

    def _is_wanted(self, foot_px: Point) -> bool:
        is_included = not self._wanted or any(area.contains(foot_px) for area in self._wanted)
        return is_included and not any(area.contains(foot_px) for area in self._unwanted)
