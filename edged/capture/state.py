"""Where a camera stands: the legal transitions, and the one place that logs them."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from edged.core.clock import SYSTEM_CLOCK, Clock
from edged.core.types import CameraState, CameraStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_ANY_END = frozenset({CameraState.DISABLED})

TRANSITIONS: Mapping[CameraState, frozenset[CameraState]] = {
    CameraState.DISABLED: frozenset({CameraState.CONNECTING}),
    CameraState.CONNECTING: frozenset({CameraState.STREAMING, CameraState.WAITING}) | _ANY_END,
    CameraState.STREAMING: frozenset({CameraState.STALLED, CameraState.LOST}) | _ANY_END,
    CameraState.STALLED: frozenset({CameraState.WAITING}) | _ANY_END,
    CameraState.LOST: frozenset({CameraState.WAITING}) | _ANY_END,
    CameraState.WAITING: frozenset({CameraState.CONNECTING}) | _ANY_END,
}
"""From each state, where it may go."""


class IllegalTransitionError(RuntimeError):
    """Somebody moved a camera where it cannot go: a bug in edged."""


class CameraStateMachine:
    """Holds the status of one camera, tells ``on_change`` of each transition and logs it once.

    A camera that stays away is logged once and then, with the same reason, only at DEBUG.
    """

    def __init__(
        self,
        name: str,
        on_change: Callable[[CameraStatus, CameraStatus], None],
        *,
        clock: Clock = SYSTEM_CLOCK,
        logger: logging.Logger | None = None,
    ) -> None:
        self._name = name
        self._on_change = on_change
        self._clock = clock
        self._log = logger or logging.getLogger(__name__)
        self._lock = threading.Lock()
        self._status = CameraStatus(CameraState.DISABLED, "not started", clock.wall_s())
        self._last_failure: str | None = None

    @property
    def status(self) -> CameraStatus:
        """The state now, why and since when."""
        return self._status

    def move(self, state: CameraState, reason: str, *, next_try_in_s: float | None = None) -> None:
        """Go to ``state``; raises IllegalTransitionError where the table does not allow it."""
        now_s = self._clock.wall_s()
        next_try_s = None if next_try_in_s is None else now_s + next_try_in_s
        with self._lock:
            old = self._status
            if state not in TRANSITIONS[old.state]:
                text = f"{self._name}: {old.state.value} -> {state.value} ({reason})"
                raise IllegalTransitionError(text)
            new = self._status = CameraStatus(state, reason, now_s, next_try_s)
        self._log_transition(old, new, next_try_in_s)
        self._on_change(old, new)

    def _log_transition(self, old: CameraStatus, new: CameraStatus, next_try_in_s: float | None) -> None:
        level = self._level(old, new)
        # What a camera waits for was said one line before, when it was lost.
        parts = [] if new.state is CameraState.WAITING and new.reason == old.reason else [new.reason]
        parts += [] if next_try_in_s is None else [f"next try in {next_try_in_s:.0f} s"]
        self._log.log(level, "%s: %s: %s", self._name, new.state.value, "; ".join(parts))

    def _level(self, old: CameraStatus, new: CameraStatus) -> int:
        if new.state in {CameraState.STALLED, CameraState.LOST}:
            self._last_failure = new.reason
            return logging.WARNING
        if new.state is CameraState.WAITING:
            is_news, self._last_failure = new.reason != self._last_failure, new.reason
            if old.state is not CameraState.CONNECTING:
                return logging.INFO
            return logging.WARNING if is_news else logging.DEBUG
        if new.state is CameraState.CONNECTING:
            return logging.INFO if self._last_failure is None else logging.DEBUG
        self._last_failure = None
        return logging.INFO
