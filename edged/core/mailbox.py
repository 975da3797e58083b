"""The only ways in which threads hand things to each other: both bounded, both count what they lose."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


def _nobody() -> None:
    """Wake nobody."""


class LatestSlot(Generic[T]):
    """Holds the newest value only; a value that nobody took in time is replaced and counted.

    ``wake`` is called after each put, in the putting thread and outside the lock.
    """

    def __init__(self, wake: Callable[[], None] = _nobody) -> None:
        self._lock = threading.Lock()
        self._wake = wake
        self._value: T | None = None
        self._dropped = 0

    def put(self, value: T) -> None:
        """Replace whatever is there."""
        with self._lock:
            if self._value is not None:
                self._dropped += 1
            self._value = value
        self._wake()

    def take(self) -> T | None:
        """Return the newest value and forget it; None if there is none."""
        with self._lock:
            value, self._value = self._value, None
            return value

    def clear(self) -> None:
        """Forget the value without counting it as lost."""
        with self._lock:
            self._value = None

    @property
    def is_empty(self) -> bool:
        """Whether a take would return None."""
        return self._value is None

    @property
    def dropped(self) -> int:
        """How many values were replaced before anybody took them."""
        return self._dropped


class BoundedQueue(Generic[T]):
    """First in, first out, at most ``capacity`` values; when full the oldest is lost and counted.

    ``wake`` is called after each put, in the putting thread and outside the lock.
    """

    def __init__(self, capacity: int, wake: Callable[[], None] = _nobody) -> None:
        self._lock = threading.Lock()
        self._wake = wake
        self._values: deque[T] = deque(maxlen=capacity)
        self._dropped = 0

    def put(self, value: T) -> None:
        """Append; loses the oldest when full."""
        with self._lock:
            if len(self._values) == self._values.maxlen:
                self._dropped += 1
            self._values.append(value)
        self._wake()

    def take(self) -> T | None:
        """Return the oldest value and forget it; None if there is none."""
        with self._lock:
            return self._values.popleft() if self._values else None

    def take_all(self) -> list[T]:
        """Return everything, oldest first, and forget it."""
        with self._lock:
            values = list(self._values)
            self._values.clear()
            return values

    def __len__(self) -> int:
        return len(self._values)

    @property
    def dropped(self) -> int:
        """How many values were lost to the bound."""
        return self._dropped
