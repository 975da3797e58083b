"""Pictures against FFmpeg's own conversion."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import av
import cv2
import numpy as np
import pytest

from edged.capture.picture import VideoPicture
from edged.core.types import Size

if TYPE_CHECKING:
    from numpy.typing import NDArray


def scene(width: int, height: int) -> NDArray[np.uint8]:
    """Smooth colours, so that chroma subsampling and scaling do not decide the comparison."""
    x = np.linspace(0, 1, width)[None, :]
    y = np.linspace(0, 1, height)[:, None]
    planes = [30 + 190 * x + 0 * y, 40 + 170 * y + 0 * x, 220 - 90 * (x + y)]
    return cast("NDArray[np.uint8]", np.stack(planes, axis=2).astype(np.uint8))


def picture(width: int, height: int, pixel_format: str) -> VideoPicture:
    frame = av.VideoFrame.from_ndarray(scene(width, height), format="bgr24")
    return VideoPicture(frame.reformat(format=pixel_format, dst_color_range=2 if "j" in pixel_format else 1))


@pytest.mark.parametrize(
    "pixel_format",
    [
        "yuv420p",
        "yuvj420p",
        "yuv422p",
        "yuvj422p",
        "yuv444p",
        "nv12",
        "yuv420p10le",
        "gray",
        "yuyv422",
        "bgr24",
    ],
)
@pytest.mark.parametrize("size", [None, Size(160, 90), Size(161, 91), Size(400, 224)])
def test_colours_and_size(pixel_format: str, size: Size | None) -> None:
    shown = picture(320, 180, pixel_format)
    wanted = size or Size(320, 180)
    bgr = shown.bgr(size)
    assert bgr.shape == (wanted.height, wanted.width, 3)
    assert bgr.dtype == np.uint8
    expected = cv2.resize(scene(320, 180), (wanted.width, wanted.height))
    if pixel_format == "gray":
        expected = cv2.cvtColor(cv2.cvtColor(expected, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    assert np.abs(bgr.astype(int) - expected).mean() < 3


@pytest.mark.parametrize("width", [320, 322, 330])
@pytest.mark.parametrize("height", [180, 181])
def test_odd_sizes_and_padded_lines(width: int, height: int) -> None:
    bgr = picture(width + 1, height, "yuv420p").bgr()
    assert bgr.shape == (height, width + 1, 3)
    assert np.abs(bgr.astype(int) - scene(width + 1, height)).mean() < 3
    half = picture(width + 1, height, "yuv420p").bgr(Size(160, 90))
    assert np.abs(half.astype(int) - cv2.resize(scene(width + 1, height), (160, 90))).mean() < 3


def test_black_and_white_reach_both_ends() -> None:
    for pixel_format in ("yuv420p", "yuvj420p", "nv12"):
        for level in (0, 255):
            flat = np.full((64, 64, 3), level, np.uint8)
            frame = av.VideoFrame.from_ndarray(flat, format="bgr24").reformat(
                format=pixel_format, dst_color_range=2 if "j" in pixel_format else 1
            )
            assert np.abs(VideoPicture(frame).bgr().astype(int) - level).max() <= 4, (pixel_format, level)


def test_fingerprint_tells_pictures_apart_and_not_copies() -> None:
    assert picture(320, 180, "yuv420p").fingerprint() == picture(320, 180, "yuv420p").fingerprint()
    frame = av.VideoFrame.from_ndarray(255 - scene(320, 180), format="bgr24").reformat(format="yuv420p")
    assert VideoPicture(frame).fingerprint() != picture(320, 180, "yuv420p").fingerprint()
