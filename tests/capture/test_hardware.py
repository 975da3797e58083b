"""Hardware decoding where there is none: cameras must still work, and it must be said."""

from __future__ import annotations

import logging
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from edged.capture import CaptureOptions, hwprobe
from edged.capture.decoder import SOFTWARE, Decoder, Encoding
from edged.capture.hardware import _candidates, _log_fallback, choose_hardware, probe_hardware
from edged.core.errors import CaptureError
from edged.core.types import CameraState
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


@pytest.mark.parametrize("wish", ["nonsense", "vaapi", "v4l2m2m", "amf"])
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


def test_pictures_from_software_do_not_pass_for_hardware() -> None:
    """PyAV has a name for it, no decoder that uses it, and decodes in software without a word."""
    with pytest.raises(CaptureError, match="no decoder for h264 with amf"):
        Decoder(Encoding("h264"), "amf")


def test_auto_tries_what_can_decode_this_codec() -> None:
    assert "cuda" in _candidates("h264")
    assert "amf" not in _candidates("h264")
    assert _candidates("rawvideo") == []


def test_many_cameras_try_it_once(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    tries: list[str] = []

    def try_it(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        tries.append(command[-1])
        threading.Event().wait(0.05)  # long enough for the others to want it, too
        return subprocess.CompletedProcess(command, 1, "", "no")

    monkeypatch.setattr("edged.capture.hardware.subprocess.run", try_it)
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(choose_hardware, ["h264"] * 32, ["cuda"] * 32)) == {SOFTWARE}
    assert tries == ["cuda"]
    assert len(caplog.records) == 1


def test_the_time_it_takes_is_not_the_fault_of_the_camera(
    clip: Callable[[ClipSpec], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def try_it(_codec: str, _wish: str) -> str:
        threading.Event().wait(1.5)  # it takes longer than the camera may be silent
        return SOFTWARE

    monkeypatch.setattr("edged.capture.connection.choose_hardware", try_it)
    with Watcher(CaptureOptions(str(clip(PLAIN)), read_timeout_s=1, hardware="auto")) as watcher:
        watcher.wait_for_state(CameraState.STREAMING)
        assert watcher.states == [CameraState.CONNECTING, CameraState.STREAMING]


@pytest.mark.parametrize("codec", ["h264", "hevc", "mjpeg"])
def test_the_probe_itself_can_succeed(codec: str) -> None:
    assert hwprobe.main(codec, SOFTWARE) == 0


def test_a_camera_with_hardware_that_is_not_there_works(clip: Callable[[ClipSpec], Path]) -> None:
    with Watcher(CaptureOptions(str(clip(PLAIN)), hardware="nonsense")) as watcher:
        watcher.wait_for_frames(3)
        assert watcher.stream.statistics().decoder == "h264"
