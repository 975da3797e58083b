"""The threads that run one detector for all cameras, fairly."""

from __future__ import annotations

import logging
import statistics
import threading
from collections import deque
from typing import TYPE_CHECKING, NamedTuple, Protocol

from edged.core.clock import SYSTEM_CLOCK
from edged.core.errors import ModelError
from edged.detect.feed import Feed, FeedSettings
from edged.detect.meter import Meter
from edged.detect.schedule import Schedule

if TYPE_CHECKING:
    from edged.core.clock import Clock
    from edged.core.types import Detections, Frame, Picture
    from edged.detect.feed import OnResult

_logger = logging.getLogger(__name__)

_WAIT_S = 1.0
_TIMES_KEPT = 50


class Finder(Protocol):
    """What the workers need of a detector."""

    @property
    def name(self) -> str:
        """What to call it in a log."""

    def detect(
        self, picture: Picture, *, min_score: float, iou_threshold: float, labels: frozenset[str] | None
    ) -> Detections:
        """What is in ``picture``."""


class _Work(NamedTuple):
    feed: Feed
    frame: Frame
    finder: Finder


class InferenceWorkers:
    """Serves feeds by deadline with ``count`` threads; a feed is never served by two of them at once."""

    def __init__(self, finder: Finder, count: int = 1, clock: Clock = SYSTEM_CLOCK) -> None:
        self._finder = finder
        self._clock = clock
        self._changed = threading.Condition()
        self._schedule: Schedule[Feed] = Schedule()
        self._feeds: set[Feed] = set()
        self._begun_s: dict[Feed, float] = {}
        self._moved_s = clock.monotonic_s()
        self._times_ms: deque[float] = deque(maxlen=_TIMES_KEPT)
        self._passes = 0
        self._meter = Meter(self._moved_s)
        self._is_stopping = False
        self._threads = [
            threading.Thread(target=self._run, name=f"inference-{n}", daemon=True) for n in range(count)
        ]

    def start(self) -> None:
        """Begin to serve."""
        for thread in self._threads:
            thread.start()

    def stop(self, timeout_s: float) -> None:
        """Let the passes under way end and begin no others."""
        with self._changed:
            self._is_stopping = True
            self._changed.notify_all()
        deadline_s = self._clock.monotonic_s() + timeout_s
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(max(0.0, deadline_s - self._clock.monotonic_s()))
            if thread.is_alive():
                _logger.warning("%s: still busy after %.1f s, left behind", thread.name, timeout_s)

    def add(self, name: str, settings: FeedSettings, on_result: OnResult) -> Feed:
        """Make room for one more camera; ``on_result`` is called in a worker's thread."""
        feed = Feed(name, settings, on_result, self._arrived, self._clock)
        with self._changed:
            self._feeds.add(feed)
            self._schedule.add(feed, settings.fps)
        return feed

    def change(self, feed: Feed, settings: FeedSettings) -> None:
        """Use other settings from the next pass on."""
        with self._changed:
            feed.settings = settings
            self._schedule.change(feed, settings.fps)
            if not settings.is_enabled:
                self._schedule.withdraw(feed)
                feed.slot.clear()

    def remove(self, feed: Feed) -> None:
        """Begin no pass for ``feed`` any more; the result of one under way is thrown away."""
        with self._changed:
            feed.is_removed = True
            self._feeds.discard(feed)
            self._schedule.remove(feed)
            feed.slot.clear()

    def swap(self, finder: Finder) -> None:
        """Use another detector from the next pass on."""
        with self._changed:
            self._finder = finder
            self._times_ms.clear()

    @property
    def inference_ms(self) -> float | None:
        """Median time of the last passes, picture to boxes."""
        with self._changed:
            return statistics.median(self._times_ms) if self._times_ms else None

    @property
    def fps(self) -> float:
        """Passes per second of all feeds together, lately."""
        self._meter.note(self._clock.monotonic_s(), self._passes)
        return self._meter.per_second

    @property
    def is_overloaded(self) -> bool:
        """Whether any camera gets clearly less than it wants."""
        with self._changed:
            feeds = list(self._feeds)
        return any([feed.is_overloaded for feed in feeds])  # noqa: C419 - each must be measured

    @property
    def stuck_s(self) -> float:
        """For how long there was work and nothing moved; feeds the watchdog."""
        with self._changed:
            if not self._schedule.is_pending and not self._begun_s:
                return 0.0
            since_s = min(self._begun_s.values(), default=self._moved_s)
            return self._clock.monotonic_s() - since_s

    def serve_next(self) -> bool:
        """Run the pass that is due first, in this thread; False if no feed has a frame."""
        with self._changed:
            work = self._pick()
        if work is None:
            return False
        self._serve(work)
        return True

    def _arrived(self, feed: Feed) -> None:
        with self._changed:
            if feed.is_removed or not feed.settings.is_enabled:
                feed.slot.clear()
            elif not feed.slot.is_empty:  # else a worker took it in the moment between put and wake
                if not self._schedule.is_pending:
                    self._moved_s = self._clock.monotonic_s()
                self._schedule.arrive(feed)
                self._changed.notify()

    def _run(self) -> None:
        while (work := self._wait()) is not None:
            self._serve(work)

    def _wait(self) -> _Work | None:
        """The next pass; None when it is time to stop."""
        with self._changed:
            while not self._is_stopping:
                work = self._pick()
                if work is not None:
                    return work
                self._changed.wait(_WAIT_S)
            return None

    def _pick(self) -> _Work | None:
        while (feed := self._schedule.pick()) is not None:
            frame = feed.slot.take()
            if frame is not None:
                self._begun_s[feed] = self._moved_s = self._clock.monotonic_s()
                return _Work(feed, frame, self._finder)
            self._schedule.finish(feed)  # its camera cleared the slot
        return None

    def _serve(self, work: _Work) -> None:
        feed, frame, finder = work
        begun_s = self._clock.monotonic_s()
        result = _detect(finder, frame, feed.settings)
        took_ms = (self._clock.monotonic_s() - begun_s) * 1000
        feed.deliver(frame, result)
        with self._changed:
            self._schedule.finish(feed)
            del self._begun_s[feed]
            self._moved_s = self._clock.monotonic_s()
            self._passes += 1
            self._meter.note(self._moved_s, self._passes)
            if finder is self._finder and not isinstance(result, ModelError):
                self._times_ms.append(took_ms)


def _detect(finder: Finder, frame: Frame, settings: FeedSettings) -> Detections | ModelError:
    try:
        return finder.detect(
            frame.picture,
            min_score=settings.min_score,
            iou_threshold=settings.iou_threshold,
            labels=settings.labels,
        )
    except ModelError as error:
        return error
    except Exception as error:
        # The worker serves every other camera too and must outlive one bad picture.
        return ModelError(f"{finder.name}: {type(error).__name__}: {error}")
