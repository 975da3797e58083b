from __future__ import annotations

import random

import pytest

from edged.core.types import Motion, Point
from edged.track.motion import MINIMUM_POINTS, motion_of

BOX = (0.0, 0.0, 100.0, 100.0)


def path(dx: float, dy: float, points: int = 15) -> list[Point]:
    return [(500 + dx * n, 500 + dy * n) for n in range(points)]


@pytest.mark.parametrize("points", range(MINIMUM_POINTS))
def test_a_few_points_say_nothing(points: int) -> None:
    assert motion_of(path(50, 0, points), BOX) is Motion.UNKNOWN


@pytest.mark.parametrize("points", [5, 6, 7, 29, 30])
@pytest.mark.parametrize(
    ("dx", "dy", "motion"),
    [
        (20, 0, Motion.HORIZONTAL),
        (-20, 5, Motion.HORIZONTAL),
        (0, 20, Motion.VERTICAL),
        (5, -20, Motion.VERTICAL),
        (20, -20, Motion.HORIZONTAL),
        (0.1, 0.1, Motion.STATIONARY),
        (0, 0, Motion.STATIONARY),
    ],
)
def test_the_longer_way_decides(points: int, dx: float, dy: float, motion: Motion) -> None:
    assert motion_of(path(dx, dy, points), BOX) is motion


def test_the_jitter_of_a_detector_is_no_motion() -> None:
    rng = random.Random(7)  # noqa: S311 - a seed is what a test wants
    trajectory = [(500 + rng.gauss(0, 8), 500 + rng.gauss(0, 8)) for _ in range(30)]
    assert motion_of(trajectory, BOX) is Motion.STATIONARY


def test_near_and_far_are_measured_by_the_size_of_the_box() -> None:
    trajectory = path(3, 0)
    assert motion_of(trajectory, (0, 0, 40, 90)) is Motion.HORIZONTAL
    assert motion_of(trajectory, (0, 0, 400, 900)) is Motion.STATIONARY


def test_who_went_and_came_back_is_where_he_was() -> None:
    assert motion_of([*path(10, 0), *reversed(path(10, 0))], BOX) is Motion.STATIONARY
