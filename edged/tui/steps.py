"""What a key changes a setting to."""

from __future__ import annotations

from typing import Any, NamedTuple

QUALITIES = ("auto", "high", "medium", "low")


class Range(NamedTuple):
    """Where a number can go."""

    least: float
    step: float
    most: float


RANGES = {"confidence": Range(0.05, 0.05, 1.0), "fps": Range(0.1, 1.0, 30.0)}


def stepped(settings: dict[str, Any], setting: str, steps: int) -> float | str:
    """Return the value of ``setting`` so many steps on."""
    if setting == "quality":
        return QUALITIES[(QUALITIES.index(settings[setting]) + steps) % len(QUALITIES)]
    return _moved(settings[setting], RANGES[setting], steps)


def _moved(value: float, within: Range, steps: int) -> float:
    """From below a step one goes to the first, not beyond it."""
    if value < within.step and steps > 0:
        return within.step
    return round(min(within.most, max(within.least, value + steps * within.step)), 2)
