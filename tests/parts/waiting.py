"""Waiting for what is bound to happen, instead of for some time to pass."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable


def wait_until(condition: Callable[[], object], deadline_s: float, what: str) -> None:
    """Return as soon as ``condition`` holds; fail the test if it does not within ``deadline_s``."""
    until_s = time.monotonic() + deadline_s
    while not condition():
        if time.monotonic() > until_s:
            pytest.fail(f"not within {deadline_s} s: {what}")
        time.sleep(0.005)
