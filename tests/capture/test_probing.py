from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from edged.capture import CaptureOptions, probe
from edged.core.errors import CaptureError, CaptureFault
from edged.core.types import Size
from tests.capture.conftest import PLAIN
from tests.parts.clips import ClipSpec

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.parts.rtsp_server import RtspServer

AUDIBLE = ClipSpec(audio=True)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mount", "codec", "has_b_frames", "obstacle"),
    [
        ("plain", "h264", False, None),
        ("b_frames", "h264", True, "B-frames"),
        ("h265", "hevc", False, "this is hevc"),
        ("pattern", "mjpeg", False, "this is mjpeg"),
    ],
)
def test_says_what_a_camera_sends(
    mount: str, codec: str, *, has_b_frames: bool, obstacle: str | None, cameras: RtspServer
) -> None:
    report = probe(CaptureOptions(cameras.url(mount)), 2.5 if mount == "plain" else 1.5)
    assert report.stream.codec == codec
    assert report.has_b_frames is has_b_frames
    assert report.browser_passthrough is (obstacle is None)
    assert (obstacle or "") in (report.browser_obstacle or "")
    assert report.fps_measured == pytest.approx(25, rel=0.1)
    assert report.bit_rate_kbps > 0
    assert report.picture.bgr().astype(np.float32).std() > 1
    if mount == "plain":
        assert report.stream.size.width == PLAIN.width
        assert report.key_frame_interval_s == pytest.approx(1.0, abs=0.1)
        assert report.stream.profile == "Constrained Baseline"


def test_a_file_as_the_camera(clip: Callable[[ClipSpec], Path]) -> None:
    report = probe(CaptureOptions(str(clip(AUDIBLE))), 0.5)
    assert report.stream.fps == PLAIN.fps
    assert report.stream.extradata.startswith(b"\x00\x00\x00\x01\x67")
    assert report.browser_passthrough


def test_says_why_there_is_none(cameras: RtspServer) -> None:
    with pytest.raises(CaptureError, match=r"/nothing: the camera has no such stream \(404\)") as failure:
        probe(CaptureOptions(cameras.url("nothing")))
    assert failure.value.fault is CaptureFault.REFUSED


def test_undecodable(undecodable_camera: RtspServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edged.capture.probing.KEY_FRAME_PATIENCE_S", 1.0)
    with pytest.raises(CaptureError, match="no picture can be decoded"):
        probe(CaptureOptions(undecodable_camera.url("cam")))


@pytest.mark.parametrize("codec", ["libx264", "libx265"])
def test_a_file_can_be_looked_at(clip: Callable[[ClipSpec], Path], codec: str) -> None:
    report = probe(CaptureOptions(str(clip(ClipSpec(codec=codec)))), 0.2)
    assert report.stream.size == Size(320, 180)
    assert report.stream.extradata.startswith(b"\x00\x00\x00\x01")
    assert report.decode_errors == 0
