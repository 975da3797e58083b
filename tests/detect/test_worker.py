from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from edged.core.errors import ModelError
from edged.core.types import Detections, Frame
from edged.detect.feed import FeedSettings
from edged.detect.worker import InferenceWorkers
from tests.detect.synthetic import ArrayPicture

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from edged.core.types import Picture
    from edged.detect.feed import Feed

SETTINGS = FeedSettings(fps=5.0, min_score=0.4, iou_threshold=0.5)
PICTURE = ArrayPicture(np.zeros((2, 2, 3), np.uint8))
NOTHING = Detections(
    np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.intp), labels=("person",)
)


class FakeClock:
    def __init__(self) -> None:
        self.now_s = 1000.0

    def monotonic_s(self) -> float:
        return self.now_s

    def wall_s(self) -> float:
        return self.now_s


@dataclass
class StubFinder:
    """Takes as long as it is told, by the fake clock, and does what it is told meanwhile."""

    name: str = "stub.onnx"
    clock: FakeClock | None = None
    takes_s: float = 0.0
    meanwhile: Callable[[Picture], None] = lambda _: None
    asked: list[tuple[float, float, frozenset[str] | None]] = field(default_factory=list)

    def detect(
        self, picture: Picture, *, min_score: float, iou_threshold: float, labels: frozenset[str] | None
    ) -> Detections:
        self.asked.append((min_score, iou_threshold, labels))
        if self.clock is not None:
            self.clock.now_s += self.takes_s
        self.meanwhile(picture)
        return NOTHING


def frame(number: int = 1) -> Frame:
    return Frame(PICTURE, number, 0.0, 0.0)


class Results:
    """Remembers what came back, and in which order."""

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self.errors: list[ModelError] = []

    def __call__(self, seen: Frame, result: Detections | ModelError) -> None:
        self.numbers.append(seen.number)
        if isinstance(result, ModelError):
            self.errors.append(result)


def eventually(condition: Callable[[], bool], within_s: float = 10.0) -> None:
    deadline_s = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline_s, "it did not happen in time"
        time.sleep(0.001)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def finder(clock: FakeClock) -> StubFinder:
    return StubFinder(clock=clock, takes_s=0.1)


@pytest.fixture
def workers(finder: StubFinder, clock: FakeClock) -> InferenceWorkers:
    """Workers without threads: ``serve_next`` is called by the test."""
    return InferenceWorkers(finder, clock=clock)


@pytest.fixture
def running() -> Iterator[Callable[[StubFinder, int], InferenceWorkers]]:
    """Workers with real threads, stopped at the end."""
    started: list[InferenceWorkers] = []

    def start(finder: StubFinder, count: int) -> InferenceWorkers:
        workers = InferenceWorkers(finder, count)
        workers.start()
        started.append(workers)
        return workers

    yield start
    for workers in started:
        workers.stop(5.0)


def drive(workers: InferenceWorkers, clock: FakeClock, feeds: list[Feed], seconds: float) -> dict[str, int]:
    """Every feed puts frames at its wanted rate and one worker serves; counts the passes."""
    before = {feed.name: feed.passes for feed in feeds}
    due = {feed: clock.now_s + 0.013 * place for place, feed in enumerate(feeds)}
    end_s = clock.now_s + seconds
    while clock.now_s < end_s:
        for feed in feeds:
            while due[feed] <= clock.now_s:
                feed.slot.put(frame())
                due[feed] += 1 / feed.settings.fps
        if not workers.serve_next():
            clock.now_s = min(due.values())
    return {feed.name: feed.passes - before[feed.name] for feed in feeds}


def test_settings_and_results_travel_with_their_feed(workers: InferenceWorkers, finder: StubFinder) -> None:
    one, two = Results(), Results()
    front = workers.add("front", SETTINGS, one)
    back = workers.add("back", FeedSettings(2.0, 0.7, 0.3, frozenset({"car"})), two)
    front.slot.put(frame(7))
    back.slot.put(frame(8))
    assert [workers.serve_next() for _ in range(3)] == [True, True, False]
    assert (one.numbers, two.numbers) == ([7], [8])
    assert finder.asked == [(0.4, 0.5, None), (0.7, 0.3, frozenset({"car"}))]


def test_the_latest_frame_wins_and_the_others_are_counted(workers: InferenceWorkers) -> None:
    results = Results()
    feed = workers.add("front", SETTINGS, results)
    for number in (1, 2, 3):
        feed.slot.put(frame(number))
    while workers.serve_next():
        pass
    assert results.numbers == [3]
    assert feed.slot.dropped == 2


def test_at_half_the_capacity_every_camera_gets_half(workers: InferenceWorkers, clock: FakeClock) -> None:
    slow = [workers.add(f"c{n}", SETTINGS, Results()) for n in range(3)]
    fast = workers.add("fast", replace(SETTINGS, fps=10.0), Results())
    served = drive(workers, clock, [*slow, fast], 100)  # 25 per second wanted, 10 possible
    for feed in (*slow, fast):
        assert served[feed.name] == pytest.approx(feed.settings.fps * 100 * 10 / 25, rel=0.05)
        assert feed.fps == pytest.approx(feed.settings.fps * 10 / 25, rel=0.15)
        assert feed.is_overloaded
    assert workers.is_overloaded
    assert workers.fps == pytest.approx(10, rel=0.05)
    assert workers.inference_ms == pytest.approx(100)


def test_a_box_that_keeps_up_is_not_overloaded(workers: InferenceWorkers, clock: FakeClock) -> None:
    feed = workers.add("front", SETTINGS, Results())
    assert drive(workers, clock, [feed], 20)["front"] == pytest.approx(100, abs=1)
    assert not workers.is_overloaded
    assert feed.fps == pytest.approx(5, rel=0.05)
    assert feed.slot.dropped == 0


def test_a_changed_rate_counts_from_the_next_pass(workers: InferenceWorkers, clock: FakeClock) -> None:
    feeds = [workers.add(name, replace(SETTINGS, fps=10.0), Results()) for name in ("a", "b")]
    workers.change(feeds[1], replace(SETTINGS, fps=30.0))
    served = drive(workers, clock, feeds, 40)
    assert served["b"] / served["a"] == pytest.approx(3, rel=0.05)


def test_a_disabled_feed_rests_and_keeps_no_frame(workers: InferenceWorkers) -> None:
    results = Results()
    feed = workers.add("front", SETTINGS, results)
    feed.slot.put(frame(1))
    workers.change(feed, replace(SETTINGS, is_enabled=False))
    assert not workers.serve_next()
    feed.slot.put(frame(2))
    assert feed.slot.is_empty
    assert not workers.serve_next()
    workers.change(feed, SETTINGS)
    assert not workers.serve_next()
    feed.slot.put(frame(3))
    assert workers.serve_next()
    assert results.numbers == [3]


def test_a_removed_feed_gets_nothing_more(workers: InferenceWorkers, finder: StubFinder) -> None:
    results = Results()
    feed = workers.add("front", SETTINGS, results)
    finder.meanwhile = lambda _: workers.remove(feed)
    feed.slot.put(frame())
    assert workers.serve_next()
    feed.slot.put(frame())
    assert not workers.serve_next()
    assert results.numbers == []
    assert feed.slot.is_empty
    assert workers.stuck_s == 0


def test_a_frame_that_its_camera_takes_back_is_no_pass(workers: InferenceWorkers) -> None:
    cleared, other = (workers.add(name, SETTINGS, Results()) for name in ("cleared", "other"))
    cleared.slot.put(frame())
    other.slot.put(frame())
    cleared.slot.clear()
    assert workers.serve_next()
    assert not workers.serve_next()
    assert (cleared.passes, other.passes) == (0, 1)


def test_a_failing_pass_is_told_counted_and_logged_once(
    workers: InferenceWorkers, finder: StubFinder, caplog: pytest.LogCaptureFixture
) -> None:
    results = Results()
    feed = workers.add("front", SETTINGS, results)

    def failing(trouble: Exception) -> Callable[[Picture], None]:
        def fail(_: Picture) -> None:
            raise trouble

        return fail

    for trouble in (RuntimeError("out of memory"), ModelError("stub.onnx: no")):
        finder.meanwhile = failing(trouble)
        with caplog.at_level(logging.INFO):
            for _ in range(2):
                feed.slot.put(frame())
                assert workers.serve_next()
            assert str(trouble) in str(feed.trouble)
            finder.meanwhile = lambda _: None
            feed.slot.put(frame())
            assert workers.serve_next()
            assert feed.trouble is None
    assert [record.getMessage() for record in caplog.records] == [
        "front: detection fails: stub.onnx: RuntimeError: out of memory",
        "front: detection works again",
        "front: detection fails: stub.onnx: no",
        "front: detection works again",
    ]
    assert feed.failures == 4
    assert len(results.errors) == 4
    assert len(results.numbers) == 6


def test_a_listener_that_fails_does_no_harm(
    workers: InferenceWorkers, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: Frame, __: Detections | ModelError) -> None:
        raise KeyError

    bad, good = workers.add("bad", SETTINGS, fail), workers.add("good", SETTINGS, Results())
    for feed in (bad, good, bad):
        feed.slot.put(frame())
        assert workers.serve_next()
    assert (bad.failures, good.failures) == (2, 0)
    assert [record.getMessage() for record in caplog.records] == [
        "bad: detection fails: the result could not be used: KeyError: "
    ]


def test_another_detector_serves_from_the_next_pass_on(
    workers: InferenceWorkers, finder: StubFinder, clock: FakeClock
) -> None:
    feed = workers.add("front", SETTINGS, Results())
    other = StubFinder("other.onnx", clock, 0.5)
    finder.meanwhile = lambda _: workers.swap(other)
    for _ in range(2):
        feed.slot.put(frame())
        assert workers.serve_next()
    assert (len(finder.asked), len(other.asked)) == (1, 1)
    assert workers.inference_ms == pytest.approx(500)  # the old one's time is not mixed in


def test_how_long_nothing_moved(workers: InferenceWorkers, finder: StubFinder, clock: FakeClock) -> None:
    feed = workers.add("front", SETTINGS, Results())
    clock.now_s += 3600
    assert workers.stuck_s == 0
    feed.slot.put(frame())
    assert workers.stuck_s == 0
    clock.now_s += 5
    assert workers.stuck_s == 5
    during: list[float] = []
    finder.meanwhile = lambda _: during.append(workers.stuck_s)
    workers.serve_next()
    assert during == pytest.approx([0.1])
    clock.now_s += 3600
    assert workers.stuck_s == 0


def test_nothing_is_known_before_the_first_pass(workers: InferenceWorkers) -> None:
    assert workers.inference_ms is None
    assert workers.fps == 0
    assert not workers.is_overloaded


def test_threads_keep_the_order_and_never_share_a_camera(
    running: Callable[[StubFinder, int], InferenceWorkers],
) -> None:
    at_work: set[int] = set()
    clashes: list[int] = []
    most = 0
    lock = threading.Lock()

    def meet(picture: Picture) -> None:
        nonlocal most
        camera = picture.size.width
        with lock:
            clashes.extend({camera} & at_work)
            at_work.add(camera)
            most = max(most, len(at_work))
        both.wait(0.002)
        with lock:
            at_work.discard(camera)

    both = threading.Event()  # never set: a pass that takes a moment
    workers = running(StubFinder(meanwhile=meet), 2)
    results = [Results() for _ in range(3)]
    feeds = [workers.add(f"c{n}", SETTINGS, result) for n, result in enumerate(results)]
    pictures = [ArrayPicture(np.zeros((1, n + 1, 3), np.uint8)) for n in range(3)]
    number = 0
    while min(feed.passes for feed in feeds) < 30:
        number += 1
        for feed, picture in zip(feeds, pictures, strict=True):
            feed.slot.put(Frame(picture, number, 0.0, 0.0))
        time.sleep(0.001)
    workers.stop(5.0)
    assert clashes == []
    assert most == 2
    for feed, result in zip(feeds, results, strict=True):
        assert result.numbers == sorted(set(result.numbers))
        assert len(result.numbers) == feed.passes


def test_stopping_waits_for_the_pass_under_way_but_not_for_ever(caplog: pytest.LogCaptureFixture) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def hang(_: Picture) -> None:
        begun.set()
        go_on.wait(10)

    results = Results()
    workers = InferenceWorkers(StubFinder(meanwhile=hang))
    workers.start()
    feed = workers.add("front", SETTINGS, results)
    feed.slot.put(frame(1))
    assert begun.wait(10)
    feed.slot.put(frame(2))
    workers.stop(0.01)
    assert "inference-0: still busy" in caplog.text
    go_on.set()
    workers.stop(10)
    assert results.numbers == [1]


def test_workers_that_never_started_can_be_stopped() -> None:
    InferenceWorkers(StubFinder()).stop(1.0)


def test_a_swap_while_threads_run_loses_no_frame(
    running: Callable[[StubFinder, int], InferenceWorkers],
) -> None:
    results = Results()
    workers = running(StubFinder(), 2)
    feed = workers.add("front", SETTINGS, results)
    for number in range(1, 51):
        if number % 10 == 0:
            workers.swap(StubFinder(f"model{number}.onnx"))
        feed.slot.put(frame(number))
        eventually(lambda number=number: results.numbers[-1:] == [number])  # type: ignore[misc]
    assert results.numbers == list(range(1, 51))
    assert feed.slot.dropped == 0
