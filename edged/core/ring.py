"""The last things that happened, for any number of readers who each come when they can."""

from __future__ import annotations

import threading
from collections import deque
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")


class News(NamedTuple, Generic[T]):
    """What a reader has not seen yet, where to go on reading, and how much was gone before it came."""

    values: list[T]
    next_number: int
    lost: int


class Ring(Generic[T]):
    """Keeps the newest ``capacity`` values and numbers them from 0; any thread may put and read."""

    def __init__(self, capacity: int) -> None:
        self._lock = threading.Lock()
        self._values: deque[T] = deque(maxlen=capacity)
        self._count = 0

    def put(self, value: T) -> None:
        """Append; the oldest goes when there are too many."""
        with self._lock:
            self._values.append(value)
            self._count += 1

    def since(self, number: int) -> News[T]:
        """Return everything from ``number`` on that is still kept."""
        with self._lock:
            first = self._count - len(self._values)
            values = list(self._values)[max(0, number - first) :]
            return News(values, self._count, max(0, first - number))

    def last(self, count: int) -> News[T]:
        """Return the newest ``count`` values; nobody has missed anything yet."""
        with self._lock:
            values = list(self._values)[-count:] if count > 0 else []
            return News(values, self._count, 0)
