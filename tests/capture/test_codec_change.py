"""A camera that is told to send another codec: it hangs up and comes back with that one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edged.capture import CaptureOptions
from edged.core.types import CameraState
from tests.capture.conftest import H265, PLAIN
from tests.parts.rtsp_server import RtspServer
from tests.parts.waiting import wait_for
from tests.parts.watching import Watcher

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.parts.clips import ClipSpec


def test_another_codec_is_followed(clip: Callable[[ClipSpec], Path], tmp_path: Path) -> None:
    (tmp_path / "h265").mkdir()
    before = RtspServer({"cam": clip(PLAIN)}, tmp_path)
    after = RtspServer({"cam": clip(H265)}, tmp_path / "h265")
    with before, Watcher(CaptureOptions(before.url("cam"))) as watcher:
        watcher.wait_for_frames(3)
        assert watcher.stream.statistics().stream.codec == "h264"  # type: ignore[union-attr]
        before.kill()
        after._config["port"] = before.port
        with after:
            wait_for(lambda: CameraState.LOST in watcher.states, 10, "the loss")
            watcher.wait_for_frames(3, 15)
            assert watcher.stream.statistics().stream.codec == "hevc"  # type: ignore[union-attr]
