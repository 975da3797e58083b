"""One camera's place at the inference workers."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edged.core.errors import ModelError
from edged.core.mailbox import LatestSlot
from edged.detect.meter import Meter

if TYPE_CHECKING:
    from collections.abc import Callable

    from edged.core.clock import Clock
    from edged.core.types import Detections, Frame

    OnResult = Callable[[Frame, Detections | ModelError], None]

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FeedSettings:
    """How often to look at one camera, and for what."""

    fps: float
    min_score: float
    iou_threshold: float
    labels: frozenset[str] | None = None  # None: everything that the model knows
    is_enabled: bool = True


class Feed:
    """Frames put into ``slot`` come back as results, in a worker's thread, one at a time and in their order.

    A new frame replaces one that still waits; ``slot.dropped`` counts those. Only the workers change a feed.
    """

    def __init__(
        self,
        name: str,
        settings: FeedSettings,
        on_result: OnResult,
        wake: Callable[[Feed], None],
        clock: Clock,
    ) -> None:
        self.name = name
        self.settings = settings
        self.on_result = on_result
        self.slot: LatestSlot[Frame] = LatestSlot(wake=lambda: wake(self))
        self.passes = 0
        self.failures = 0
        self.is_removed = False
        self.trouble: str | None = None  # what went wrong in the last pass
        self._clock = clock
        self._meter = Meter(clock.monotonic_s())

    @property
    def fps(self) -> float:
        """Passes per second, lately."""
        self._measure()
        return self._meter.per_second

    @property
    def is_overloaded(self) -> bool:
        """Whether the box gives this camera clearly less than it wants."""
        self._measure()
        return self._meter.is_overloaded(self.settings.fps)

    def deliver(self, frame: Frame, result: Detections | ModelError) -> None:
        """Hand a result to whoever listens, and keep the books; never raises."""
        trouble = str(result) if isinstance(result, ModelError) else None
        if not self.is_removed:
            try:
                self.on_result(frame, result)
            except Exception as error:
                # The worker serves every other camera too and must outlive a listener's mistake.
                trouble = f"the result could not be used: {type(error).__name__}: {error}"
                _logger.debug("%s: traceback", self.name, exc_info=True)
        self.passes += 1
        self._measure()
        self._log_change(trouble)

    def _measure(self) -> None:
        self._meter.note(self._clock.monotonic_s(), self.passes, self.slot.dropped)

    def _log_change(self, trouble: str | None) -> None:
        if trouble is not None:
            self.failures += 1
        if trouble is not None and self.trouble is None:
            _logger.warning("%s: detection fails: %s", self.name, trouble)
        if trouble is None and self.trouble is not None:
            _logger.info("%s: detection works again", self.name)
        self.trouble = trouble
