"""``python -m edged.capture.hwprobe CODEC DEVICE``: tries that hardware, exit 0 if it works."""

from __future__ import annotations

import sys
from fractions import Fraction
from typing import TYPE_CHECKING, cast

import av

from edged.capture.decoder import Decoder, Encoding
from edged.core.errors import CaptureError

if TYPE_CHECKING:
    from av.packet import Packet as AvPacket
    from av.video.codeccontext import VideoCodecContext
    from av.video.stream import VideoStream

_ENCODERS = {"h264": "libx264", "hevc": "libx265", "mjpeg": "mjpeg"}
_PICTURES = 5


def main(codec: str, device: str) -> int:
    """Return 0 where ``device`` turns a freshly encoded ``codec`` stream into pictures."""
    if codec not in _ENCODERS:
        sys.stderr.write(f"it cannot be tried with {codec}\n")
        return 1
    try:
        decoder = Decoder(Encoding(codec), device)
    except CaptureError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if any(decoder.decode(packet) for packet in _encoded_pictures(codec)):
        return 0
    sys.stderr.write("it decodes no picture\n")
    return 1


def _encoded_pictures(codec: str) -> list[AvPacket[VideoStream]]:
    encoder = cast("VideoCodecContext", av.CodecContext.create(_ENCODERS[codec], "w"))
    encoder.width, encoder.height = 320, 240
    encoder.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    encoder.time_base = Fraction(1, 25)
    encoder.options = {"x265-params": "log-level=none"} if codec == "hevc" else {}
    packets: list[AvPacket[VideoStream]] = []
    for index in range(_PICTURES):
        frame = av.VideoFrame(encoder.width, encoder.height, encoder.pix_fmt)
        frame.pts = index
        packets += encoder.encode(frame)
    return packets + encoder.encode(None)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
