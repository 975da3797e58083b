"""Time: monotonic for every measure, wall only for what leaves the box."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Where time comes from, so that a test can say what time it is."""

    def monotonic_s(self) -> float:
        """Seconds since some fixed moment; never goes back, whatever happens to the wall clock."""

    def wall_s(self) -> float:
        """Seconds since the epoch, UTC."""


class SystemClock:
    """The clock of this machine."""

    def monotonic_s(self) -> float:
        """Seconds since some fixed moment."""
        return time.monotonic()

    def wall_s(self) -> float:
        """Seconds since the epoch, UTC."""
        return time.time()


SYSTEM_CLOCK = SystemClock()
