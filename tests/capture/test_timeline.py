"""The time line, fed with what cameras claim."""

from __future__ import annotations

import itertools
import random

import pytest

from edged.capture.timeline import NeverBack, Stamp, TimeLine

WALL_S = 1_763_600_000.0
PERIOD_S = 0.04


class FakeClock:
    """Says the time that it is told."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def monotonic_s(self) -> float:
        return self.now_s

    def wall_s(self) -> float:
        return WALL_S + self.now_s


class Camera:
    """Feeds a time line; a picture is taken ``delay_s`` before it arrives."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.line = TimeLine(self.clock)

    def arrive(self, pts_s: float | None, at_s: float) -> Stamp:
        self.clock.now_s = 1000.0 + at_s
        return self.line.stamp(pts_s)

    def run(self, count: int, *, pts_s: float = 0.0, at_s: float = 0.0, rate: float = 1.0) -> list[Stamp]:
        """A steady camera, whose clock runs ``rate`` times as fast as ours."""
        return [self.arrive(pts_s + i * PERIOD_S * rate, at_s + i * PERIOD_S) for i in range(count)]


def steps(stamps: list[Stamp]) -> list[float]:
    return [later.time_s - earlier.time_s for earlier, later in itertools.pairwise(stamps)]


def test_steady_camera_is_stamped_at_arrival() -> None:
    stamps = Camera().run(100)
    assert steps(stamps) == pytest.approx([PERIOD_S] * 99)
    assert [stamp.captured_monotonic_s for stamp in stamps] == pytest.approx(
        [1000 + i * PERIOD_S for i in range(100)]
    )
    assert stamps[-1].captured_s == pytest.approx(WALL_S + stamps[-1].captured_monotonic_s)


def test_jitter_of_the_network_is_filtered() -> None:
    camera, rng = Camera(), random.Random(1)  # noqa: S311 - repeatable jitter
    arrivals_s = list(itertools.accumulate((i * PERIOD_S + rng.uniform(0, 0.2) for i in range(500)), max))
    jittered = [camera.arrive(i * PERIOD_S, at_s) for i, at_s in enumerate(arrivals_s)]
    error_s = [stamp.captured_monotonic_s - 1000 - i * PERIOD_S for i, stamp in enumerate(jittered)][250:]
    assert max(error_s) - min(error_s) < 0.03
    assert steps(jittered) == pytest.approx([PERIOD_S] * 499)


def test_burst_after_a_hang_keeps_the_times_of_capture() -> None:
    camera = Camera()
    camera.run(50)
    burst = [camera.arrive(i * PERIOD_S, 5.0) for i in range(50, 125)]
    assert burst[0].captured_monotonic_s == pytest.approx(1002.0)
    assert burst[-1].captured_monotonic_s == pytest.approx(1000 + 124 * PERIOD_S)


def test_capture_is_never_after_arrival() -> None:
    camera, rng = Camera(), random.Random(2)  # noqa: S311 - repeatable jitter
    for i in range(1000):
        stamp = camera.arrive(rng.uniform(-100, 100), i * PERIOD_S)
        assert stamp.captured_monotonic_s <= camera.clock.now_s


def test_first_picture_without_a_time() -> None:
    camera = Camera()
    stamps = [camera.arrive(None, 0.0), *camera.run(10, pts_s=PERIOD_S, at_s=PERIOD_S)]
    assert steps(stamps) == pytest.approx([PERIOD_S] * 10)


def test_missing_time_in_the_middle() -> None:
    camera = Camera()
    before = camera.run(10)
    missing = camera.arrive(None, 0.43)
    after = camera.arrive(0.44, 0.47)
    assert missing.time_s - before[-1].time_s == pytest.approx(0.07)
    assert after.time_s == pytest.approx(0.44)


@pytest.mark.parametrize("new_pts_s", [0.0, -50.0, 1e6, 12.0 + 3600])
def test_jump_does_not_show(new_pts_s: float) -> None:
    camera = Camera()
    before = camera.run(100, pts_s=12.0)
    after = camera.run(100, pts_s=new_pts_s, at_s=100 * PERIOD_S)
    assert steps(before + after) == pytest.approx([PERIOD_S] * 199)
    assert camera.line.discontinuities == 1
    assert after[-1].captured_monotonic_s == pytest.approx(camera.clock.now_s)


@pytest.mark.parametrize("bits", [32, 33])
def test_wrap_is_no_jump(bits: int) -> None:
    camera, wrap_s = Camera(), 2**bits / 90_000
    stamps = [
        camera.arrive((wrap_s - 1 + i * PERIOD_S) % wrap_s, i * PERIOD_S + (0.01 if i % 2 else 0.0))
        for i in range(100)
    ]
    assert camera.line.discontinuities == 0
    assert steps(stamps) == pytest.approx([PERIOD_S] * 99)


def test_gap_in_the_stream_is_a_gap_in_time() -> None:
    camera = Camera()
    last = camera.run(10)[-1]
    assert camera.arrive(60.0, 60.0).time_s - last.time_s == pytest.approx(60 - 9 * PERIOD_S)


def test_new_connection_goes_on_after_the_real_time_that_passed() -> None:
    camera = Camera()
    last = camera.run(10, pts_s=500.0)[-1]
    camera.line.interrupt()
    first = camera.arrive(499.0, 9 * PERIOD_S + 7.0)
    assert first.time_s - last.time_s == pytest.approx(7.0)


def test_pictures_out_of_order_keep_their_own_times() -> None:
    camera = Camera()
    order = [0, 3, 1, 2, 6, 4, 5, 9, 7, 8]
    stamps = [camera.arrive(place * PERIOD_S, i * PERIOD_S) for i, place in enumerate(order)]
    assert [stamp.time_s for stamp in stamps] == pytest.approx([place * PERIOD_S for place in order])


@pytest.mark.parametrize("rate", [0.5, 2.0])
def test_clock_at_a_wrong_rate_is_not_believed(rate: float) -> None:
    stamps = Camera().run(1500, rate=rate)
    assert steps(stamps[-200:]) == pytest.approx([PERIOD_S] * 199)
    lags_s = [1000 + i * PERIOD_S - stamp.captured_monotonic_s for i, stamp in enumerate(stamps)]
    assert max(lags_s[-200:]) < 0.1


def test_slow_drift_is_followed() -> None:
    stamps = Camera().run(5000, rate=0.999)
    lags_s = [1000 + i * PERIOD_S - stamp.captured_monotonic_s for i, stamp in enumerate(stamps)]
    assert max(lags_s) < 0.02


def test_never_back_holds_what_steps_back() -> None:
    order = NeverBack()
    first = order(Stamp(5.0, 105.0, 1005.0))
    held = order(Stamp(4.0, 104.0, 1004.0))
    assert held == first
    assert order(Stamp(6.0, 106.0, 1006.0)) == Stamp(6.0, 106.0, 1006.0)
