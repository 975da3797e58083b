from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from edged.config import DetectSettings
from edged.config.overrides import Overrides

if TYPE_CHECKING:
    from pathlib import Path

CONFIGURED = DetectSettings(fps=5.0, confidence=0.4)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state" / "overrides.json"


def test_without_commands_the_configuration_holds(file: Path) -> None:
    assert Overrides(file).applied("front", CONFIGURED) == CONFIGURED
    assert not file.exists()


def test_a_value_holds_over_a_restart_and_for_its_camera_alone(file: Path) -> None:
    overrides = Overrides(file)
    overrides.set("front", "fps", 2.0, CONFIGURED)
    overrides.set("front", "enabled", False, CONFIGURED)
    for each in (overrides, Overrides(file)):
        front = each.applied("front", CONFIGURED)
        assert (front.fps, front.enabled, front.confidence) == (2.0, False, 0.4)
        assert each.applied("back", CONFIGURED) == CONFIGURED


def test_who_edits_the_file_means_it(file: Path) -> None:
    Overrides(file).set("front", "fps", 2.0, CONFIGURED)
    edited = DetectSettings(fps=10.0, confidence=0.4)
    assert Overrides(file).applied("front", edited) == edited
    assert Overrides(file).applied("front", CONFIGURED).fps == 2.0


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "3", '{"front": 3}', '{"front": {"fps": 3}}', '{"front": {"fps": {"x": 1}}}', "\xff"],
)
def test_a_broken_file_costs_the_values_and_not_the_start(
    file: Path, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    file.parent.mkdir()
    file.write_bytes(text.encode("latin-1"))
    overrides = Overrides(file)
    assert overrides.applied("front", CONFIGURED) == CONFIGURED
    assert "values set by commands are lost" in caplog.text
    overrides.set("front", "fps", 2.0, CONFIGURED)
    assert Overrides(file).applied("front", CONFIGURED).fps == 2.0


@pytest.mark.parametrize(("key", "value"), [("fps", "fast"), ("fps", 1e9), ("confidence", 7), ("enabled", 3)])
def test_a_value_that_no_command_could_have_set_is_left_out(file: Path, key: str, value: object) -> None:
    file.parent.mkdir()
    configured = getattr(CONFIGURED, key)
    file.write_text(json.dumps({"front": {key: {"value": value, "configured": configured}}}))
    assert Overrides(file).applied("front", CONFIGURED) == CONFIGURED


def test_what_cannot_be_written_is_said_and_holds_until_the_restart(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file.parent.write_text("a file where the folder should be")
    overrides = Overrides(file)
    overrides.set("front", "fps", 2.0, CONFIGURED)
    assert overrides.applied("front", CONFIGURED).fps == 2.0
    assert "the value is lost at the next restart" in caplog.text


def test_a_camera_stays_off_over_a_restart_until_the_file_says_something_new(file: Path) -> None:
    Overrides(file).enable("front", enabled=False, configured=True)
    again = Overrides(file)
    assert again.is_enabled("front", configured=True) is False
    assert again.is_enabled("front", configured=False) is False
    assert again.is_enabled("back", configured=True) is True
    assert again.applied("front", CONFIGURED) == CONFIGURED
    again.enable("front", enabled=True, configured=True)
    assert Overrides(file).is_enabled("front", configured=True) is True
