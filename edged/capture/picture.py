"""A decoded picture that is converted only when somebody asks, and only as far."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, cast

import av
import cv2
import numpy as np

from edged.core.types import Size

if TYPE_CHECKING:
    from av.video.frame import VideoFrame
    from av.video.plane import VideoPlane
    from numpy.typing import NDArray

    from edged.core.types import Bgr

_PLANAR = frozenset({f"yuv{j}{subsampling}p" for j in ("", "j") for subsampling in ("420", "422", "444")})
_FULL_RANGE = 2  # AVCOL_RANGE_JPEG
_FINGERPRINT_STEP = 4


class VideoPicture:
    """A picture as it leaves the decoder.

    Scaling the Y, U and V planes by themselves and converting the small result is three times cheaper than
    letting FFmpeg do both. Colours are converted by BT.601 whatever the stream says: so does OpenCV, which
    prepared what the models were trained on.
    """

    __slots__ = ("_frame",)

    def __init__(self, frame: VideoFrame) -> None:
        self._frame = frame

    @property
    def size(self) -> Size:
        """Size as the camera sent it."""
        return Size(self._frame.width, self._frame.height)

    @property
    def pixel_format(self) -> str:
        """FFmpeg's name of the layout in memory."""
        return self._frame.format.name

    def bgr(self, size: Size | None = None) -> Bgr:
        """``H x W x 3`` blue-green-red bytes, scaled to ``size`` (default: as sent)."""
        size = size or self.size
        is_odd = size.width % 2 or size.height % 2
        is_known = self.pixel_format in _PLANAR or self.pixel_format == "nv12"
        if is_odd or not is_known:
            frame = self._frame.reformat(
                size.width, size.height, "bgr24", interpolation="BILINEAR", threads=1
            )
            return cast("Bgr", frame.to_ndarray())
        return self._convert(size)

    def luma(self) -> NDArray[np.uint8]:
        """``H x W`` brightness as sent; to be looked at only."""
        if self.pixel_format in _PLANAR or self.pixel_format == "nv12":
            return _pixels(self._frame.planes[0])
        return cast("NDArray[np.uint8]", self._frame.reformat(format="gray", threads=1).to_ndarray())

    def yuv420(self, size: Size) -> VideoFrame:
        """As encoders take it, scaled to ``size``; the caller's own."""
        frame = self._frame.reformat(size.width, size.height, "yuv420p", interpolation="BILINEAR", threads=1)
        if frame is self._frame:  # nothing was to be done; a stamp on it would be seen by everybody
            frame = av.VideoFrame.from_ndarray(frame.to_ndarray(), format="yuv420p")
        return frame

    def fingerprint(self) -> int:
        """A number that stays the same only while every looked-at pixel does."""
        luma = _pixels(self._frame.planes[0])
        return zlib.adler32(luma[::_FINGERPRINT_STEP, ::_FINGERPRINT_STEP].tobytes())

    def _convert(self, size: Size) -> Bgr:
        width, height = size.width, size.height
        is_nv12 = self.pixel_format == "nv12"
        yuv = np.empty((height * 3 // 2, width), np.uint8)
        chroma = yuv[height:].reshape(-1)
        if is_nv12:
            targets = [yuv[:height], chroma.reshape(height // 2, width // 2, 2)]
        else:
            quarter = chroma.size // 2
            targets = [
                yuv[:height],
                *(chroma[i : i + quarter].reshape(height // 2, -1) for i in (0, quarter)),
            ]
        for plane, target in zip(self._frame.planes, targets, strict=True):
            source = _pixels(plane, channels=target.shape[2] if target.ndim > 2 else 1)  # noqa: PLR2004 - U and V interleaved
            cv2.resize(source, (target.shape[1], target.shape[0]), dst=target, interpolation=cv2.INTER_LINEAR)
        if self._is_full_range():
            _limit_range(yuv[:height], yuv[height:])
        code = cv2.COLOR_YUV2BGR_NV12 if is_nv12 else cv2.COLOR_YUV2BGR_I420
        return cast("Bgr", cv2.cvtColor(yuv, code))

    def _is_full_range(self) -> bool:
        return "j" in self.pixel_format or self._frame.color_range == _FULL_RANGE


def _pixels(plane: VideoPlane, channels: int = 1) -> NDArray[np.uint8]:
    """The bytes of a plane without the padding at the end of its lines; no copy."""
    lines: NDArray[np.uint8] = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)[
        : plane.height
    ]
    if channels == 1:
        return lines[:, : plane.width]
    return lines[:, : plane.width * channels].reshape(plane.height, plane.width, channels)


def _limit_range(luma: NDArray[np.uint8], chroma: NDArray[np.uint8]) -> None:
    """Squeeze full range into the 16..235 and 16..240 that OpenCV expects."""
    cv2.convertScaleAbs(luma, dst=luma, alpha=219 / 255, beta=16)
    cv2.convertScaleAbs(chroma, dst=chroma, alpha=224 / 255, beta=128 * (1 - 224 / 255))
