"""How many pictures a second there are, lately."""

from __future__ import annotations

from collections import deque

WINDOW_S = 5.0


class RateMeter:
    """Counts what happened in the last seconds; ``tick`` by one thread, ``per_second`` by any."""

    def __init__(self) -> None:
        self._ticks: deque[float] = deque(maxlen=600)

    def tick(self, now_s: float) -> None:
        """It happened once more."""
        self._ticks.append(now_s)

    def per_second(self, now_s: float) -> float:
        """How often a second it happened within the window; 0 after a window of nothing."""
        recent = [tick_s for tick_s in self._ticks.copy() if tick_s > now_s - WINDOW_S]
        if len(recent) < 2:  # noqa: PLR2004 - one tick has no rate
            return 0.0
        # Measured up to now once it has stopped, so that the rate of a dead stream sinks at once.
        return (len(recent) - 1) / max(recent[-1] - recent[0], now_s - recent[0] - 1.0, 1e-3)
