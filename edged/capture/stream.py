"""A camera that is kept: connected, watched, and connected again for as long as somebody wants it."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edged.capture.connection import Connection
from edged.capture.outlet import FrameOutlet, Outlets
from edged.capture.state import CameraStateMachine
from edged.capture.timeline import TimeLine
from edged.capture.watchdog import Verdict, judge
from edged.core.clock import SYSTEM_CLOCK, Clock
from edged.core.errors import CaptureError, CaptureFault
from edged.core.redact import redact
from edged.core.retry import Backoff
from edged.core.types import CameraState, CameraStatus, StreamInfo

if TYPE_CHECKING:
    from collections.abc import Callable

    from edged.capture.options import CaptureOptions
    from edged.core.mailbox import LatestSlot
    from edged.core.types import Frame, Packet

_log = logging.getLogger(__name__)

REFUSED_WAIT_S = 30.0
GOOD_STREAMING_S = 60.0
RESTART_REASON = "restart asked for"
STOP_POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class StreamStatistics:
    """How a stream does."""

    status: CameraStatus
    stream: StreamInfo | None
    decoder: str | None
    fps_in: float
    packet_age_s: float | None  # None before the first packet
    decode_errors: int
    reconnects: int
    frames_dropped: int  # due, but replaced by a newer one before anybody took them


class Stream:
    """Keeps one connection to a camera and hands out its frames and packets.

    Two threads: one reads and decodes, anew for each connection, and one watches it. So neither a resolver
    nor a camera that hangs inside FFmpeg can hold back the state or the stop.
    """

    def __init__(
        self,
        options: CaptureOptions,
        name: str,
        *,
        clock: Clock = SYSTEM_CLOCK,
        backoff: Backoff | None = None,
    ) -> None:
        self.options = options
        self._name = name
        self._clock = clock
        self._backoff = backoff or Backoff()
        self._outlets = Outlets()
        self._watchers: tuple[Callable[[CameraStatus, CameraStatus], None], ...] = ()
        self._state = CameraStateMachine(name, self._tell, clock=clock)
        self._time_line = TimeLine(clock)
        self._wake = threading.Event()
        self._is_stopping = False
        self._is_restarting = False
        self._connection: Connection | None = None
        self._connections = 0
        self._past_decode_errors = 0
        self._past_stream: StreamInfo | None = None
        self._streaming_since_s = 0.0
        self._thread = threading.Thread(target=self._keep, name=f"watch-{name}", daemon=True)

    @property
    def status(self) -> CameraStatus:
        """Where the camera stands."""
        return self._state.status

    @property
    def is_minded(self) -> bool:
        """Whether the thread that watches over the connection lives."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Begin to connect; returns at once."""
        self._thread.start()

    def stop(self, timeout_s: float = 2.0) -> bool:
        """Let go of the camera; False if FFmpeg still holds a (daemon) thread after ``timeout_s``."""
        self._is_stopping = True
        self._wake.set()
        deadline_s = self._clock.monotonic_s() + timeout_s
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        connection = self._connection
        return connection is None or connection.join(max(0.0, deadline_s - self._clock.monotonic_s()))

    def restart(self) -> None:
        """Connect anew at once, whatever the state."""
        self._is_restarting = True
        self._wake.set()

    def watch(self, on_change: Callable[[CameraStatus, CameraStatus], None]) -> None:
        """Call ``on_change(old, new)`` at each transition, in the stream's own thread."""
        self._watchers += (on_change,)

    def unwatch(self, on_change: Callable[[CameraStatus, CameraStatus], None]) -> None:
        """Call ``on_change`` no more."""
        self._watchers = tuple(other for other in self._watchers if other != on_change)

    def subscribe_frames(self, fps: float, slot: LatestSlot[Frame]) -> FrameOutlet:
        """Put frames into ``slot``, at most ``fps`` (over 0) a second; decoding begins with it."""
        outlet = FrameOutlet(fps, slot)
        self._outlets.add_frame_outlet(outlet)
        return outlet

    def unsubscribe_frames(self, outlet: FrameOutlet) -> None:
        """Put no more frames into ``outlet``; without outlets nothing is decoded."""
        self._outlets.remove_frame_outlet(outlet)

    def subscribe_packets(self, sink: Callable[[Packet], None]) -> tuple[Packet, ...]:
        """Call ``sink`` with each packet, in the reading thread; returns the pictures since the key frame."""
        return self._outlets.add_packet_sink(sink)

    def unsubscribe_packets(self, sink: Callable[[Packet], None]) -> None:
        """Call ``sink`` no more."""
        self._outlets.remove_packet_sink(sink)

    def statistics(self) -> StreamStatistics:
        """How the stream does now."""
        connection, now_s = self._connection, self._clock.monotonic_s()
        packet_s = connection.progress.packet_s if connection else None
        return StreamStatistics(
            status=self.status,
            stream=(connection.stream if connection else None) or self._past_stream,
            decoder=connection.decoder_name if connection else None,
            fps_in=connection.rate.per_second(now_s) if connection else 0.0,
            packet_age_s=None if packet_s is None else now_s - packet_s,
            decode_errors=self._past_decode_errors + (connection.decode_errors if connection else 0),
            reconnects=max(0, self._connections - 1),
            frames_dropped=sum(outlet.slot.dropped for outlet in self._outlets.frame_outlets),
        )

    def _keep(self) -> None:
        while not self._is_stopping:
            self._is_restarting = False
            connection = self._connect()
            verdict = self._attend(connection)
            connection.give_up()
            self._outlets.interrupt()
            if not self._is_stopping:
                self._wait(connection, verdict)
        self._state.move(CameraState.DISABLED, "stopped")

    def _connect(self) -> Connection:
        self._state.move(CameraState.CONNECTING, f"opening {redact(self.options.url)}")
        if self._connection is not None:
            self._past_decode_errors += self._connection.decode_errors
            self._past_stream = self._connection.stream or self._past_stream
        self._time_line.interrupt()
        self._connections += 1
        connection = Connection(
            self._name,
            options=self.options,
            outlets=self._outlets,
            time_line=self._time_line,
            clock=self._clock,
            wake=self._wake.set,
        )
        self._connection = connection
        connection.start()
        return connection

    def _attend(self, connection: Connection) -> Verdict:
        """Watch the connection until it fails or is no longer wanted."""
        while True:
            self._wake.clear()
            if connection.progress.picture_s is not None and self.status.state is CameraState.CONNECTING:
                self._streaming_since_s = self._clock.monotonic_s()
                self._state.move(CameraState.STREAMING, _description(connection))
            if connection.error is not None:
                return self._failed(self._verdict(connection.error))
            if self._is_stopping or self._is_restarting:
                return self._failed(Verdict(CaptureFault.UNREACHABLE, RESTART_REASON))
            verdict = judge(connection.progress, self.options, self._clock.monotonic_s())
            if isinstance(verdict, Verdict):
                return self._failed(verdict)
            self._wake.wait(verdict)

    def _verdict(self, error: CaptureError) -> Verdict:
        # Whoever shows a reason shows the camera beside it: the address would only make it long.
        return Verdict(error.fault, str(error).removeprefix(f"{redact(self.options.url)}: "))

    def _failed(self, verdict: Verdict) -> Verdict:
        if self.status.state is CameraState.STREAMING and not self._is_stopping:
            if self._clock.monotonic_s() - self._streaming_since_s >= GOOD_STREAMING_S:
                self._backoff.reset()
            is_there = verdict.fault in {CaptureFault.SILENT, CaptureFault.BROKEN}
            self._state.move(CameraState.STALLED if is_there else CameraState.LOST, verdict.reason)
        return verdict

    def _wait(self, connection: Connection, verdict: Verdict) -> None:
        """Wait before the next try, and until FFmpeg has let go of the last connection."""
        at_least_s = REFUSED_WAIT_S if verdict.fault is CaptureFault.REFUSED else 0.0
        wait_s = 0.0 if self._is_restarting else self._backoff.next_s(at_least_s)
        self._state.move(CameraState.WAITING, verdict.reason, next_try_in_s=wait_s)
        deadline_s = self._clock.monotonic_s() + wait_s
        while (left_s := deadline_s - self._clock.monotonic_s()) > 0:
            self._wake.clear()  # before the flags are looked at, or a wake-up between the two would be lost
            if self._is_stopping or self._is_restarting:
                break
            self._wake.wait(left_s)
        while not self._is_stopping and not connection.join(STOP_POLL_S):
            pass

    def _tell(self, old: CameraStatus, new: CameraStatus) -> None:
        for watcher in self._watchers:
            try:
                watcher(old, new)
            except Exception:  # whoever cannot hear the news must not end the camera
                _log.exception("%s: a watcher of the state failed", self._name)


def _description(connection: Connection) -> str:
    stream = connection.stream
    return f"{stream.codec} {stream.size}" if stream else "pictures arrive"
