from __future__ import annotations

import logging

import pytest

from edged.config.commands import Command, SetFps
from edged.publish.inbox import COMMANDS_AT_ONCE, COMMANDS_PER_SECOND, CommandInbox
from edged.publish.session import Message
from edged.publish.topics import Topics

TOPIC = "edged/porch/front/set/fps"


class HandClock:
    now_s = 100.0

    def monotonic_s(self) -> float:
        return self.now_s

    def wall_s(self) -> float:
        return self.now_s


class Desk:
    """An inbox, its clock, and what came through."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.obeyed: list[Command] = []
        self.answers: list[tuple[Message, str | None]] = []
        self.inbox = CommandInbox(
            Topics("edged/porch"), self.obeyed.append, lambda *told: self.answers.append(told), self.clock
        )
        self.inbox.cameras = frozenset({"front"})

    def receive(self, payload: bytes, *, topic: str = TOPIC, is_old: bool = False) -> None:
        self.inbox.receive(Message(topic, payload, is_old=is_old))


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_new_command_is_obeyed(desk: Desk) -> None:
    desk.receive(b"7")
    assert desk.obeyed == [SetFps("front", 7.0)]
    assert desk.inbox.refused == 0


def test_a_retained_command_is_not(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    desk.receive(b"7", is_old=True)
    assert desk.obeyed == []
    assert desk.inbox.refused == 1
    assert f"command on {TOPIC} refused: it was retained" in caplog.text


def test_a_flood_comes_through_only_as_fast_as_it_may(desk: Desk) -> None:
    for _ in range(10_000):
        desk.receive(b"7")
    assert len(desk.obeyed) == COMMANDS_AT_ONCE
    assert desk.inbox.refused == 10_000 - COMMANDS_AT_ONCE
    desk.clock.now_s += 1.0
    for _ in range(10_000):
        desk.receive(b"7")
    assert len(desk.obeyed) == COMMANDS_AT_ONCE + COMMANDS_PER_SECOND


def test_whoever_asks_is_answered_but_for_a_flood(desk: Desk) -> None:
    desk.receive(b"7")
    desk.receive(b"70")
    desk.receive(b"7", is_old=True)
    for _ in range(10_000):
        desk.receive(b"7")
    assert len(desk.answers) == COMMANDS_AT_ONCE
    assert [why for _, why in desk.answers[:2]] == [None, "expected a number from 0.1 to 30, got '70'"]


def test_a_flood_of_bad_ones_is_one_line_every_few_seconds(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(1_000):
        desk.receive(b"garbage")
    desk.clock.now_s += 60.0
    desk.receive(b"garbage")
    lines = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    line = f"command on {TOPIC} refused: expected a number from 0.1 to 30, got 'garbage'"
    assert lines == [line, f"{line} (999 more refused since the last of these lines)"]
    assert desk.inbox.refused == 1_001


def test_a_topic_cannot_forge_a_log_line(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    desk.receive(b"1", topic="edged/porch/a\nFAKE/set/fps")
    assert "\n" not in caplog.records[0].getMessage()


def test_other_topics_are_none_of_its_business(desk: Desk) -> None:
    desk.receive(b"7", topic="edged/porch/front/state")
    assert (desk.obeyed, desk.inbox.refused) == ([], 0)
