"""A few seconds of a camera, kept as packets so that they can be decoded again and again."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edged.capture.demuxer import open_demuxer
from edged.capture.timeline import TimeLine
from edged.core.errors import CaptureError, CaptureFault
from edged.core.redact import redact

if TYPE_CHECKING:
    from av.packet import Packet as AvPacket
    from av.video.stream import VideoStream

    from edged.capture import CaptureOptions
    from edged.capture.decoder import Encoding
    from edged.capture.demuxer import Demuxer

PATIENCE_S = 30.0  # for the key frame that a recording begins with, and for the one after its last picture


@dataclass(frozen=True, slots=True)
class Recording:
    """What a camera sent, from one key frame to before another one wherever it sends them often enough."""

    encoding: Encoding
    packets: tuple[AvPacket[VideoStream], ...]
    fps: float


def record(options: CaptureOptions, seconds: float) -> Recording:
    """Record at least ``seconds`` of a camera in real time; raises CaptureError where that fails."""
    stop = threading.Event()
    demuxer = open_demuxer(options, stop)
    try:
        packets, times_s = _whole_groups(demuxer, seconds)
    finally:
        stop.set()
        demuxer.close()
    lasted_s = max(times_s, default=0.0) - min(times_s, default=0.0)
    if lasted_s <= 0:
        text = f"{redact(options.url)}: no key frame within {PATIENCE_S:g} s"
        raise CaptureError(text, CaptureFault.BROKEN)
    return Recording(demuxer.encoding, tuple(packets), (len(packets) - 1) / lasted_s)


def _whole_groups(demuxer: Demuxer, seconds: float) -> tuple[list[AvPacket[VideoStream]], list[float]]:
    """Whole groups of pictures: a key frame costs as much as five others, so each must bring its own."""
    packets: list[AvPacket[VideoStream]] = []
    times_s: list[float] = []
    time_line = TimeLine()
    begun_s = time.monotonic()
    for packet, pts_s in demuxer.packets():
        time_s = time_line.stamp(pts_s).time_s
        is_long_enough = bool(times_s) and time_s - times_s[0] >= seconds
        if (is_long_enough and packet.is_keyframe) or time.monotonic() - begun_s > seconds + PATIENCE_S:
            break
        if packets or packet.is_keyframe:
            packets.append(packet)
            times_s.append(time_s)
    return packets, times_s
