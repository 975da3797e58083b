from __future__ import annotations

import pytest

from edged.config.commands import (
    Command,
    RefusedError,
    RestartBox,
    RestartCamera,
    SetConfidence,
    SetDetect,
    SetFps,
    SetQuality,
    TakeSnapshot,
)
from edged.core.types import Quality
from edged.publish.commands import parse
from edged.publish.topics import CommandTopic

CAMERAS = frozenset({"front", "yard"})


def parse_for_front(setting: str, payload: bytes) -> Command:
    return parse(CommandTopic("front", setting), payload, CAMERAS)


@pytest.mark.parametrize(
    ("setting", "payload", "command"),
    [
        ("detect", b"ON", SetDetect("front", enabled=True)),
        ("detect", b"off", SetDetect("front", enabled=False)),
        ("detect", b"true", SetDetect("front", enabled=True)),
        ("detect", b" 0\n", SetDetect("front", enabled=False)),
        ("confidence", b"0.55", SetConfidence("front", 0.55)),
        ("confidence", b"1", SetConfidence("front", 1.0)),
        ("confidence", b"0.01", SetConfidence("front", 0.01)),
        ("fps", b"30", SetFps("front", 30.0)),
        ("fps", b"0.1", SetFps("front", 0.1)),
        ("quality", b"Low", SetQuality("front", Quality.LOW)),
        ("restart", b"PRESS", RestartCamera("front")),
        ("restart", b"", RestartCamera("front")),
        ("snapshot", b"PRESS", TakeSnapshot("front")),
    ],
)
def test_a_good_command_is_understood(setting: str, payload: bytes, command: Command) -> None:
    assert parse_for_front(setting, payload) == command


@pytest.mark.parametrize(
    ("setting", "payload", "why"),
    [
        ("detect", b"maybe", "expected ON or OFF, got 'maybe'"),
        ("detect", b"", "expected ON or OFF, got nothing"),
        ("detect", b"\xff\xfe\x00", r"expected ON or OFF, got '\\ufffd\\ufffd\\x00'"),
        ("confidence", b"0", "expected a number from 0.01 to 1, got '0'"),
        ("confidence", b"1.01", "expected a number from 0.01 to 1"),
        ("confidence", b"nan", "expected a number from 0.01 to 1"),
        ("confidence", b"-inf", "expected a number"),
        ("confidence", b"0,5", "expected a number"),
        ("quality", b"best", "expected one of auto, low, medium, high, got 'best'"),
        ("fps", b"31", "expected a number from 0.1 to 30, got '31'"),
        ("fps", b"", "expected a number from 0.1 to 30, got nothing"),
        ("fps", "٣".encode(), "expected a number"),
        ("fps", b"1" * 65, "the payload has 65 bytes"),
        ("fpz", b"5", "there is no setting 'fpz'; did you mean 'fps'"),
        ("reboot\n", b"", r"there is no setting 'reboot\\n'"),
    ],
)
def test_a_bad_command_is_refused_with_what_was_expected(setting: str, payload: bytes, why: str) -> None:
    with pytest.raises(RefusedError, match=why):
        parse_for_front(setting, payload)


def test_an_unknown_camera_is_refused_with_a_guess() -> None:
    with pytest.raises(RefusedError, match="there is no camera 'fron'; did you mean 'front'"):
        parse(CommandTopic("fron", "fps"), b"5", CAMERAS)
    with pytest.raises(RefusedError, match="there is no camera 'zzz'; known: front, yard"):
        parse(CommandTopic("zzz", "fps"), b"5", CAMERAS)


def test_the_box_itself_can_be_restarted_and_has_no_settings() -> None:
    assert parse(CommandTopic(None, "restart"), b"PRESS", CAMERAS) == RestartBox()
    with pytest.raises(RefusedError, match="of the whole box but restart; others are set per camera"):
        parse(CommandTopic(None, "detect"), b"ON", CAMERAS)
