"""Zones, lines and regions drawn on a picture, as somebody wants to see them who has just written them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from edged.config import CameraSettings, LineSettings
    from edged.core.types import Bgr, Point

    Polygon = Sequence[Point]

FONT = cv2.FONT_HERSHEY_SIMPLEX
ZONE_BGR = (220, 180, 40)
LINE_BGR = (40, 190, 250)
INCLUDE_BGR = (90, 200, 90)
EXCLUDE_BGR = (70, 70, 220)
INK_BGR = (255, 255, 255)
SHADE_BGR = (0, 0, 0)
ARROW_SHARE = 0.06  # of the picture's width
DARKENED = 0.45


def draw_places(picture: Bgr, settings: CameraSettings) -> None:
    """Draw all places of a camera; what is not looked at becomes dark."""
    _darken(picture, settings.include, settings.exclude)
    for region in settings.include:
        _outline(picture, region, INCLUDE_BGR)
    for region in settings.exclude:
        _outline(picture, region, EXCLUDE_BGR)
    for name, zone in settings.zones.items():
        _outline(picture, zone.polygon, ZONE_BGR)
        _write(picture, name, _pixels(picture, zone.polygon).mean(0))
    for name, line in settings.lines.items():
        _draw_line(picture, name, line)


def _draw_line(picture: Bgr, name: str, line: LineSettings) -> None:
    """A line, its name, and an arrow each way with what crossing it that way is called."""
    start, end = _pixels(picture, (line.start, line.end)).astype(float)
    cv2.line(picture, _at(start), _at(end), LINE_BGR, 3, cv2.LINE_AA)
    middle, along = (start + end) / 2, end - start
    right = np.array((-along[1], along[0])) / max(float(np.hypot(*along)), 1.0)
    reach = right * ARROW_SHARE * picture.shape[1]
    for tip, direction in ((middle + reach, line.to_right), (middle - reach, line.to_left)):
        cv2.arrowedLine(picture, _at(middle), _at(tip), LINE_BGR, 2, cv2.LINE_AA, tipLength=0.3)
        _write(picture, f"{name} {direction}", tip)


def _darken(picture: Bgr, include: Sequence[Polygon], exclude: Sequence[Polygon]) -> None:
    if not (include or exclude):
        return
    seen = np.full(picture.shape[:2], 0 if include else 1, np.uint8)
    for value, regions in ((1, include), (0, exclude)):
        for region in regions:
            cv2.fillPoly(seen, [_pixels(picture, region)], (value,))
    unseen = seen == 0
    picture[unseen] = (picture[unseen] * DARKENED).astype(np.uint8)


def _outline(picture: Bgr, polygon: Polygon, colour: tuple[int, int, int]) -> None:
    cv2.polylines(picture, [_pixels(picture, polygon)], isClosed=True, color=colour, thickness=2)


def _write(picture: Bgr, text: str, middle: NDArray[np.float64]) -> None:
    scale = max(0.4, picture.shape[1] / 1600)
    (width, height), _ = cv2.getTextSize(text, FONT, scale, 1)
    left = min(max(2.0, middle[0] - width / 2), max(2.0, picture.shape[1] - width - 2.0))
    base = min(max(height + 2.0, middle[1] + height / 2), picture.shape[0] - 4.0)
    for colour, thickness in ((SHADE_BGR, 3), (INK_BGR, 1)):
        cv2.putText(picture, text, (int(left), int(base)), FONT, scale, colour, thickness, cv2.LINE_AA)


def _pixels(picture: Bgr, points: Polygon) -> NDArray[np.int32]:
    height, width = picture.shape[:2]
    pixels: NDArray[np.int32] = np.rint(np.array(points) * (width - 1, height - 1)).astype(np.int32)
    return pixels


def _at(point: NDArray[np.float64]) -> tuple[int, int]:
    return round(point[0]), round(point[1])
