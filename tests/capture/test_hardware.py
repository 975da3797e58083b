"""Hardware decoding where there is none: cameras must still work, and it must be said."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from edged.capture import CaptureOptions, hwprobe
from edged.capture.decoder import SOFTWARE
from edged.capture.hardware import _log_fallback, choose_hardware, probe_hardware
from tests.capture.conftest import PLAIN
from tests.parts.watching import Watcher

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.parts.clips import ClipSpec


@pytest.fixture(autouse=True)
def fresh() -> None:
    probe_hardware.cache_clear()
    _log_fallback.cache_clear()


def test_none_asks_nobody() -> None:
    assert choose_hardware("h264", "none") == SOFTWARE
    assert probe_hardware.cache_info().misses == 0


@pytest.mark.parametrize("wish", ["nonsense", "vaapi", "v4l2m2m"])
def test_what_does_not_work_falls_back_with_a_reason(wish: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    assert choose_hardware("h264", wish) == SOFTWARE
    assert choose_hardware("h264", wish) == SOFTWARE
    assert len(caplog.records) == 1
    assert f"decoding h264 in software: hardware '{wish}' does not work here ({wish}: " in caplog.text


def test_vaapi_is_named_as_missing_from_the_wheels() -> None:
    assert probe_hardware("h264", "vaapi") == "the PyAV wheels have no VAAPI"


def test_a_driver_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edged.capture.hardware.PROBE_TIMEOUT_S", 0.01)
    assert probe_hardware("h264", "cuda") == "no picture within 0.01 s"


@pytest.mark.parametrize("codec", ["h264", "hevc", "mjpeg"])
def test_the_probe_itself_can_succeed(codec: str) -> None:
    assert hwprobe.main(codec, SOFTWARE) == 0


def test_a_camera_with_hardware_that_is_not_there_works(clip: Callable[[ClipSpec], Path]) -> None:
    with Watcher(CaptureOptions(str(clip(PLAIN)), hardware="nonsense")) as watcher:
        watcher.wait_for_frames(3)
        assert watcher.stream.statistics().decoder == "h264"
