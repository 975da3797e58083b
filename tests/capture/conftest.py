"""Cameras for the tests of capture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.parts.clips import ClipSpec
from tests.parts.rtsp_server import RtspServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

PLAIN = ClipSpec()
B_FRAMES = ClipSpec(b_frames=2)
H265 = ClipSpec(codec="libx265")
LARGER = ClipSpec(width=640, height=360, seconds=1)
STILL = ClipSpec(is_still=True, key_frame_interval=500)


@pytest.fixture(scope="session")
def cameras(
    clip: Callable[[ClipSpec], Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RtspServer]:
    """One server with a camera of every kind, for tests that do it no harm."""
    mounts: dict[str, Path | Sequence[Path] | dict[str, object]] = {
        "plain": clip(PLAIN),
        "b_frames": clip(B_FRAMES),
        "h265": clip(H265),
        "resizing": [clip(PLAIN), clip(LARGER)],
        "pattern": {"pattern": "mjpeg"},
    }
    with RtspServer(mounts, tmp_path_factory.mktemp("rtsp")) as server:
        yield server


@pytest.fixture
def own_camera(clip: Callable[[ClipSpec], Path], tmp_path: Path) -> Iterator[RtspServer]:
    """A server with one camera, ``cam``, that the test may kill and freeze."""
    with RtspServer({"cam": clip(PLAIN)}, tmp_path) as server:
        yield server
