from __future__ import annotations

import random

import pytest

from edged.core.retry import Backoff


def backoff(first_s: float = 1.0, longest_s: float = 60.0, seed: int = 1) -> Backoff:
    return Backoff(first_s, longest_s, random.Random(seed))  # noqa: S311 - a seed is what a test wants


def test_each_wait_lies_in_the_upper_half_of_a_ceiling_that_doubles() -> None:
    for seed in range(50):
        waits = backoff(seed=seed)
        for ceiling_s in (1, 2, 4, 8, 16, 32, 60, 60, 60):
            assert max(1.0, ceiling_s / 2) <= waits.next_s() <= ceiling_s


def test_a_seed_says_what_comes() -> None:
    assert [backoff(seed=3).next_s() for _ in range(5)] == [backoff(seed=3).next_s() for _ in range(5)]


def test_cameras_that_were_lost_together_do_not_come_back_together() -> None:
    waits = [backoff(seed=seed) for seed in range(16)]
    for each in waits:
        for _ in range(6):
            each.next_s()
    seventh = sorted(each.next_s() for each in waits)
    assert len(set(seventh)) == 16
    assert seventh[-1] - seventh[0] > 15


def test_without_a_seed_no_two_are_alike() -> None:
    first, second = Backoff(), Backoff()
    assert [first.next_s() for _ in range(8)] != [second.next_s() for _ in range(8)]


def test_reset_starts_again() -> None:
    waits = backoff()
    for _ in range(10):
        waits.next_s()
    waits.reset()
    assert waits.next_s() == 1.0


@pytest.mark.parametrize(("at_least_s", "low", "high"), [(30.0, 30.0, 30.0), (300.0, 300.0, 300.0)])
def test_a_floor_holds_from_the_first_try_on(at_least_s: float, low: float, high: float) -> None:
    assert low <= backoff().next_s(at_least_s) <= high


def test_a_floor_does_not_shorten_later_waits() -> None:
    waits = backoff()
    for _ in range(8):
        waits.next_s(10.0)
    assert 30.0 <= waits.next_s(10.0) <= 60.0


def test_a_year_of_failures_is_no_overflow() -> None:
    waits = backoff()
    for _ in range(5_000):
        assert waits.next_s() <= 60.0
