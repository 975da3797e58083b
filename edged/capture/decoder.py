"""Turns packets into pictures, in hardware where that is wished and works."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, cast

from av.codec.context import CodecContext
from av.codec.hwaccel import HWAccel
from av.error import FFmpegError

from edged.core.errors import CaptureError, CaptureFault

if TYPE_CHECKING:
    from av.packet import Packet as AvPacket
    from av.video.codeccontext import VideoCodecContext
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

_log = logging.getLogger(__name__)

SOFTWARE = "software"
WRAPPER_DECODERS = frozenset({"v4l2m2m", "qsv", "cuvid", "rkmpp"})
"""Hardware that FFmpeg offers as decoders of their own, ``h264_v4l2m2m``, and not as a device."""


class Decoder:
    """Decodes one stream; a packet that cannot be decoded is counted and forgotten."""

    def __init__(self, codec: str, extradata: bytes, hardware: str = SOFTWARE) -> None:
        self.hardware = hardware
        self.errors = 0
        self._context = _open(codec, extradata, hardware)

    @property
    def name(self) -> str:
        """What decodes, for people: ``h264`` or ``h264 (cuda)``."""
        name = self._context.codec.name
        return name if self.hardware == SOFTWARE else f"{name} ({self.hardware})"

    @property
    def profile(self) -> str:
        """The profile of the stream as far as is known by now."""
        return self._context.profile or ""

    def decode(self, packet: AvPacket[VideoStream]) -> list[VideoFrame]:
        """Return the pictures that are finished by this packet: none, one, or a few."""
        try:
            frames = self._context.decode(packet)
        except (FFmpegError, OSError, ValueError):
            self.errors += 1
            return []
        self.errors += sum(frame.is_corrupt for frame in frames)
        return frames


def _open(codec: str, extradata: bytes, hardware: str) -> VideoCodecContext:
    try:
        if hardware in WRAPPER_DECODERS:
            context = cast("VideoCodecContext", CodecContext.create(f"{codec}_{hardware}", "r"))
        else:
            accelerator = None if hardware == SOFTWARE else HWAccel(hardware, allow_software_fallback=False)
            context = cast("VideoCodecContext", CodecContext.create(codec, "r", hwaccel=accelerator))
    except (FFmpegError, OSError, ValueError, RuntimeError, NotImplementedError) as error:
        text = f"no decoder for {codec} with {hardware}: {error}"
        raise CaptureError(text, CaptureFault.BROKEN) from error
    context.extradata = extradata or None
    # One thread: more threads cost more CPU for the same pictures, and FRAME threads hold pictures back.
    context.thread_count = 1
    context.thread_type = "NONE"
    context.copy_opaque = True  # a picture keeps the stamp of its packet
    # A model does not see the deblocking filter, which is a fifth of all decoding.
    context.options = {"skip_loop_filter": "all"}
    return context
