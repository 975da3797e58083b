from __future__ import annotations

from collections import Counter

import pytest

from edged.detect.schedule import Schedule


def run(
    schedule: Schedule[str], rates: dict[str, float], *, capacity: float, seconds: float, begin_s: float = 0.0
) -> Counter[str]:
    """Feeds put a frame every period; one server does ``capacity`` passes per second. Counts the passes."""
    served: Counter[str] = Counter()
    next_frame = {key: begin_s + index * 0.01 for index, key in enumerate(rates)}
    now_s = begin_s
    while now_s < begin_s + seconds:
        for key, fps in rates.items():
            while next_frame[key] <= now_s:
                schedule.arrive(key)
                next_frame[key] += 1 / fps
        picked = schedule.pick()
        if picked is None:
            now_s = min(next_frame.values())
            continue
        now_s += 1 / capacity
        schedule.finish(picked)
        served[picked] += 1
    return served


def fractions(served: Counter[str], rates: dict[str, float], seconds: float) -> dict[str, float]:
    return {key: served[key] / (fps * seconds) for key, fps in rates.items()}


FOUR_AND_A_FAST_ONE = {"a": 5.0, "b": 5.0, "c": 5.0, "d": 5.0, "fast": 10.0}


def scheduled(rates: dict[str, float]) -> Schedule[str]:
    schedule: Schedule[str] = Schedule()
    for key, fps in rates.items():
        schedule.add(key, fps)
    return schedule


def test_everybody_is_served_while_the_box_keeps_up() -> None:
    rates = FOUR_AND_A_FAST_ONE
    served = run(scheduled(rates), rates, capacity=40, seconds=60)
    assert fractions(served, rates, 60) == pytest.approx(dict.fromkeys(rates, 1.0), abs=0.02)


@pytest.mark.parametrize("capacity", [3, 10, 15, 20, 25, 28])
def test_when_it_does_not_all_rates_go_down_in_proportion(capacity: float) -> None:
    rates = FOUR_AND_A_FAST_ONE
    served = run(scheduled(rates), rates, capacity=capacity, seconds=120)
    assert fractions(served, rates, 120) == pytest.approx(dict.fromkeys(rates, capacity / 30), rel=0.04)


def test_a_camera_that_was_away_does_not_catch_up() -> None:
    rates = {"steady": 5.0, "away": 5.0}
    schedule = scheduled(rates)
    run(schedule, {"steady": 5.0}, capacity=5, seconds=100)
    served = run(schedule, rates, capacity=5, seconds=10, begin_s=100.0)
    assert abs(served["steady"] - served["away"]) <= 2


def test_a_camera_that_used_idle_time_is_not_made_to_pay_for_it() -> None:
    rates = {"greedy": 5.0, "other": 5.0}
    schedule = scheduled(rates)
    run(schedule, {"greedy": 25.0}, capacity=30, seconds=100)
    served = run(schedule, rates, capacity=5, seconds=10, begin_s=100.0)
    assert abs(served["greedy"] - served["other"]) <= 2


def test_a_new_camera_neither_waits_nor_takes_over() -> None:
    schedule = scheduled({"old": 5.0})
    run(schedule, {"old": 5.0}, capacity=5, seconds=100)
    schedule.add("new", 5.0)
    served = run(schedule, {"old": 5.0, "new": 5.0}, capacity=5, seconds=10, begin_s=100.0)
    assert abs(served["old"] - served["new"]) <= 2


def test_a_changed_rate_changes_the_share() -> None:
    rates = {"a": 5.0, "b": 5.0}
    schedule = scheduled(rates)
    schedule.change("b", 20.0)
    served = run(schedule, {"a": 5.0, "b": 20.0}, capacity=10, seconds=60)
    assert served["b"] / served["a"] == pytest.approx(4, rel=0.05)


def test_a_feed_that_is_being_served_is_not_picked_again_until_it_is_done() -> None:
    schedule = scheduled({"a": 5.0})
    schedule.arrive("a")
    assert schedule.pick() == "a"
    schedule.arrive("a")
    assert schedule.pick() is None
    assert schedule.is_pending
    schedule.finish("a")
    assert schedule.pick() == "a"
    schedule.finish("a")
    assert not schedule.is_pending


def test_first_come_first_served_among_equals() -> None:
    schedule = scheduled({"a": 5.0, "b": 5.0, "c": 5.0})
    for key in ("c", "a", "b", "c"):
        schedule.arrive(key)
    assert [schedule.pick() for _ in range(4)] == ["c", "a", "b", None]


def test_removed_and_withdrawn_feeds_are_not_picked() -> None:
    schedule = scheduled({"a": 5.0, "b": 5.0, "c": 5.0})
    for key in ("a", "b", "c"):
        schedule.arrive(key)
    assert schedule.pick() == "a"
    schedule.remove("a")
    schedule.remove("b")
    schedule.withdraw("c")
    assert schedule.pick() is None
    schedule.finish("a")
    schedule.arrive("a")
    schedule.change("a", 1.0)
    schedule.withdraw("a")
    assert not schedule.is_pending
