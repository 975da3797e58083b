from __future__ import annotations

import pytest

from edged.detect.meter import Meter


class Load:
    """Drives a meter with so many passes and replaced frames per second."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self.done = 0.0
        self.replaced = 0.0
        self.meter = Meter(self.now_s)

    def go(self, seconds: float, *, done: float, replaced: float = 0.0) -> None:
        for _ in range(int(seconds * 10)):
            self.now_s += 0.1
            self.done += done / 10
            self.replaced += replaced / 10
            self.meter.note(self.now_s, round(self.done), round(self.replaced))


def test_the_rate_is_that_of_the_last_ten_seconds() -> None:
    load = Load()
    assert load.meter.per_second == 0
    load.go(100, done=5)
    assert load.meter.per_second == pytest.approx(5, rel=0.03)
    load.go(12, done=2)
    assert load.meter.per_second == pytest.approx(2, rel=0.06)
    load.go(12, done=0)
    assert load.meter.per_second == 0


def test_overload_is_less_than_wanted_while_frames_are_replaced() -> None:
    load = Load()
    load.go(20, done=5)
    assert not load.meter.is_overloaded(5)
    load.go(20, done=3, replaced=2)
    assert load.meter.is_overloaded(5)
    load.go(20, done=5)
    assert not load.meter.is_overloaded(5)


def test_a_slow_or_absent_camera_is_no_overload() -> None:
    load = Load()
    load.go(20, done=2)
    assert not load.meter.is_overloaded(5)
    load.go(9, done=0)
    load.go(1, done=5, replaced=2)
    assert not load.meter.is_overloaded(5)


def test_a_camera_that_sends_more_than_is_wanted_is_no_overload() -> None:
    load = Load()
    load.go(20, done=5, replaced=20)
    assert not load.meter.is_overloaded(5)


def test_it_does_not_flicker_at_the_edge() -> None:
    load = Load()
    load.go(20, done=8.5, replaced=1.5)
    assert load.meter.is_overloaded(10)
    load.go(20, done=9.25, replaced=0.75)
    assert load.meter.is_overloaded(10)
    load.go(20, done=9.8, replaced=0.2)
    assert not load.meter.is_overloaded(10)
    load.go(20, done=9.25, replaced=0.75)
    assert not load.meter.is_overloaded(10)


def test_the_first_moments_say_nothing() -> None:
    load = Load()
    load.go(2, done=1, replaced=20)
    assert not load.meter.is_overloaded(5)
    load.go(2, done=1, replaced=20)
    assert load.meter.is_overloaded(5)
