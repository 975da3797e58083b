"""Turns packets into pictures, in hardware where that is wished and works."""

from __future__ import annotations

from dataclasses import dataclass
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

    from edged.core.types import Size

SOFTWARE = "software"
WRAPPER_DECODERS = frozenset({"v4l2m2m", "qsv", "cuvid", "rkmpp"})
"""Hardware that FFmpeg offers as decoders of their own, ``h264_v4l2m2m``, and not as a device."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """What a decoder must know before the first packet; size and format matter to raw video only."""

    codec: str
    extradata: bytes = b""
    size: Size | None = None
    pixel_format: str | None = None


class Decoder:
    """Decodes one stream from its first key frame on; what cannot be decoded is counted and forgotten."""

    def __init__(self, encoding: Encoding, hardware: str = SOFTWARE) -> None:
        self.hardware = hardware
        self.errors = 0
        self.has_key_frame = False  # before one there can be no picture
        self._context = _open(encoding, hardware)

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
        self.has_key_frame |= packet.is_keyframe
        if not self.has_key_frame:
            return []
        try:
            frames = self._context.decode(packet)
        except (FFmpegError, OSError, ValueError):
            self.errors += 1
            return []
        self.errors += sum(frame.is_corrupt for frame in frames)
        return frames

    def finish(self) -> list[VideoFrame]:
        """Return the pictures that it still holds back; nothing can be decoded after that."""
        try:
            return self._context.decode(None)
        except (FFmpegError, OSError, ValueError):
            return []


def _open(encoding: Encoding, hardware: str) -> VideoCodecContext:
    codec = encoding.codec
    try:
        context = _create(codec, hardware)
    except (FFmpegError, OSError, ValueError, RuntimeError, NotImplementedError) as error:
        text = f"no decoder for {codec} with {hardware}: {error}"
        raise CaptureError(text, CaptureFault.BROKEN) from error
    context.extradata = encoding.extradata or None
    if codec == "rawvideo" and encoding.size and encoding.pixel_format:
        context.width, context.height = encoding.size.width, encoding.size.height
        context.pix_fmt = encoding.pixel_format
    # One thread: more threads cost more CPU for the same pictures, and FRAME threads hold pictures back.
    context.thread_count = 1
    context.thread_type = "NONE"
    context.copy_opaque = True  # a picture keeps the stamp of its packet
    # A model does not see the deblocking filter, which is a fifth of all decoding.
    context.options = {"skip_loop_filter": "all"}
    return context


def _create(codec: str, hardware: str) -> VideoCodecContext:
    if hardware in WRAPPER_DECODERS:
        return cast("VideoCodecContext", CodecContext.create(f"{codec}_{hardware}", "r"))
    if hardware == SOFTWARE:
        return cast("VideoCodecContext", CodecContext.create(codec, "r"))
    accelerator = HWAccel(hardware, allow_software_fallback=False)
    context = cast("VideoCodecContext", CodecContext.create(codec, "r", hwaccel=accelerator))
    if not context.is_hwaccel:  # PyAV decodes in software then, and says nothing
        text = "this build of FFmpeg has no such pair"
        raise NotImplementedError(text)
    return context
