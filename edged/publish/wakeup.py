"""How other threads end the network thread's sleep."""

from __future__ import annotations

import contextlib
import os
import select
import threading


class Wakeup:
    """A flag that a poll can wait for; safe to set from any thread at any time, also after close."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._fd: int | None = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def set(self) -> None:
        """End the sleep, or let the next one not begin."""
        with self._lock:  # so that a closed number, used by another file by now, is never written to
            if self._fd is not None:
                os.eventfd_write(self._fd, 1)

    def clear(self) -> None:
        """Make the next sleep a sleep again."""
        with self._lock:
            if self._fd is not None:
                with contextlib.suppress(BlockingIOError):  # it was not set
                    os.eventfd_read(self._fd)

    def fileno(self) -> int:
        """File descriptor that is readable while the flag is set."""
        if self._fd is None:
            msg = "the wake-up is closed"
            raise ValueError(msg)
        return self._fd

    def wait(self, timeout_s: float) -> None:
        """Sleep until set, at most ``timeout_s``."""
        poller = select.poll()
        poller.register(self.fileno(), select.POLLIN)
        poller.poll(timeout_s * 1000)
        self.clear()

    def close(self) -> None:
        """Give the file descriptor back."""
        with self._lock:
            if self._fd is not None:
                os.close(self._fd)
                self._fd = None
