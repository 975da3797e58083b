"""The packets since the last key frame, so that who comes late can have a picture at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edged.capture.annexb import parameter_sets
from edged.core.types import Packet

if TYPE_CHECKING:
    from av.packet import Packet as AvPacket
    from av.video.stream import VideoStream

    from edged.capture.timeline import Stamp
    from edged.core.types import StreamInfo

DEFAULT_CAPACITY_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class StampedPacket:
    """A packet still in FFmpeg's own memory; ``packet`` copies it out for somebody who wants it."""

    raw: AvPacket[VideoStream]
    stamp: Stamp
    stream: StreamInfo

    def packet(self) -> Packet:
        """Build the packet; a key frame always carries its parameter sets."""
        data = bytes(self.raw)
        if self.raw.is_keyframe and self.stream.extradata and not parameter_sets(self.stream.codec, data):
            data = self.stream.extradata + data
        return Packet(data, self.raw.is_keyframe, self.stamp.time_s, self.stamp.captured_s, self.stream)


class GopCache:
    """Keeps the current group of pictures; one larger than ``capacity_bytes`` is not kept at all."""

    def __init__(self, capacity_bytes: int = DEFAULT_CAPACITY_BYTES) -> None:
        self._capacity_bytes = capacity_bytes
        self._packets: list[StampedPacket] = []
        self._size_bytes = 0
        self._is_open = False

    def add(self, packet: StampedPacket) -> None:
        """Append; begins anew at a key frame."""
        if packet.raw.is_keyframe:
            self.clear()
            self._is_open = True
        if not self._is_open:
            return
        self._size_bytes += packet.raw.size
        self._packets.append(packet)
        if self._size_bytes > self._capacity_bytes:
            self.clear()

    def clear(self) -> None:
        """Forget everything; nothing is kept until the next key frame."""
        self._packets = []
        self._size_bytes = 0
        self._is_open = False

    def raw_packets(self) -> tuple[AvPacket[VideoStream], ...]:
        """The same without a copy, as FFmpeg made them."""
        return tuple(packet.raw for packet in self._packets)

    def packets(self) -> tuple[Packet, ...]:
        """Everything since the last key frame, oldest first."""
        return tuple(packet.packet() for packet in self._packets)
