from __future__ import annotations

from typing import Any

import pytest

from edged.control import verbs
from edged.tui.steps import stepped
from edged.tui.typed import (
    Act,
    Change,
    GoTo,
    LookAt,
    NotUnderstoodError,
    Run,
    Typed,
    suggestions,
    understand,
)

VIEWS, CAMERAS = ("overview", "logs"), ("porch", "yard")


def read(command: str, chosen: str | None = "porch") -> Typed:
    return understand(command, chosen, views=VIEWS, cameras=CAMERAS)


@pytest.mark.parametrize(
    ("command", "meaning"),
    [
        ("logs", GoTo("logs")),
        ("reload", Run("app.reload")),
        ("restart", Act("restart", "porch")),
        ("restart yard", Act("restart", "yard")),
        ("camera yard", LookAt("yard", with_preview=False)),
        ("preview", LookAt("porch", with_preview=True)),
        ("set fps 2", Change(verbs.FPS, "porch", "2")),
        ("set yard quality low", Change(verbs.QUALITY, "yard", "low")),
        ("detect yard off", Change(verbs.DETECT, "yard", "off")),
    ],
)
def test_commands(command: str, meaning: Typed) -> None:
    assert read(command) == meaning


@pytest.mark.parametrize(
    ("command", "text"),
    [
        ("relaod", "there is no command relaod; did you mean reload?"),
        ("xyzzy", "known: overview, logs, reload"),
        ("restart prch", "there is no camera prch"),
        ("set yard", "for example: set porch fps 5"),
        ("set yard colour red", "for example: set porch fps 5"),
    ],
)
def test_what_is_not_understood_says_what_would_be(command: str, text: str) -> None:
    with pytest.raises(NotUnderstoodError, match=text[:20]) as caught:
        read(command)
    assert text in str(caught.value)


def test_without_a_camera_one_is_asked_for() -> None:
    with pytest.raises(NotUnderstoodError, match="which camera"):
        read("restart", None)


def test_what_is_suggested_is_understood() -> None:
    for command in suggestions(VIEWS, CAMERAS):
        read(f"{command}1" if command.startswith("set") else command)


@pytest.mark.parametrize(
    ("setting", "value", "steps", "then"),
    [
        ("confidence", 0.4, 1, 0.45),
        ("confidence", 0.05, -1, 0.05),
        ("confidence", 1.0, 1, 1.0),
        ("fps", 0.1, 1, 1.0),
        ("fps", 1.0, -1, 0.1),
        ("fps", 30.0, 1, 30.0),
        ("quality", "auto", 1, "high"),
        ("quality", "low", 1, "auto"),
    ],
)
def test_steps(setting: str, value: Any, steps: int, then: object) -> None:
    assert stepped({setting: value}, setting, steps) == then
