"""One connection for everybody who wants the same stream."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from edged.capture.stream import Stream
from edged.core.clock import SYSTEM_CLOCK, Clock

if TYPE_CHECKING:
    from collections.abc import Callable

    from edged.capture.options import CaptureOptions
    from edged.core.types import CameraStatus


class StreamPool:
    """Hands out one stream for equal options; it lives from the first acquire to the last release."""

    def __init__(self, clock: Clock = SYSTEM_CLOCK) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._shares: dict[CaptureOptions, tuple[Stream, int]] = {}

    def acquire(
        self,
        options: CaptureOptions,
        name: str,
        on_change: Callable[[CameraStatus, CameraStatus], None] | None = None,
    ) -> Stream:
        """Return the running stream of ``options``; each acquire needs its release.

        ``on_change(old, new)`` is called at each transition from now on; for a new stream, from the first.
        """
        with self._lock:
            stream, count = self._shares.get(options, (None, 0))
            is_new = stream is None
            stream = stream or Stream(options, name, clock=self._clock)
            self._shares[options] = (stream, count + 1)
            if on_change is not None:
                stream.watch(on_change)
            if is_new:
                stream.start()
            return stream

    def release(
        self,
        stream: Stream,
        on_change: Callable[[CameraStatus, CameraStatus], None] | None = None,
        timeout_s: float = 2.0,
    ) -> None:
        """Give a stream back; the last one stops it, within ``timeout_s``."""
        with self._lock:
            _, count = self._shares[stream.options]
            if on_change is not None:
                stream.unwatch(on_change)
            if count > 1:
                self._shares[stream.options] = (stream, count - 1)
                return
            del self._shares[stream.options]
        stream.stop(timeout_s)
