from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from edged.detect import ModelOptions, load_model
from edged.models.known import KNOWN, known_model

if TYPE_CHECKING:
    from pathlib import Path


def test_every_name_stands_for_one_model() -> None:
    assert len({model.name for model in KNOWN}) == len(KNOWN)
    assert all(re.fullmatch(r"[a-z0-9-]+", model.name) for model in KNOWN)


@pytest.mark.parametrize("name", [model.name for model in KNOWN])
def test_every_model_comes_with_edged_or_from_its_makers(name: str) -> None:
    known = known_model(name)
    assert (known.bundled is None) != (known.url is None)
    assert known.url is None or known.url.startswith("https://")
    assert known.sha256 is None or re.fullmatch(r"[0-9a-f]{64}", known.sha256)


def test_a_name_is_found_whatever_its_case() -> None:
    assert known_model("YOLOX-Nano").title == "YOLOX-Nano"


@pytest.mark.parametrize(
    ("name", "hint"),
    [("yolox_nano", "did you mean 'yolox-nano'"), ("resnet", "known are edged-demo, yolox-nano, yolox-tiny")],
)
def test_an_unknown_name_is_answered_with_the_known_ones(name: str, hint: str) -> None:
    with pytest.raises(LookupError, match=hint):
        known_model(name)


def test_models_are_kept_in_the_state_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    assert known_model("yolox-tiny").file == tmp_path / "models" / "yolox-tiny.onnx"


def test_the_bundled_model_is_what_the_catalogue_says() -> None:
    known = known_model("edged-demo")
    if not known.file.is_file():
        pytest.skip(f"{known.file} is not there: python -m models.train makes it")
    detector = load_model(ModelOptions(known.file))
    assert detector.input_size == known.input_size
    assert known.classes == f"{len(detector.labels)}: {', '.join(detector.labels)}"
