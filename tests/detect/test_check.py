from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import pytest

from edged.core.errors import ModelError
from edged.detect.check import check_model, report_json, report_lines
from edged.detect.model import ModelOptions
from tests.detect.synthetic import NAMES, YOLOX_RAW, colour_model

if TYPE_CHECKING:
    from pathlib import Path


def test_the_report_says_what_the_model_is_and_how_fast(tmp_path: Path) -> None:
    metadata = {**NAMES, "license": "Apache-2.0", "author": "us", "description": "squares"}
    path = colour_model(tmp_path / "squares.onnx", YOLOX_RAW, metadata=metadata)
    report = check_model(ModelOptions(path))
    assert report.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert report.size_bytes == path.stat().st_size
    assert 0 < report.inference_ms <= report.inference_p95_ms
    assert report.load_ms > 0
    assert report.cameras_per_core == pytest.approx(1000 / report.inference_ms / 5)
    lines = "\n".join(report_lines(report))
    for said in (
        str(path),
        "yolox-raw",
        "416x256 float32",
        "2: red, blue",
        "Apache-2.0",
        "squares",
        "us",
        "cpu",
    ):
        assert said in lines
    said_json = json.loads(json.dumps(report_json(report)))
    assert said_json["input"] == {"width": 416, "height": 256, "type": "float32"}
    assert said_json["labels"] == ["red", "blue"]
    assert said_json["licence"] == "Apache-2.0"


def test_what_the_file_does_not_state_is_not_made_up(tmp_path: Path) -> None:
    report = check_model(ModelOptions(colour_model(tmp_path / "squares.onnx", YOLOX_RAW)))
    lines = "\n".join(report_lines(report))
    assert "not stated in the file" in lines
    assert "author" not in lines
    assert report_json(report)["licence"] is None


def test_a_model_that_cannot_be_used_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such model file"):
        check_model(ModelOptions(tmp_path / "none.onnx"))


def test_a_known_model(test_data: Path) -> None:
    report = check_model(ModelOptions(test_data / "models" / "yolov8n_640.onnx"))
    lines = "\n".join(report_lines(report))
    assert "yolov8" in lines
    assert "80: person, bicycle, car" in lines
    assert "and 72 more" in lines
    assert "AGPL-3.0" in lines
