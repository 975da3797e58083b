"""Where frames and packets leave a stream, each consumer at its own pace."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from edged.capture.gop import DEFAULT_CAPACITY_BYTES, GopCache, StampedPacket
from edged.capture.timeline import NeverBack
from edged.core.types import Frame

if TYPE_CHECKING:
    from collections.abc import Callable

    from av.packet import Packet as AvPacket
    from av.video.stream import VideoStream

    from edged.capture.timeline import Stamp
    from edged.core.mailbox import LatestSlot
    from edged.core.types import Packet, Picture, StreamInfo

EARLY_S = 0.010
"""Cameras place their pictures a few milliseconds off; a picture this early is still the one that is due."""


class FrameOutlet:
    """Fills ``slot`` with the newest frame at most ``fps`` times a second of the stream's own time.

    Due times advance by the period, so that 5 of 25 fps is every fifth picture; a camera slower than that
    passes every picture.
    """

    def __init__(self, fps: float, slot: LatestSlot[Frame]) -> None:
        self.slot = slot
        self.fps = fps  # may be changed at any time
        self._due_s = float("-inf")

    def awaits(self, time_s: float) -> bool:
        """Whether the picture at ``time_s`` is wanted."""
        return time_s >= self._due_s - EARLY_S

    def is_due(self, time_s: float) -> bool:
        """The same, to be asked once for each picture that there is, in their order."""
        if not self.awaits(time_s):
            return False
        period_s = 1 / self.fps
        self._due_s += period_s
        if self._due_s <= time_s:
            self._due_s = time_s + period_s
        return True

    def reschedule(self, fps: float) -> None:
        """Change the rate from the next picture on."""
        self.fps = fps
        self._due_s = float("-inf")


class Outlets:
    """Everybody who listens to one stream; outlives its connections, and so do its numbers and times."""

    def __init__(self, gop_capacity_bytes: int = DEFAULT_CAPACITY_BYTES) -> None:
        self._lock = threading.Lock()
        self._gop = GopCache(gop_capacity_bytes)
        self._packet_sinks: tuple[Callable[[Packet], None], ...] = ()
        self._frame_outlets: tuple[FrameOutlet, ...] = ()
        self._frame_order, self._packet_order = NeverBack(), NeverBack()
        self._pictures = 0

    @property
    def frame_outlets(self) -> tuple[FrameOutlet, ...]:
        """Everybody who wants frames, now."""
        return self._frame_outlets

    def add_frame_outlet(self, outlet: FrameOutlet) -> None:
        """Give ``outlet`` frames from now on."""
        with self._lock:
            self._frame_outlets += (outlet,)

    def remove_frame_outlet(self, outlet: FrameOutlet) -> None:
        """Give ``outlet`` no more frames."""
        with self._lock:
            self._frame_outlets = tuple(other for other in self._frame_outlets if other is not outlet)

    def add_packet_sink(self, sink: Callable[[Packet], None]) -> tuple[Packet, ...]:
        """Call ``sink`` for each packet after those returned, which are the current group of pictures."""
        with self._lock:
            self._packet_sinks += (sink,)
            return self._gop.packets()

    def remove_packet_sink(self, sink: Callable[[Packet], None]) -> None:
        """Call ``sink`` no more."""
        with self._lock:
            # Equality, not identity: every access to a bound method makes a new object.
            self._packet_sinks = tuple(other for other in self._packet_sinks if other != sink)

    def kept_packets(self) -> tuple[AvPacket[VideoStream], ...]:
        """The packets since the last key frame, for whoever decodes them."""
        with self._lock:
            return self._gop.raw_packets()

    def is_frame_due(self, stamp: Stamp) -> bool:
        """Whether anybody waits for the picture at ``stamp``."""
        return any(outlet.awaits(stamp.time_s) for outlet in self._frame_outlets)

    def pass_over_frame(self) -> None:
        """Count a picture that nobody waits for."""
        self._pictures += 1

    def put_frame(self, picture: Picture, stamp: Stamp) -> None:
        """Count a picture and hand it to whoever is due for one."""
        self._pictures += 1
        stamp = self._frame_order(stamp)
        due = [outlet for outlet in self._frame_outlets if outlet.is_due(stamp.time_s)]
        if not due:
            return
        frame = Frame(picture, self._pictures, stamp.captured_s, stamp.captured_monotonic_s)
        for outlet in due:
            outlet.slot.put(frame)

    def put_packet(self, raw: AvPacket[VideoStream], stamp: Stamp, stream: StreamInfo) -> None:
        """Hand a packet to whoever wants packets; nothing is copied where nobody does."""
        stamped = StampedPacket(raw, self._packet_order(stamp), stream)
        with self._lock:
            self._gop.add(stamped)
            sinks = self._packet_sinks
        if not sinks:
            return
        packet = stamped.packet()
        for sink in sinks:
            sink(packet)

    def interrupt(self) -> None:
        """The stream begins anew: old packets must not be followed by new ones."""
        with self._lock:
            self._gop.clear()
