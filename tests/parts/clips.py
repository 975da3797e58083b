"""Small clips made in the test session: a moving pattern with noise, so that every picture differs."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, cast

import av
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from av.video.stream import VideoStream
    from numpy.typing import NDArray

PACKET_HEADER = struct.Struct(">qqI")
"""Of the packet files the RTSP server plays: pts, dts (ns) and the size of the data that follows."""


@dataclass(frozen=True, slots=True)
class ClipSpec:
    """What a made clip is like."""

    width: int = 320
    height: int = 180
    fps: int = 25
    seconds: float = 2.0
    codec: str = "libx264"
    pixel_format: str = "yuv420p"
    key_frame_interval: int = 25
    b_frames: int = 0
    slices: int = 1
    qp: int = 30
    is_still: bool = False
    audio: bool = False


def picture(spec: ClipSpec, index: int) -> NDArray[np.uint8]:
    """A gradient, a bright square that walks to the right, and a little noise, as BGR."""
    rng = np.random.default_rng(0 if spec.is_still else index)
    image = np.empty((spec.height, spec.width, 3), np.uint8)
    image[:] = np.linspace(40, 160, spec.width, dtype=np.uint8)[None, :, None]
    image += rng.integers(0, 8, image.shape, dtype=np.uint8)
    left = 0 if spec.is_still else (index * 4) % (spec.width - 40)
    top = spec.height // 2 - 20
    image[top : top + 40, left : left + 40] = (60, 200, 240)
    return image


def make_clip(path: Path, spec: ClipSpec) -> Path:
    """Encode a clip into ``path`` (mp4)."""
    with av.open(str(path), "w") as container:
        options = _encoder_options(spec)
        video = cast("VideoStream", container.add_stream(spec.codec, rate=spec.fps, options=options))
        video.width, video.height, video.pix_fmt = spec.width, spec.height, spec.pixel_format
        video.codec_context.gop_size = spec.key_frame_interval
        video.codec_context.max_b_frames = spec.b_frames
        audio = container.add_stream("aac", rate=8000, layout="mono") if spec.audio else None
        for index in range(round(spec.fps * spec.seconds)):
            frame = av.VideoFrame.from_ndarray(picture(spec, index), format="bgr24")
            frame.pts, frame.time_base = index, Fraction(1, spec.fps)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        if audio is not None:
            silence = av.AudioFrame.from_ndarray(np.zeros((1, 8000), np.float32), "fltp", "mono")
            silence.sample_rate, silence.pts = 8000, 0
            container.mux(audio.encode(silence))
            container.mux(audio.encode(None))
    return path


def _encoder_options(spec: ClipSpec) -> dict[str, str]:
    if spec.codec == "libx264":
        return {
            "preset": "ultrafast",
            "qp": str(spec.qp),
            "bf": str(spec.b_frames),
            "forced-idr": "1",
            "slices": str(spec.slices),
            "threads": "1",
        }
    if spec.codec == "libx265":
        params = f"log-level=none:pools=none:bframes={spec.b_frames}:keyint={spec.key_frame_interval}"
        return {"preset": "ultrafast", "crf": str(spec.qp + 2), "x265-params": params}
    return {}


def annexb_packets(path: Path) -> Iterator[tuple[int, int, bytes]]:
    """Yield (pts, dts, data) in nanoseconds from zero, with start codes and parameter sets inside."""
    with av.open(str(path)) as container:
        video = container.streams.video[0]
        codec = video.codec_context.name
        bitstream = av.BitStreamFilterContext(
            {"h264": "h264_mp4toannexb", "hevc": "hevc_mp4toannexb"}[codec], video
        )
        first_dts: int | None = None
        for demuxed in container.demux(video):
            for packet in bitstream.filter(demuxed):
                if packet.dts is None or packet.pts is None:
                    continue
                first_dts = packet.dts if first_dts is None else first_dts
                unit_ns = 1_000_000_000 * packet.time_base
                yield (
                    int((packet.pts - first_dts) * unit_ns),
                    int((packet.dts - first_dts) * unit_ns),
                    bytes(packet),
                )


def write_bare_stream(path: Path, clip: Path) -> Path:
    """Write the pictures of ``clip`` after each other, without any times."""
    path.write_bytes(b"".join(data for _, _, data in annexb_packets(clip)))
    return path


def write_with_jumps(path: Path, clip: Path) -> Path:
    """Write ``clip`` twice as a transport stream: an hour later in its middle, and then back to the start."""
    with av.open(str(clip)) as source, av.open(str(path), "w", format="mpegts") as target:
        video = source.streams.video[0]
        copy = target.add_stream_from_template(video)
        packets = [packet for packet in source.demux(video) if packet.size]
        for index, packet in enumerate(packets):
            if index >= len(packets) // 2:
                packet.pts = packet.dts = (packet.dts or 0) + int(3600 / packet.time_base)
            packet.stream = copy
            target.mux(packet)
    path.write_bytes(path.read_bytes() * 2)
    return path


def write_packet_file(path: Path, clips: list[Path]) -> Path:
    """Write what the RTSP server plays: the clips after each other, as if the camera had changed its size."""
    start_ns = 0
    records: list[tuple[int, int, bytes]] = []
    for clip in clips:
        rate, codec = _rate_and_codec(clip)
        packets = [(start_ns + pts, start_ns + dts, data) for pts, dts, data in annexb_packets(clip)]
        records += packets
        start_ns = packets[-1][1] + int(1_000_000_000 / rate)
    with path.open("wb") as file:
        file.write(json.dumps({"codec": codec, "duration_ns": start_ns}).encode() + b"\n")
        for pts, dts, data in records:
            file.write(PACKET_HEADER.pack(pts, dts, len(data)) + data)
    return path


def _rate_and_codec(clip: Path) -> tuple[Fraction, str]:
    with av.open(str(clip)) as container:
        video: VideoStream = container.streams.video[0]
        return video.average_rate or Fraction(25), video.codec_context.name
