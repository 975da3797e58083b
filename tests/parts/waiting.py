"""Waiting for what happens in other threads and processes, with a deadline and never blindly."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

POLL_S = 0.01


def wait_for(
    condition: Callable[[], object], timeout_s: float, what: str | Callable[[], str] = "the condition"
) -> float:
    """Return how long it took until ``condition`` was true; fails the test after ``timeout_s``."""
    start_s = time.monotonic()
    while not condition():
        if time.monotonic() - start_s > timeout_s:
            named = what if isinstance(what, str) else what()
            pytest.fail(f"{named} did not come true within {timeout_s:g} s")
        time.sleep(POLL_S)
    return time.monotonic() - start_s


async def until(condition: Callable[[], object], timeout_s: float, what: str) -> None:
    """As ``wait_for``, without holding up the loop."""
    await asyncio.to_thread(wait_for, condition, timeout_s, what)
