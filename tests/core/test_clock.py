from __future__ import annotations

import time

from edged.core.clock import SYSTEM_CLOCK


def test_the_system_clock_is_that_of_the_machine() -> None:
    before_s, before_wall_s = time.monotonic(), time.time()
    assert before_s <= SYSTEM_CLOCK.monotonic_s() <= time.monotonic()
    assert before_wall_s - 1 <= SYSTEM_CLOCK.wall_s() <= time.time() + 1
