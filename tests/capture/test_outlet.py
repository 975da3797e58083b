from __future__ import annotations

import random

import pytest

from edged.capture.outlet import FrameOutlet
from edged.core.mailbox import LatestSlot


def taken(outlet: FrameOutlet, times_s: list[float]) -> list[int]:
    return [index for index, time_s in enumerate(times_s) if outlet.is_due(time_s)]


def outlet(fps: float) -> FrameOutlet:
    return FrameOutlet(fps, LatestSlot())


@pytest.mark.parametrize(("wanted", "every"), [(25, 1), (12.5, 2), (5, 5), (1, 25), (0.5, 50)])
def test_a_divisor_of_the_rate_takes_exactly_every_nth(wanted: float, every: int) -> None:
    times_s = [index * 0.04 for index in range(10_000)]
    assert taken(outlet(wanted), times_s) == list(range(0, 10_000, every))


@pytest.mark.parametrize("wanted", [3, 4, 7, 10, 24])
def test_any_other_rate_is_met_on_average(wanted: float) -> None:
    times_s = [index * 0.04 for index in range(10_000)]
    assert len(taken(outlet(wanted), times_s)) == pytest.approx(400 * wanted, rel=0.01)


def test_times_that_jitter_do_not_lose_pictures() -> None:
    rng = random.Random(1)  # noqa: S311 - repeatable jitter
    times_s = [index * 0.04 + rng.uniform(-0.004, 0.004) for index in range(1000)]
    assert len(taken(outlet(25), times_s)) == 1000
    assert taken(outlet(5), times_s)[10:] == list(range(50, 1000, 5))


def test_a_slower_camera_passes_everything() -> None:
    assert taken(outlet(5), [index * 0.5 for index in range(100)]) == list(range(100))


def test_after_a_gap_nothing_is_made_up_for() -> None:
    times_s = [index * 0.04 for index in range(100)] + [100 + index * 0.04 for index in range(100)]
    assert taken(outlet(5), times_s) == list(range(0, 200, 5))
