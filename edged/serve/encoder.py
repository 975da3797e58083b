"""Encodes a camera's pictures again, once for everybody who wants them so, while anybody does."""

from __future__ import annotations

import asyncio
import logging
import threading
from fractions import Fraction
from typing import TYPE_CHECKING

import av
from av.error import FFmpegError

from edged.capture.annexb import units
from edged.capture.picture import VideoPicture
from edged.core.mailbox import BoundedQueue, LatestSlot
from edged.core.types import Size
from edged.serve.feeds import QUEUED_PICTURES, picture_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from edged.capture import FrameOutlet, Stream
    from edged.core.types import Frame
    from edged.serve.quality import Preset
    from edged.serve.webrtc.rtp import RtpPicture

log = logging.getLogger(__name__)

KEY_FRAME_EVERY_S = 2
WAIT_S = 1.0
TIME_BASE = Fraction(1, 90_000)


class EncodedFeed:
    """Gives pictures in the measures of a preset; its thread takes the newest and loses what is late."""

    def __init__(self, stream: Stream, preset: Preset, on_picture: Callable[[RtpPicture], None]) -> None:
        self._stream = stream
        self._preset = preset
        self._on_picture = on_picture
        self._loop = asyncio.get_running_loop()
        self._work = threading.Event()
        self._slot: LatestSlot[Frame] = LatestSlot(self._work.set)
        self._queue: BoundedQueue[RtpPicture] = BoundedQueue(QUEUED_PICTURES, self._wake)
        self._outlet: FrameOutlet | None = None
        self._is_stopped = False
        self._thread = threading.Thread(target=self._run, name="encode", daemon=True)

    def start(self) -> None:
        """Begin with the next key frame of the camera."""
        self._outlet = self._stream.subscribe_frames(self._preset.fps, self._slot)
        self._thread.start()

    def stop(self) -> None:
        """End; the encoder's thread finishes the picture it is at."""
        self._is_stopped = True
        if self._outlet:
            self._stream.unsubscribe_frames(self._outlet)
        self._work.set()

    def _wake(self) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._drain)

    def _drain(self) -> None:
        for picture in self._queue.take_all():
            if not self._is_stopped:
                self._on_picture(picture)

    def _run(self) -> None:
        encoder: Encoder | None = None
        while not self._is_stopped:
            self._work.wait(WAIT_S)
            self._work.clear()
            frame = self._slot.take()
            if frame is None or not isinstance(frame.picture, VideoPicture):
                continue
            size = fitted(frame.size, self._preset.width)
            try:
                if encoder is None or encoder.size != size:
                    encoder = Encoder(size, self._preset)
                self._queue.put(encoder.encode(frame.picture, frame.captured_s))
            except (FFmpegError, ValueError, OSError) as error:
                log.warning("a picture could not be encoded: %s", error)
                encoder = None


class Encoder:
    """H.264 as every browser shows it: constrained baseline, no picture held back."""

    def __init__(self, size: Size, preset: Preset) -> None:
        self.size = size
        context = av.CodecContext.create("libx264", "w")
        context.width, context.height, context.pix_fmt = size.width, size.height, "yuv420p"
        context.time_base = TIME_BASE
        context.framerate = Fraction(round(preset.fps), 1)
        context.bit_rate = preset.bitrate_bps
        context.gop_size = round(preset.fps * KEY_FRAME_EVERY_S)
        context.thread_count = 1
        context.options = {
            "preset": "superfast",
            "tune": "zerolatency",
            "profile": "baseline",
            "maxrate": str(preset.bitrate_bps),
            "bufsize": str(preset.bitrate_bps),
        }
        self._context = context
        self._time = -1

    def encode(self, picture: VideoPicture, captured_s: float) -> RtpPicture:
        """Encode one picture; each gives exactly one."""
        frame = picture.yuv420(self.size)
        self._time = max(self._time + 1, round(captured_s / TIME_BASE))
        frame.pts, frame.time_base = self._time, TIME_BASE
        (packet,) = self._context.encode(frame)
        return picture_of(units(bytes(packet)), captured_s, is_key_frame=packet.is_keyframe)


def fitted(size: Size, width: int) -> Size:
    """``size`` no wider than ``width``, with even sides."""
    share = min(1.0, width / size.width)
    return Size(*(max(2, round(side * share / 2) * 2) for side in (size.width, size.height)))
