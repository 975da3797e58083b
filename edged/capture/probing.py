"""Looks at a camera for a few seconds and says what it is; what ``edged check --probe`` prints."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING

from av.video.frame import PictureType

from edged.capture.annexb import parameter_sets
from edged.capture.decoder import Decoder
from edged.capture.demuxer import open_demuxer
from edged.capture.hardware import choose_hardware
from edged.capture.picture import VideoPicture
from edged.capture.timeline import TimeLine
from edged.capture.watchdog import KEY_FRAME_PATIENCE_S
from edged.core.errors import CaptureError, CaptureFault
from edged.core.redact import redact
from edged.core.types import Picture, Size, StreamInfo

if TYPE_CHECKING:
    from av.packet import Packet as AvPacket
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

    from edged.capture.demuxer import Demuxer
    from edged.capture.options import CaptureOptions

KEY_FRAMES_WITHIN_S = 15.0
"""So long is waited for a second key frame, which alone says how far they are apart."""
BROWSER_PIXEL_FORMATS = frozenset({"yuv420p", "yuvj420p", "nv12"})


@dataclass(frozen=True, slots=True)
class ProbeReport:
    """What a camera sends, as measured."""

    stream: StreamInfo
    fps_measured: float
    key_frame_interval_s: float | None  # None where no second one came within KEY_FRAMES_WITHIN_S
    has_b_frames: bool
    pixel_format: str
    bit_rate_kbps: float
    decoder: str
    decode_errors: int
    open_s: float  # from the start until the connection stood
    first_picture_s: float  # from the start until there was a picture
    picture: Picture = field(repr=False, compare=False)
    browser_obstacle: str | None  # why a browser cannot be sent this unchanged

    @property
    def browser_passthrough(self) -> bool:
        """Whether a browser can be sent this stream as it is."""
        return self.browser_obstacle is None


def probe(options: CaptureOptions, seconds: float = 5.0) -> ProbeReport:
    """Watch a camera for ``seconds`` from its first picture on; raises CaptureError where there is none.

    Longer, if it sends key frames seldom.
    """
    stop = threading.Event()
    started_s = time.monotonic()
    demuxer = open_demuxer(options, stop)
    look = _Look(demuxer.encoding.codec, started_s)
    try:
        decoder = Decoder(demuxer.encoding, choose_hardware(demuxer.encoding.codec, options.hardware))
        for packet, pts_s in demuxer.packets():
            look.take(packet, pts_s, decoder.decode(packet))
            if look.has_lasted(seconds):
                break
    finally:
        stop.set()
        demuxer.close()
    if look.frame is None:
        text = f"{redact(options.url)}: no picture can be decoded ({demuxer.encoding.codec})"
        raise CaptureError(text, CaptureFault.BROKEN)
    return look.report(look.frame, demuxer, decoder)


@dataclass(slots=True)
class _Look:
    """What has been seen of a camera so far."""

    codec: str
    started_s: float
    opened_s: float = field(default_factory=time.monotonic)
    first_picture_s: float | None = None
    frame: VideoFrame | None = None
    has_b_frames: bool = False
    extradata: bytes = b""
    size_bytes: int = 0
    times_s: list[float] = field(default_factory=list)
    key_times_s: list[float] = field(default_factory=list)
    time_line: TimeLine = field(default_factory=TimeLine)

    def take(self, packet: AvPacket[VideoStream], pts_s: float | None, frames: list[VideoFrame]) -> None:
        """See one more packet and the pictures it gave."""
        if frames:
            self.first_picture_s = self.first_picture_s or time.monotonic()
            self.frame = frames[-1]
            self.has_b_frames |= any(frame.pict_type == PictureType.B for frame in frames)
        time_s = self.time_line.stamp(pts_s).time_s
        self.times_s.append(time_s)
        self.size_bytes += packet.size
        if packet.is_keyframe:
            self.key_times_s.append(time_s)
            self.extradata = self.extradata or parameter_sets(self.codec, bytes(packet))

    def has_lasted(self, seconds: float) -> bool:
        """Whether there was enough to see, or nothing for too long."""
        if self.first_picture_s is None:
            return time.monotonic() - self.opened_s > KEY_FRAME_PATIENCE_S
        looked_s = time.monotonic() - self.first_picture_s
        return looked_s > seconds and (len(self.key_times_s) > 1 or looked_s > KEY_FRAMES_WITHIN_S)

    def report(self, frame: VideoFrame, demuxer: Demuxer, decoder: Decoder) -> ProbeReport:
        """Say what was seen."""
        seen_s = max(self.times_s) - min(self.times_s)
        intervals_s = [later - earlier for earlier, later in pairwise(self.key_times_s)]
        return ProbeReport(
            stream=StreamInfo(
                codec=self.codec,
                profile=decoder.profile,
                size=Size(frame.width, frame.height),
                fps=demuxer.declared_fps,
                extradata=self.extradata or demuxer.encoding.extradata,
            ),
            fps_measured=(len(self.times_s) - 1) / seen_s if seen_s > 0 else 0.0,
            key_frame_interval_s=median(intervals_s) if intervals_s else None,
            has_b_frames=self.has_b_frames,
            pixel_format=frame.format.name,
            bit_rate_kbps=self.size_bytes * 8 / 1000 / seen_s if seen_s > 0 else 0.0,
            decoder=decoder.name,
            decode_errors=decoder.errors,
            open_s=self.opened_s - self.started_s,
            first_picture_s=(self.first_picture_s or self.opened_s) - self.started_s,
            picture=VideoPicture(frame),
            browser_obstacle=_browser_obstacle(self.codec, frame.format.name, has_b_frames=self.has_b_frames),
        )


def _browser_obstacle(codec: str, pixel_format: str, *, has_b_frames: bool) -> str | None:
    if codec != "h264":
        return f"browsers are sent H.264 only, and this is {codec}: choose H.264 in the camera's settings"
    if pixel_format not in BROWSER_PIXEL_FORMATS:
        return f"browsers show 8-bit 4:2:0 only, and this is {pixel_format}"
    if has_b_frames:
        return "it has B-frames, which browsers do not show: switch them off, or choose the Baseline profile"
    return None
