"""Pictures of a camera for people: with its boxes, as large as asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2

from edged.control.places import draw_places
from edged.core import jpeg
from edged.core.types import Size

if TYPE_CHECKING:
    from collections.abc import Iterable

    from edged.config import CameraSettings
    from edged.core.types import Bgr, Frame, Track

_BOX_BGR = (64, 220, 64)


def as_jpeg(
    frame: Frame, tracks: Iterable[Track], quality: int, places: CameraSettings | None = None
) -> bytes:
    """Return the whole picture, with the boxes of ``tracks`` and what ``places`` says is where."""
    picture = frame.picture.bgr()
    if places:
        draw_places(picture, places)
    _draw(picture, frame.size, tracks, thickness=2)
    return jpeg.encode(picture, quality)


def as_rgb(frame: Frame, tracks: Iterable[Track], within: Size) -> tuple[Size, bytes]:
    """Return a picture that fits ``within``, as rows of red, green and blue bytes, and its size."""
    scale = min(within.width / frame.size.width, within.height / frame.size.height, 1.0)
    size = Size(max(2, int(frame.size.width * scale) & ~1), max(2, int(frame.size.height * scale) & ~1))
    picture = frame.picture.bgr(size)
    _draw(picture, frame.size, tracks, thickness=1)
    return size, cv2.cvtColor(picture, cv2.COLOR_BGR2RGB).tobytes()


def _draw(picture: Bgr, source: Size, tracks: Iterable[Track], thickness: int) -> None:
    height, width = picture.shape[:2]
    x_scale, y_scale = width / source.width, height / source.height
    for track in tracks:
        x1, y1, x2, y2 = track.box_px
        first = round(x1 * x_scale), round(y1 * y_scale)
        last = round(x2 * x_scale), round(y2 * y_scale)
        cv2.rectangle(picture, first, last, _BOX_BGR, thickness)
