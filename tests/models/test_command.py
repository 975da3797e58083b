from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING

import pytest

from edged.cli import main

if TYPE_CHECKING:
    from pathlib import Path

    from tests.models.mirror import Mirror


@pytest.fixture(autouse=True)
def state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    folder = tmp_path / "state"
    monkeypatch.setenv("STATE_DIRECTORY", str(folder))
    return folder


def test_a_pulled_model_is_listed_and_ready_for_the_configuration(
    mirror: Mirror, state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["models", "pull", "yolox-nano", "--from", mirror.url]) == 0
    said = capsys.readouterr().out
    file = state / "models" / "yolox-nano.onnx"
    assert file.read_bytes() == mirror.data
    assert "yolox-raw, 416x256, 2 classes" in said
    assert tomllib.loads(said[said.index("[model]") :]) == {"model": {"file": str(file)}}

    assert main(["models", "list"]) == 0
    listed = capsys.readouterr().out
    assert "yolox-nano   installed\n" in listed
    assert f"  file     {file} (" in listed
    assert main(["models", "list", "--json"]) == 0
    known = {model["name"]: model for model in json.loads(capsys.readouterr().out)}
    assert known["yolox-nano"]["file"] == str(file)
    assert known["yolox-tiny"]["file"] is None


def test_the_list_says_all_that_a_choice_needs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "list"]) == 0
    said = capsys.readouterr().out
    for word in ("edged-demo", "yolox-nano", "yolox-tiny", "Apache-2.0", "416x416", "COCO 80", "demo scene"):
        assert word in said
    for word in ("edged models pull", "edged models check FILE", "yolo export model=", "AGPL-3.0"):
        assert word in said
    for word in ("https://github.com/Megvii-BaseDetection/YOLOX/releases/", "BGR, 0..255, padded with 114"):
        assert said.count(word) >= 2
    assert "yolox-nano\n" in said  # and not "installed"
    assert max(map(len, said.splitlines())) <= 120


def test_a_model_goes_where_it_is_told(mirror: Mirror, tmp_path: Path) -> None:
    pull = ["models", "pull", "yolox-nano", "--from", mirror.url, "--to"]
    assert main([*pull, str(tmp_path / "mine.onnx")]) == 0
    assert main([*pull, str(tmp_path)]) == 0
    assert (tmp_path / "mine.onnx").read_bytes() == mirror.data
    assert (tmp_path / "yolox-nano.onnx").read_bytes() == mirror.data


def test_what_fails_is_one_line_and_exit_1(mirror: Mirror, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "pull", "yolox-nano", "--from", mirror.url, "--sha256", "AB" * 32]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(f"edged: {mirror.url}: not the expected file")
    assert "ab" * 32 in said.err
    assert said.err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["yolox-nan"], "did you mean 'yolox-nano'?"),
        (["edged-demo"], "comes with edged: there is nothing to pull"),
        (["yolox-nano", "--sha256", "12"], "64 hexadecimal digits"),
        ([], "NAME"),
    ],
)
def test_wrong_usage_is_exit_2(arguments: list[str], hint: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["models", "pull", *arguments])
    assert ended.value.code == 2
    assert hint in capsys.readouterr().err
