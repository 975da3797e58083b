"""What a key changes a setting by."""

from __future__ import annotations

from typing import NamedTuple


class Range(NamedTuple):
    """Where a setting can go."""

    least: float
    step: float
    most: float


RANGES = {"confidence": Range(0.05, 0.05, 1.0), "fps": Range(0.1, 1.0, 30.0)}


def stepped(setting: str, value: float, steps: int) -> float:
    """Return the value so many steps on; from below a step one goes to the first, not beyond it."""
    least, step, most = RANGES[setting]
    if value < step and steps > 0:
        return step
    return round(min(most, max(least, value + steps * step)), 2)
