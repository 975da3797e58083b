"""Where the pictures of one camera and quality come from: as the camera sends them, or encoded again."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

from edged.capture.annexb import units
from edged.core.mailbox import BoundedQueue
from edged.serve.webrtc.h264 import has_b_slice, payloads, profile_level_id
from edged.serve.webrtc.rtp import RtpPicture

if TYPE_CHECKING:
    from collections.abc import Callable

    from edged.capture import Stream
    from edged.core.types import Packet

QUEUED_PICTURES = 256  # ten seconds: a loop that is held up longer has lost its viewers anyway
B_PICTURES = 3  # one alone may be a packet that was damaged on its way


class Feed(Protocol):
    """Gives pictures from ``start`` to ``stop``; both are called in the loop, and so is who gets them."""

    def start(self) -> None:
        """Begin."""

    def stop(self) -> None:
        """End; nothing comes any more when this returns."""


class PacketFeed:
    """Packs what a camera sends, untouched; ``on_unfit`` is told once why browsers cannot show it."""

    def __init__(
        self,
        stream: Stream,
        on_picture: Callable[[RtpPicture], None],
        on_unfit: Callable[[str], None],
    ) -> None:
        self._stream = stream
        self._on_picture = on_picture
        self._on_unfit = on_unfit
        self._loop = asyncio.get_running_loop()
        self._queue: BoundedQueue[Packet] = BoundedQueue(QUEUED_PICTURES, self._wake)
        self._lost = 0
        self._b_pictures = 0
        self._is_stopped = False
        self._needs_key_frame = True
        self.profile: str | None = None
        self.has_profile = asyncio.Event()

    def start(self) -> None:
        """Begin with the group of pictures that is under way."""
        for packet in self._stream.subscribe_packets(self._queue.put):
            self._take(packet)

    def stop(self) -> None:
        """End."""
        self._is_stopped = True
        self._stream.unsubscribe_packets(self._queue.put)

    def _wake(self) -> None:
        self._loop.call_soon_threadsafe(self._drain)

    def _drain(self) -> None:
        packets = self._queue.take_all()
        if self._queue.dropped != self._lost:
            self._lost, self._needs_key_frame = self._queue.dropped, True
        for packet in packets:
            self._take(packet)

    def _take(self, packet: Packet) -> None:
        if self._is_stopped:
            return
        if packet.stream.codec != "h264":
            self._refuse(f"browsers do not show {packet.stream.codec}")
            return
        pieces = units(packet.data)
        self._b_pictures += has_b_slice(pieces)
        if self._b_pictures >= B_PICTURES:
            self._refuse("browsers do not show B-frames")
            return
        if packet.is_key_frame:
            self.profile = profile_level_id(pieces) or self.profile
            self.has_profile.set()
        elif self._needs_key_frame:
            return
        self._needs_key_frame = False
        self._on_picture(picture_of(pieces, packet.captured_s, is_key_frame=packet.is_key_frame))

    def _refuse(self, why: str) -> None:
        self.stop()
        self.has_profile.set()
        self._on_unfit(why)


def picture_of(pieces: list[bytes], captured_s: float, *, is_key_frame: bool) -> RtpPicture:
    """Pack the units of one picture."""
    packed = payloads(pieces)
    return RtpPicture(packed, captured_s, is_key_frame, sum(map(len, packed)))
