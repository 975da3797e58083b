"""Whose turn it is: the earliest deadline, on a clock that runs as fast as the box can follow.

Each pass moves a feed's deadline on by one of its periods. While the box keeps up, whoever has a frame is
served. When it does not, every feed gets the same part of the rate it wants. A feed that was idle starts at
the present: it is owed one pass at most for the time when it had nothing to show.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Hashable

K = TypeVar("K", bound="Hashable")


@dataclass(slots=True)
class _Entry:
    fps: float
    due_s: float
    arrived: int = 0  # breaks ties: first come, first served
    is_waiting: bool = False
    is_served: bool = False


class Schedule(Generic[K]):
    """Picks the next feed; not thread-safe, knows no real time."""

    def __init__(self) -> None:
        self._entries: dict[K, _Entry] = {}
        self._now_s = 0.0  # virtual: the deadline of what was picked last
        self._arrivals = 0

    def add(self, key: K, fps: float) -> None:
        """Let ``key`` take part, with ``fps`` passes per second wanted."""
        self._entries[key] = _Entry(fps, self._now_s)

    def change(self, key: K, fps: float) -> None:
        """Want another rate from the next pass on."""
        if key in self._entries:
            self._entries[key].fps = fps

    def remove(self, key: K) -> None:
        """Forget ``key``, also in the middle of its pass."""
        self._entries.pop(key, None)

    def arrive(self, key: K) -> None:
        """``key`` has a frame to show."""
        entry = self._entries.get(key)
        if entry is None or entry.is_waiting:
            return
        self._arrivals += 1
        entry.arrived = self._arrivals
        entry.is_waiting = True
        # One period of credit: else a fast feed loses what it is owed each time it waits for a frame.
        entry.due_s = max(entry.due_s, self._now_s - 1 / entry.fps)

    def withdraw(self, key: K) -> None:
        """``key`` has no frame any more."""
        if key in self._entries:
            self._entries[key].is_waiting = False

    def pick(self) -> K | None:
        """Begin the pass of the feed that is due first; None if no feed waits that is not being served."""
        ready = [key for key, entry in self._entries.items() if entry.is_waiting and not entry.is_served]
        if not ready:
            return None
        key = min(ready, key=lambda key: (self._entries[key].due_s, self._entries[key].arrived))
        entry = self._entries[key]
        entry.is_waiting = False
        entry.is_served = True
        self._now_s = max(self._now_s, entry.due_s)
        entry.due_s += 1 / entry.fps
        return key

    def finish(self, key: K) -> None:
        """End the pass that ``pick`` began."""
        if key in self._entries:
            self._entries[key].is_served = False

    @property
    def is_pending(self) -> bool:
        """Whether any feed waits or is being served."""
        return any(entry.is_waiting or entry.is_served for entry in self._entries.values())
