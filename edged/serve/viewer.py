"""What one viewer is sent: a group of pictures to begin with, then each picture as it comes."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

from edged.core.clock import SYSTEM_CLOCK

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edged.core.clock import Clock
    from edged.serve.webrtc.peer import Peer
    from edged.serve.webrtc.rtp import RtpPicture

BURST_BYTES = 24_000
PACE_S = 0.003
RESTART_AT_MOST_EVERY_S = 1.0


class Playback:
    """Sends to one peer. Who joins in the middle gets all since the key frame first, as fast as a link takes.

    What waits is never more than one group of pictures: a key frame makes the ones before it needless.
    """

    def __init__(self, peer: Peer, clock: Clock = SYSTEM_CLOCK) -> None:
        self._peer = peer
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[RtpPicture] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._is_playing = False
        self._restarted_s = float("-inf")

    def begin(self, pictures: Sequence[RtpPicture]) -> None:
        """Play from a key frame on; without one yet, from the next."""
        self._waiting = deque(pictures)
        self._is_playing = bool(pictures)
        self._restarted_s = self._clock.monotonic_s()
        self._pump()

    def begin_again(self, pictures: Sequence[RtpPicture]) -> None:
        """Help a viewer that has lost too much, at most once a second."""
        if self._clock.monotonic_s() - self._restarted_s >= RESTART_AT_MOST_EVERY_S and not self._waiting:
            self.begin(pictures)

    def put(self, picture: RtpPicture) -> None:
        """Send a picture as it comes, or behind those that wait."""
        if picture.is_key_frame:
            self._is_playing = True
            self._waiting.clear()
        if not self._is_playing:
            return
        if self._waiting:
            self._waiting.append(picture)
        else:
            self._peer.send(picture)

    def end(self) -> None:
        """Send nothing more."""
        self._waiting.clear()
        self._is_playing = False
        if self._timer:
            self._timer.cancel()

    def _pump(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
        room = BURST_BYTES
        while self._waiting and room > 0:
            picture = self._waiting.popleft()
            room -= picture.size_bytes
            self._peer.send(picture)
        if self._waiting:
            self._timer = self._loop.call_later(PACE_S, self._pump)
