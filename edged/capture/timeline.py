"""Makes one steady time line of the times that a camera claims and the moments they arrive.

A camera's timestamps have the right spacing but cannot be trusted: they are missing, jump, wrap, run
backwards or at a wrong rate. Arrival can be trusted but jitters. So spacing comes from the camera while it
agrees with arrival, and the moment of capture is the time line plus the least delay seen lately: the packet
that the network held up least shows when its neighbours were taken.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from edged.core.clock import SYSTEM_CLOCK, Clock

REORDER_S = 1.0
"""Pictures sent ahead of those shown before them (B-frames) step back by less than this."""
AHEAD_S = 10.0
"""A timestamp may run ahead of arrival by this much (a burst after the network hung) before it is a jump."""
WRAPS_S = (2**32 / 90_000, 2**33 / 90_000)
"""RTP and MPEG clocks start again at zero."""
DELAY_WINDOW_S = 10.0
RATE_WINDOW_S = 20.0
RATE_TOLERANCE = 0.2


@dataclass(frozen=True, slots=True)
class Stamp:
    """When a picture was taken."""

    time_s: float  # on the stream's own time line
    captured_s: float  # epoch
    captured_monotonic_s: float


class TimeLine:
    """Stamps pictures as they arrive; only one sent out of order (B-frames) is stamped before the last."""

    def __init__(self, clock: Clock = SYSTEM_CLOCK) -> None:
        self._clock = clock
        self._time_s = 0.0
        self._pts_s: float | None = None
        self._arrival_s: float | None = None
        self._delays = _LeastDelay()
        self._rate = _RateCheck()
        self.discontinuities = 0

    def interrupt(self) -> None:
        """The stream begins anew: its timestamps have nothing to do with those before."""
        self._pts_s = None
        self._rate.reset()

    def stamp(self, pts_s: float | None) -> Stamp:
        """Stamp the picture that arrives now and claims the time ``pts_s``."""
        arrival_s = self._clock.monotonic_s()
        elapsed_s = 0.0 if self._arrival_s is None else max(0.0, arrival_s - self._arrival_s)
        self._time_s += self._step_s(pts_s, elapsed_s)
        self._arrival_s = arrival_s
        captured_s = min(arrival_s, self._time_s + self._delays.least_s(arrival_s, arrival_s - self._time_s))
        return Stamp(self._time_s, self._clock.wall_s() - (arrival_s - captured_s), captured_s)

    def _step_s(self, pts_s: float | None, elapsed_s: float) -> float:
        """How far the time line goes on from the last picture to this one."""
        last_s, self._pts_s = self._pts_s, pts_s
        if last_s is None:
            return elapsed_s
        if pts_s is None:
            self._pts_s = last_s + elapsed_s
            return elapsed_s
        step_s = _unwrap_s(pts_s - last_s)
        if not -REORDER_S < step_s < elapsed_s + AHEAD_S:
            self.discontinuities += 1
            self._rate.reset()
            return elapsed_s
        return step_s if self._rate.agrees(step_s, elapsed_s) else elapsed_s


class NeverBack:
    """Lifts the stamps of one outlet so that none is before the last one."""

    def __init__(self) -> None:
        self._last: Stamp | None = None

    def __call__(self, stamp: Stamp) -> Stamp:
        """Return ``stamp``, or the last one where this one is earlier."""
        last = self._last
        if last is not None:
            stamp = Stamp(
                max(stamp.time_s, last.time_s),
                stamp.captured_s + max(0.0, last.captured_monotonic_s - stamp.captured_monotonic_s),
                max(stamp.captured_monotonic_s, last.captured_monotonic_s),
            )
        self._last = stamp
        return stamp


class _LeastDelay:
    """The smallest delay of the last one to two windows."""

    def __init__(self) -> None:
        self._least: deque[tuple[float, float]] = deque()

    def least_s(self, now_s: float, delay_s: float) -> float:
        # Ascending queue: whatever is older and larger than the newcomer can never be the smallest again.
        while self._least and self._least[-1][1] >= delay_s:
            self._least.pop()
        self._least.append((now_s, delay_s))
        while self._least[0][0] < now_s - DELAY_WINDOW_S:
            self._least.popleft()
        return self._least[0][1]


class _RateCheck:
    """Whether the camera's clock runs as fast as ours, judged over long windows."""

    def __init__(self) -> None:
        self._claimed_s = self._elapsed_s = 0.0
        self._agrees = True

    def reset(self) -> None:
        self._claimed_s = self._elapsed_s = 0.0

    def agrees(self, step_s: float, elapsed_s: float) -> bool:
        self._claimed_s += step_s
        self._elapsed_s += elapsed_s
        if self._elapsed_s >= RATE_WINDOW_S:
            self._agrees = abs(self._claimed_s / self._elapsed_s - 1) <= RATE_TOLERANCE
            self.reset()
        return self._agrees


def _unwrap_s(step_s: float) -> float:
    if abs(step_s) < WRAPS_S[0] / 2:
        return step_s
    candidates = (step_s, *(step_s + sign * wrap_s for wrap_s in WRAPS_S for sign in (1, -1)))
    return min(candidates, key=abs)
