from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from edged.publish.outbox import (
    LIVE_UNSENT_MAX,
    LIVE_WAITING_MAX,
    PLAIN,
    EventLane,
    Extras,
    LiveLane,
    RetainedLane,
)
from edged.publish.store import EventStore

if TYPE_CHECKING:
    from collections.abc import Iterator


class HandClock:
    now_s = 100.0

    def monotonic_s(self) -> float:
        return self.now_s

    def wall_s(self) -> float:
        return self.now_s


class Slip:
    """A receipt that the test fills in."""

    def __init__(self) -> None:
        self.is_done = False
        self.refusal: str | None = None


class ToyWire:
    """A connection that takes ``room`` messages and confirms them when the test says so."""

    def __init__(self, room: int = 1000) -> None:
        self.room = room
        self.sent: list[tuple[str, bytes]] = []
        self.slips: list[Slip] = []

    def send(
        self, topic: str, payload: bytes, *, qos: int, retain: bool, extras: Extras = PLAIN
    ) -> Slip | None:
        assert extras == PLAIN
        assert qos in (0, 1)
        assert retain in (True, False)
        if len(self.sent) >= self.room:
            return None
        self.sent.append((topic, payload))
        self.slips.append(Slip())
        return self.slips[-1]

    def confirm_all(self, refusal: str | None = None) -> None:
        for slip in self.slips:
            slip.is_done, slip.refusal = True, refusal


def nobody() -> None:
    """Wake nobody."""


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def wire() -> ToyWire:
    return ToyWire()


@pytest.fixture
def retained(clock: HandClock) -> RetainedLane:
    return RetainedLane(nobody, clock)


@pytest.fixture
def events() -> Iterator[EventLane]:
    lane = EventLane(EventStore(10, None), nobody)
    yield lane
    lane.close()


class TestRetained:
    def test_an_equal_value_is_not_sent_again(self, retained: RetainedLane, wire: ToyWire) -> None:
        retained.put("a", b"1")
        retained.pump(wire)
        wire.confirm_all()
        retained.put("a", b"1")
        retained.pump(wire)
        assert wire.sent == [("a", b"1")]
        assert retained.is_idle

    def test_only_the_newest_value_waits(self, retained: RetainedLane, wire: ToyWire) -> None:
        for value in (b"1", b"2", b"3"):
            retained.put("a", value)
        retained.pump(wire)
        assert wire.sent == [("a", b"3")]

    def test_a_topic_has_one_message_under_way_at_most(self, retained: RetainedLane, wire: ToyWire) -> None:
        for value in (b"1", b"2", b"3"):
            retained.put("a", value)
            retained.pump(wire)
        assert wire.sent == [("a", b"1")]
        assert not retained.is_idle
        wire.confirm_all()
        retained.pump(wire)
        assert wire.sent == [("a", b"1"), ("a", b"3")]

    def test_everything_goes_again_on_the_next_connection_in_the_first_order(
        self, retained: RetainedLane, wire: ToyWire
    ) -> None:
        for topic in ("c", "a", "b"):
            retained.put(topic, b"1")
        retained.put("c", b"2")
        retained.pump(wire)
        wire.confirm_all()
        retained.pump(wire)
        retained.connection_lost()
        again = ToyWire()
        retained.pump(again)
        assert again.sent == [("c", b"2"), ("a", b"1"), ("b", b"1")]

    def test_a_full_connection_is_left_alone_until_there_is_room(self, retained: RetainedLane) -> None:
        narrow = ToyWire(room=2)
        for topic in "abc":
            retained.put(topic, b"1")
        retained.pump(narrow)
        assert [topic for topic, _ in narrow.sent] == ["a", "b"]
        narrow.room = 9
        retained.pump(narrow)
        assert [topic for topic, _ in narrow.sent] == ["a", "b", "c"]

    def test_a_removed_topic_is_emptied_once_and_then_forgotten(
        self, retained: RetainedLane, wire: ToyWire
    ) -> None:
        retained.put("a", b"1")
        retained.remove("a")
        retained.pump(wire)
        wire.confirm_all()
        retained.pump(wire)
        assert wire.sent == [("a", b"")]
        retained.connection_lost()
        retained.pump(wire)
        assert wire.sent == [("a", b"")]

    def test_a_removal_that_was_not_confirmed_is_sent_again(
        self, retained: RetainedLane, wire: ToyWire
    ) -> None:
        retained.remove("a")
        retained.pump(wire)
        retained.connection_lost()
        retained.pump(wire)
        assert wire.sent == [("a", b""), ("a", b"")]

    def test_a_topic_that_may_change_once_a_second_does(
        self, retained: RetainedLane, wire: ToyWire, clock: HandClock
    ) -> None:
        for step in range(40):  # five seconds
            retained.put("a", str(step).encode(), at_most_every_s=1.0)
            due_in_s = retained.pump(wire)
            wire.confirm_all()
            clock.now_s += 0.125
        assert [payload for _, payload in wire.sent] == [b"0", b"8", b"16", b"24", b"32"]
        assert due_in_s == 0.125
        clock.now_s += 0.125
        retained.pump(wire)
        assert wire.sent[-1] == ("a", b"39"), "the last value must not be lost"

    def test_what_others_say_wrongly_is_said_again(self, retained: RetainedLane, wire: ToyWire) -> None:
        retained.put("a", b"1")
        retained.heard("a", b"2")
        retained.pump(wire)
        retained.heard("a", b"2")
        wire.confirm_all()
        retained.pump(wire)
        assert wire.sent == [("a", b"1")], "what is said already need not be said twice"
        retained.heard("a", b"1")
        retained.heard("b", b"1")
        retained.pump(wire)
        assert wire.sent == [("a", b"1")]
        retained.heard("a", b"2")
        retained.pump(wire)
        assert wire.sent == [("a", b"1"), ("a", b"1")]

    def test_in_a_hurry_it_does_not_wait(self, retained: RetainedLane, wire: ToyWire) -> None:
        for value in (b"1", b"2"):
            retained.put("a", value, at_most_every_s=1.0)
            retained.pump(wire)
            wire.confirm_all()
        assert wire.sent == [("a", b"1")]
        retained.hurry()
        retained.pump(wire)
        assert wire.sent == [("a", b"1"), ("a", b"2")]

    def test_a_refusal_is_said_once(
        self, retained: RetainedLane, wire: ToyWire, caplog: pytest.LogCaptureFixture
    ) -> None:
        for value in (b"1", b"2", b"3"):
            retained.put("a", value)
            retained.pump(wire)
            wire.confirm_all("not authorized")
            retained.pump(wire)
        assert caplog.messages == ["the broker does not take a: not authorized"]


class TestEvents:
    def test_the_next_waits_for_the_one_before(self, events: EventLane, wire: ToyWire) -> None:
        for number in range(3):
            events.put("e", b"%d" % number)
        for expected in (1, 2, 3):
            events.pump(wire)
            events.pump(wire)
            assert len(wire.sent) == expected
            assert events.waiting == 4 - expected
            wire.confirm_all()
        events.pump(wire)
        assert [payload for _, payload in wire.sent] == [b"0", b"1", b"2"]
        assert events.is_idle

    def test_the_unconfirmed_one_goes_first_on_the_next_connection(
        self, events: EventLane, wire: ToyWire
    ) -> None:
        for number in range(2):
            events.put("e", b"%d" % number)
        events.pump(wire)
        events.connection_lost()
        again = ToyWire()
        for _ in range(3):
            events.pump(again)
            again.confirm_all()
        assert [payload for _, payload in again.sent] == [b"0", b"1"]

    def test_the_oldest_is_lost_and_counted_when_there_are_too_many(
        self, events: EventLane, wire: ToyWire
    ) -> None:
        for number in range(15):
            events.put("e", b"%d" % number)
        assert (events.waiting, events.dropped) == (10, 5)
        events.pump(wire)
        assert wire.sent == [("e", b"5")]

    def test_a_refused_one_does_not_block_the_others(
        self, events: EventLane, wire: ToyWire, caplog: pytest.LogCaptureFixture
    ) -> None:
        for number in range(3):
            events.put("e", b"%d" % number)
        for _ in range(4):
            events.pump(wire)
            wire.confirm_all("not authorized")
        assert len(wire.sent) == 3
        assert events.dropped == 3
        assert caplog.messages == ["the broker does not take events on e: not authorized"]

    def test_a_connection_without_room_is_tried_again(self, events: EventLane) -> None:
        narrow = ToyWire(room=0)
        events.put("e", b"0")
        events.pump(narrow)
        assert events.waiting == 1
        narrow.room = 1
        events.pump(narrow)
        assert narrow.sent == [("e", b"0")]


class TestLive:
    def test_without_a_connection_nothing_waits(self, wire: ToyWire) -> None:
        live = LiveLane(nobody)
        assert not live.put("t", b"1")
        live.connection_opened()
        live.pump(wire)
        assert wire.sent == []
        assert live.dropped == 1

    def test_what_a_slow_broker_does_not_take_is_dropped_oldest_first(self, wire: ToyWire) -> None:
        live = LiveLane(nobody)
        live.connection_opened()
        for number in range(1_000):
            assert live.put("t", b"%d" % number)
            live.pump(wire)
        assert len(wire.sent) == LIVE_UNSENT_MAX
        assert live.dropped == 1_000 - LIVE_UNSENT_MAX - LIVE_WAITING_MAX
        wire.confirm_all()
        live.pump(wire)
        assert wire.sent[-1] == ("t", b"%d" % (1_000 - LIVE_WAITING_MAX + LIVE_UNSENT_MAX - 1))

    def test_what_waited_when_the_connection_ended_is_counted_and_gone(self, wire: ToyWire) -> None:
        live = LiveLane(nobody)
        live.connection_opened()
        for number in range(30):
            live.put("t", b"%d" % number)
        live.pump(wire)
        live.connection_lost()
        assert live.dropped == 30
        live.connection_opened()
        again = ToyWire()
        live.pump(again)
        assert again.sent == []
