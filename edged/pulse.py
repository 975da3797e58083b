"""The proof of life: the loop turns and the pipeline moves, or systemd hears nothing more from us."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import TYPE_CHECKING

from edged.core.clock import SYSTEM_CLOCK

if TYPE_CHECKING:
    from collections.abc import Callable

    from edged.core.clock import Clock
    from edged.service import ServiceManager

log = logging.getLogger(__name__)

BEAT_S = 0.5
LAGS_KEPT = 20


class Pulse:
    """Measures how late the loop is, and feeds the watchdog while ``stuck`` finds nothing that stands still.

    ``stuck`` returns what stands still in plain words, or None. A camera that is down is not stuck.
    """

    def __init__(
        self, service: ServiceManager, stuck: Callable[[], str | None], clock: Clock = SYSTEM_CLOCK
    ) -> None:
        self._service = service
        self._stuck = stuck
        self._clock = clock
        self._lags_ms: deque[float] = deque(maxlen=LAGS_KEPT)
        self._fed_s = clock.monotonic_s()
        self._is_stuck = False

    @property
    def lag_ms(self) -> float:
        """How late the loop was at worst, in the last ten seconds."""
        return max(self._lags_ms, default=0.0)

    async def run(self) -> None:
        """Beat until cancelled."""
        while True:
            begun_s = self._clock.monotonic_s()
            await asyncio.sleep(BEAT_S)
            self._lags_ms.append(max(0.0, (self._clock.monotonic_s() - begun_s - BEAT_S) * 1000))
            self.beat()

    def beat(self) -> None:
        """Look once; feed the watchdog at twice the rate that it needs."""
        trouble = self._stuck()
        if trouble and not self._is_stuck:
            log.error("%s; without progress the watchdog will restart the daemon", trouble)
        self._is_stuck = trouble is not None
        every_s = self._service.watchdog_s
        now_s = self._clock.monotonic_s()
        if every_s and not trouble and now_s - self._fed_s >= every_s / 2 - BEAT_S:
            self._service.alive()
            self._fed_s = now_s
