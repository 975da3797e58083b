from __future__ import annotations

import pytest

from edged.publish.topics import CommandTopic, Topics

TOPICS = Topics("edged/porch")


def test_the_topics_are_those_of_the_contract() -> None:
    assert [
        TOPICS.status,
        TOPICS.health,
        TOPICS.camera_status("front"),
        TOPICS.state("front"),
        TOPICS.tracks("front"),
        TOPICS.events("front"),
        TOPICS.snapshot("front"),
    ] == [
        "edged/porch/status",
        "edged/porch/health",
        "edged/porch/front/status",
        "edged/porch/front/state",
        "edged/porch/front/tracks",
        "edged/porch/front/events",
        "edged/porch/front/snapshot",
    ]


@pytest.mark.parametrize(
    ("topic", "command"),
    [
        ("edged/porch/set/detect", CommandTopic(None, "detect")),
        ("edged/porch/front/set/fps", CommandTopic("front", "fps")),
        ("edged/porch/set/set/set", CommandTopic("set", "set")),
        ("edged/porch/front/state", None),
        ("edged/porch/front/set", None),
        ("edged/porch/front/set/fps/more", None),
        ("edged/yard/front/set/fps", None),
        ("x/edged/porch/front/set/fps", None),
        ("", None),
    ],
)
def test_a_command_topic_is_read(topic: str, command: CommandTopic | None) -> None:
    assert TOPICS.command(topic) == command


def test_a_base_topic_may_have_any_depth() -> None:
    assert Topics("a/b/c").command("a/b/c/front/set/fps") == CommandTopic("front", "fps")
