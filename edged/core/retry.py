"""When to try again."""

from __future__ import annotations

import random


class Backoff:
    """Exponential backoff with full jitter over the upper half, from ``first_s`` to ``longest_s``.

    Jitter keeps sixteen cameras behind one switch from coming back in the same instant.
    """

    def __init__(
        self, first_s: float = 1.0, longest_s: float = 60.0, rng: random.Random | None = None
    ) -> None:
        self._first_s = first_s
        self._longest_s = longest_s
        self._rng = rng or random.Random()  # noqa: S311 - spreads retries, guards nothing
        self._failures = 0

    def next_s(self, at_least_s: float = 0.0) -> float:
        """Seconds to wait before the next try; doubles at each call, never over ``longest_s``."""
        # The exponent is capped because 2**n of a camera that is dead for a year overflows a float.
        ceiling_s = min(self._longest_s, self._first_s * 2 ** min(self._failures, 32))
        ceiling_s = min(self._longest_s, max(ceiling_s, at_least_s))
        self._failures += 1
        return max(self._first_s, at_least_s, self._rng.uniform(ceiling_s / 2, ceiling_s))

    def reset(self) -> None:
        """Start again from ``first_s``: what we waited for has been well for a while."""
        self._failures = 0
