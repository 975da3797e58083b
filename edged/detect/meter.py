"""How fast work gets done, lately."""

from __future__ import annotations

import threading
from collections import deque
from typing import NamedTuple

WINDOW_S = 10.0
_SAMPLE_EVERY_S = 0.5
_SHORTEST_S = 3.0  # below it a rate says nothing
_OVERLOADED_BELOW = 0.9  # of what was wanted and on offer
_WELL_AGAIN_ABOVE = 0.95
_FEWEST_REPLACED = 3  # one or two are a hiccup


class _Sample(NamedTuple):
    time_s: float
    done: int
    replaced: int


class Meter:
    """Rates of the last ten seconds, from counters that only grow; threads may share it."""

    def __init__(self, now_s: float) -> None:
        self._lock = threading.Lock()
        self._samples = deque([_Sample(now_s, 0, 0)], maxlen=int(WINDOW_S / _SAMPLE_EVERY_S) + 1)
        self._latest = self._samples[0]
        self._is_overloaded = False

    def note(self, now_s: float, done: int, replaced: int = 0) -> None:
        """The counters as they stand at ``now_s``."""
        with self._lock:
            self._latest = _Sample(now_s, done, replaced)
            if now_s - self._samples[-1].time_s >= _SAMPLE_EVERY_S:
                self._samples.append(self._latest)
            while len(self._samples) > 1 and now_s - self._samples[1].time_s >= WINDOW_S:
                self._samples.popleft()

    @property
    def per_second(self) -> float:
        """How much got done per second."""
        with self._lock:
            elapsed_s, done, _ = self._lately()
        return done / elapsed_s if elapsed_s > 0 else 0.0

    def is_overloaded(self, wanted_per_second: float) -> bool:
        """Whether clearly less got done than was wanted and on offer; does not flicker."""
        with self._lock:
            elapsed_s, done, replaced = self._lately()
            if elapsed_s >= _SHORTEST_S:
                # A camera that was away for half the window offered less than it wants.
                due = min(done + replaced, wanted_per_second * elapsed_s)
                limit = _WELL_AGAIN_ABOVE if self._is_overloaded else _OVERLOADED_BELOW
                self._is_overloaded = replaced >= _FEWEST_REPLACED and done < limit * due
            return self._is_overloaded

    def _lately(self) -> tuple[float, int, int]:
        first, last = self._samples[0], self._latest
        return last.time_s - first.time_s, last.done - first.done, last.replaced - first.replaced
