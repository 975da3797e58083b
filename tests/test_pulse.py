"""What feeds the watchdog, and what does not."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from edged.pulse import BEAT_S, Pulse
from edged.service import ServiceManager

if TYPE_CHECKING:
    from collections.abc import Iterator


class Clock:
    now_s = 1000.0

    def monotonic_s(self) -> float:
        return self.now_s

    def wall_s(self) -> float:
        return self.now_s


class Service(ServiceManager):
    """Counts how often it was told that we live."""

    def __init__(self, watchdog_s: float | None) -> None:  # no socket to systemd
        self.watchdog_s = watchdog_s
        self.fed = 0

    def alive(self) -> None:
        self.fed += 1


class Heart:
    """A pulse that beats when it is told to; ``trouble`` is what stands still."""

    def __init__(self, watchdog_s: float | None = 30.0) -> None:
        self.clock = Clock()
        self.service = Service(watchdog_s)
        self.trouble: str | None = None
        self._pulse = Pulse(self.service, lambda: self.trouble, self.clock)

    def beat_for(self, seconds: float) -> int:
        """Beat for so long; returns how often the watchdog was fed meanwhile."""
        before = self.service.fed
        for _ in range(round(seconds / BEAT_S)):
            self.clock.now_s += BEAT_S
            self._pulse.beat()
        return self.service.fed - before


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    logger = logging.getLogger("edged")
    logger.propagate, before = True, logger.propagate
    yield caplog
    logger.propagate = before


def test_it_is_fed_twice_in_its_time() -> None:
    assert Heart(30.0).beat_for(300) in {20, 21}


def test_it_starves_while_the_pipeline_stands_still_and_that_is_said_once(
    logged: pytest.LogCaptureFixture,
) -> None:
    heart = Heart()
    heart.beat_for(60)
    heart.trouble = "inference has not moved for 11 s"
    assert heart.beat_for(60) == 0
    assert [record.getMessage().split(";")[0] for record in logged.records] == [heart.trouble]


def test_it_is_fed_again_once_the_pipeline_moves() -> None:
    heart = Heart()
    heart.trouble = "inference has not moved for 11 s"
    heart.beat_for(20)
    heart.trouble = None
    assert heart.beat_for(BEAT_S) == 1


def test_nobody_is_fed_who_is_not_there() -> None:
    assert Heart(None).beat_for(60) == 0
