"""``edged bench`` with a real daemon as its child, in little time."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from edged import cli
from edged.bench import daemon, measure
from edged.demo.stage import MODEL
from tests.parts.clips import ClipSpec

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

KEYS = {
    "edged",
    "sample",
    "cores",
    "seconds",
    "model",
    "cameras",
    "floor_ms_per_s",
    "daemon_ms_per_s",
    "ratio",
    "rss_bytes",
    "box_share",
    "carries",
    "advice",
}


@pytest.fixture(autouse=True)
def _in_little_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(daemon, "LOOKBACK_S", 0.5)
    monkeypatch.setattr(measure, "RECORD_S", 0.5)


@pytest.fixture
def config(tmp_path: Path, clip: Callable[[ClipSpec], Path]) -> Path:
    """Two cameras of one address, and a broker that nobody shall notice us at."""
    url = f"url = {json.dumps(str(clip(ClipSpec())))}"
    file = tmp_path / "edged.toml"
    file.write_text(
        f"[model]\nfile = {json.dumps(str(MODEL))}\n[mqtt]\nhost = '127.0.0.1'\nport = 1\n"
        f"[cameras.left]\n{url}\n[cameras.right]\n{url}\n[cameras.off]\n{url}\nenabled = false\n"
    )
    return file


def bench(*arguments: str) -> int:
    return cli.main(["bench", "--seconds", "1", *arguments])


def test_json_stands_on_stdout_alone_and_makes_sense(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench("--config", str(config), "--json") == 0
    said: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert set(said) == KEYS
    assert set(said["cameras"]) == {"left", "right"}
    left = said["cameras"]["left"]
    assert (left["codec"], left["width"], left["height"]) == ("h264", 320, 180)
    assert left["fps"] == pytest.approx(25, rel=0.1)
    assert left["fps_wanted"] == 5.0
    assert said["floor_ms_per_s"] > 0
    assert said["ratio"] > 0.5
    assert said["rss_bytes"] > 50_000_000
    assert said["model"]["inference_ms"] > 0
    assert [(row["width"], row["estimate"]) for row in said["carries"]] == [
        (320, False),
        (640, True),
        (1280, True),
        (1920, True),
    ]
    assert [each["detect_fps"] for each in said["carries"][0]["at"]] == [1.0, 2.0, 5.0, 10.0]
    assert said["advice"]


def test_a_person_gets_tables_and_advice(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench("--config", str(config)) == 0
    said, complaints = capsys.readouterr()
    assert "h264 320x180 25 fps" in said
    assert "~1920x1080" in said
    assert "2 cameras took" in said
    assert complaints == ""  # no bar where there is no terminal


def test_without_a_configuration_the_sample_is_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli, "DEFAULT_CONFIG", tmp_path / "nowhere.toml")
    monkeypatch.setenv("EDGED_DETECT__FPS", "not a number")  # a setting for the daemon, not for the sample
    assert bench("--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert said["sample"] is True
    assert set(said["cameras"]) == {"yard", "street"}


def test_a_camera_that_is_not_there_is_named(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config.write_text(config.read_text() + '[cameras.gone]\nurl = "/nowhere.mp4"\n')
    assert bench("--config", str(config)) == 1
    said = capsys.readouterr().err.splitlines()[-1]
    assert said == "edged: camera gone: /nowhere.mp4: there is no such file"


def test_a_configuration_without_cameras_cannot_be_measured(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config.write_text(config.read_text().partition("[cameras")[0])
    assert bench("--config", str(config)) == 1
    assert f"edged: {config}: there is no camera to measure" in capsys.readouterr().err


def test_a_wrong_configuration_is_one_as_everywhere(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench("--config", str(tmp_path / "none.toml")) == 78
    assert "no such file" in capsys.readouterr().err


def test_a_daemon_that_ends_is_reported_with_what_it_said_last(
    config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(measure.DAEMON_SETTINGS, "EDGED_DETECT__FPS", "0")
    assert bench("--config", str(config)) == 1
    assert "edged: the daemon that is measured has ended: edged: " in capsys.readouterr().err
