"""The eye and the light of the scene: where a point lands in the picture, and where its shadow falls.

World coordinates are metres: x to the right, y up from the ground, z away from the camera.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edged.core.types import Size

    Points = NDArray[np.float64]
    Colour = tuple[float, float, float]  # blue, green, red, 0..255


@dataclass(frozen=True, slots=True)
class View:
    """An upright pinhole camera ``height_m`` over the ground; verticals stay vertical."""

    size: Size
    focal_px: float
    horizon_px: float
    height_m: float

    def project(self, points: Points) -> Points:
        """World points ``n x 3`` to pixels ``n x 2``."""
        pixels = np.empty((len(points), 2))
        scale = self.focal_px / points[:, 2]
        pixels[:, 0] = self.size.width / 2 + points[:, 0] * scale
        pixels[:, 1] = self.horizon_px + (self.height_m - points[:, 1]) * scale
        return pixels

    def px_per_m(self, z_m: float) -> float:
        """How many pixels a metre takes at this depth."""
        return self.focal_px / z_m

    def half_width_m(self, z_m: float) -> float:
        """How far the picture reaches to either side at this depth."""
        return self.size.width / 2 * z_m / self.focal_px

    def scaled(self, factor: int, size: Size) -> View:
        """The same view in a picture ``factor`` times as large."""
        return View(size, self.focal_px * factor, self.horizon_px * factor, self.height_m)


@dataclass(frozen=True, slots=True)
class Sun:
    """Light from one side; a point of height y throws its shadow ``y * (dx, dz)`` along the ground."""

    dx: float
    dz: float
    warmth: float  # 0 grey noon .. 1 golden
    depth: float  # how much of the light a shadow takes away, 0..1

    def shadow(self, points: Points) -> Points:
        """Where the shadows of world points fall, as world points on the ground."""
        fallen = points + points[:, 1:2] * (self.dx, 0.0, self.dz)
        fallen[:, 1] = 0.0
        return fallen

    def on_face(self, normal: Points) -> float:
        """Brightness of a face: 1 for one that looks up, less for those turned away."""
        towards = np.array([-self.dx, 1.0, -self.dz])
        lit = float(normal @ towards / np.linalg.norm(towards))
        return 0.62 + 0.42 * max(lit, 0.0)


def shade(colour: Colour, factor: float) -> Colour:
    """The colour brighter or darker."""
    blue, green, red = (min(255.0, channel * factor) for channel in colour)
    return blue, green, red
