"""A consumer of a stream that keeps what it got."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from edged.capture import CaptureOptions, Stream
from edged.core.mailbox import LatestSlot
from edged.core.retry import Backoff
from tests.parts.waiting import wait_for

if TYPE_CHECKING:
    from edged.core.types import CameraState, CameraStatus, Frame


class Watcher:
    """Runs a stream and records its frames and transitions. A context manager."""

    def __init__(self, options: CaptureOptions, *, fps: float | None = 25.0) -> None:
        self.frames: list[Frame] = []
        self.history: list[CameraStatus] = []
        self.stream = Stream(options, "front", backoff=Backoff(first_s=0.1, longest_s=0.5))
        self.stream.watch(lambda _old, new: self.history.append(new))
        self._slot: LatestSlot[Frame] = LatestSlot(self._collect)
        self.outlet = None if fps is None else self.stream.subscribe_frames(fps, self._slot)

    def __enter__(self) -> Self:
        self.stream.start()
        return self

    def __exit__(self, *_: object) -> None:
        assert self.stream.stop(5.0)

    @property
    def states(self) -> list[CameraState]:
        """Every state so far, in order."""
        return [status.state for status in self.history]

    def wait_for_frames(self, count: int, timeout_s: float = 10.0) -> list[Frame]:
        """Wait until there are ``count`` more frames and return those."""
        before = len(self.frames)
        wait_for(
            lambda: len(self.frames) >= before + count,
            timeout_s,
            lambda: f"{count} frames ({self.stream.status})",
        )
        return self.frames[before:]

    def wait_for_state(self, state: CameraState, timeout_s: float = 10.0) -> CameraStatus:
        """Wait until ``state`` is reached, or has been since the start."""
        wait_for(lambda: state in self.states, timeout_s, lambda: f"{state} ({self.stream.status})")
        return next(status for status in self.history if status.state is state)

    def _collect(self) -> None:
        frame = self._slot.take()
        assert frame is not None
        self.frames.append(frame)
