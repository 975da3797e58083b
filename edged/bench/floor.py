"""The least that detection can cost: the bare decoder and the bare model, back to back, one thread each."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, cast

from av.codec.context import CodecContext
from av.error import FFmpegError

from edged.core.errors import CaptureError, CaptureFault
from edged.core.types import Size
from edged.detect.recognise import probe_blob

if TYPE_CHECKING:
    from av.video.codeccontext import VideoCodecContext

    from edged.bench.recording import Recording
    from edged.detect import Detector

PASSES = 20


@dataclass(frozen=True, slots=True)
class Decoding:
    """What the pictures of a stream cost."""

    size: Size
    picture_ms: float  # of CPU


def decode(recording: Recording) -> Decoding:
    """Decode all of it with FFmpeg's own defaults; raises CaptureError where there is no picture in it."""
    decoder = _decoder(recording)
    size, pictures = Size(0, 0), 0
    begun_s = time.process_time()
    for packet in (*recording.packets, None):
        with suppress(FFmpegError, OSError, ValueError):  # a damaged packet has its costs too
            for frame in decoder.decode(packet):
                pictures += 1
                size = Size(frame.width, frame.height)
    took_s = time.process_time() - begun_s
    if not pictures:
        text = f"no picture can be decoded ({recording.encoding.codec})"
        raise CaptureError(text, CaptureFault.BROKEN)
    return Decoding(size, took_s * 1000 / pictures)


def inference_ms(detector: Detector) -> float:
    """CPU milliseconds of one run of the model, preparation and boxes aside."""
    blob = probe_blob(detector.input_size, detector.dtype)
    times_s = []
    for _ in range(PASSES):
        begun_s = time.process_time()
        detector.infer(blob)
        times_s.append(time.process_time() - begun_s)
    return median(times_s) * 1000


def _decoder(recording: Recording) -> VideoCodecContext:
    encoding = recording.encoding
    context = cast("VideoCodecContext", CodecContext.create(encoding.codec, "r"))
    context.extradata = encoding.extradata or None
    if encoding.size and encoding.pixel_format:
        context.width, context.height = encoding.size.width, encoding.size.height
        context.pix_fmt = encoding.pixel_format
    context.thread_count = 1
    context.thread_type = "NONE"
    return context
