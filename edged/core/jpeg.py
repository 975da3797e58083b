"""Pictures as JPEG."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2

if TYPE_CHECKING:
    from edged.core.types import Bgr

QUALITY = 80


def encode(picture: Bgr, quality: int = QUALITY) -> bytes:
    """Compress ``picture``; ``quality`` from 1 to 100."""
    _, jpeg = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return jpeg.tobytes()
