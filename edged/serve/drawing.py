"""Pictures in the size that is wanted, with boxes on them."""

from __future__ import annotations

import colorsys
from typing import TYPE_CHECKING

import cv2

from edged.core.types import Size

if TYPE_CHECKING:
    from collections.abc import Iterable

    from edged.core.types import Bgr, Picture, Track

GOLDEN_ANGLE = 137.5 / 360  # neighbouring ids get colours far apart, the same as on the live page
FONT = cv2.FONT_HERSHEY_SIMPLEX


def scaled(picture: Picture, width: int | None) -> Bgr:
    """The pixels of ``picture``, no wider than ``width`` and never enlarged."""
    size = picture.size
    if width is None or width >= size.width:
        return picture.bgr().copy()
    # Even sides, because that is what colour planes can be scaled to without a detour.
    width = max(2, width - width % 2)
    height = max(2, round(size.height * width / size.width / 2) * 2)
    return picture.bgr(Size(width, height)).copy()


def draw_boxes(picture: Bgr, tracks: Iterable[Track], frame: Size) -> None:
    """Draw each track, whose box is in pixels of ``frame``, with its name on ``picture``."""
    height, width = picture.shape[:2]
    across, down = width / frame.width, height / frame.height
    scale = max(0.35, width / 1600)
    for track in tracks:
        x1, y1, x2, y2 = track.box_px
        left_top = (round(x1 * across), round(y1 * down))
        red, green, blue = colorsys.hls_to_rgb(track.track_id * GOLDEN_ANGLE % 1, 0.62, 0.9)
        colour = (blue * 255, green * 255, red * 255)
        cv2.rectangle(picture, left_top, (round(x2 * across), round(y2 * down)), colour, 2)
        text = f"{track.label} {track.track_id}"
        (text_width, text_height), _ = cv2.getTextSize(text, FONT, scale, 1)
        base = max(text_height + 4, left_top[1] - 4)
        corner = (left_top[0], base - text_height - 4)
        cv2.rectangle(picture, corner, (left_top[0] + text_width + 6, base + 3), colour, cv2.FILLED)
        cv2.putText(picture, text, (left_top[0] + 3, base), FONT, scale, (15, 17, 7), 1, cv2.LINE_AA)
