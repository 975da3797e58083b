from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from edged.bench import recording as recordings
from edged.bench.floor import decode, inference_ms
from edged.bench.recording import record
from edged.capture import CaptureOptions
from edged.core.errors import CaptureError
from edged.core.types import Size
from edged.demo.stage import MODEL
from edged.detect import ModelOptions, load_model
from tests.parts.clips import ClipSpec

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.mark.parametrize("codec", ["libx264", "libx265"])
def test_a_recording_is_whole_groups_of_pictures_and_decodes_to_all_of_them(
    clip: Callable[[ClipSpec], Path], codec: str
) -> None:
    made = record(CaptureOptions(str(clip(ClipSpec(codec=codec)))), seconds=0.5)
    assert made.packets[0].is_keyframe
    assert len(made.packets) == 25  # the key frame interval of the clip
    assert made.fps == pytest.approx(25, rel=0.1)
    decoding = decode(made)
    assert decoding.size == Size(320, 180)
    assert 0 < decoding.picture_ms < 1000
    assert decode(made).size == decoding.size  # the same packets again


def test_what_cannot_be_decoded_is_said(clip: Callable[[ClipSpec], Path]) -> None:
    made = record(CaptureOptions(str(clip(ClipSpec()))), seconds=0.2)
    broken = replace(made, encoding=replace(made.encoding, codec="hevc"))
    with pytest.raises(CaptureError, match=r"no picture can be decoded \(hevc\)"):
        decode(broken)


def test_a_camera_without_a_key_frame_is_given_up(
    clip: Callable[[ClipSpec], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recordings, "PATIENCE_S", -1.0)
    with pytest.raises(CaptureError, match="no key frame within"):
        record(CaptureOptions(str(clip(ClipSpec()))), seconds=0.2)


def test_the_model_costs_something() -> None:
    assert 0 < inference_ms(load_model(ModelOptions(MODEL))) < 1000
