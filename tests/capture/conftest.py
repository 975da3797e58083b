"""Cameras for the tests of capture."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from tests.parts.clips import PACKET_HEADER, ClipSpec, write_packet_file
from tests.parts.rtsp_server import RtspServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

PLAIN = ClipSpec()
B_FRAMES = ClipSpec(b_frames=2)
H265 = ClipSpec(codec="libx265")
LARGER = ClipSpec(width=640, height=360, seconds=1)
STILL = ClipSpec(is_still=True, key_frame_interval=1)


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


def hold_back(packets: Path, *, from_number: int) -> bytes:
    """Have the pictures from that one on be sent an hour later; returns the data of the one before it."""
    head, _, data = packets.read_bytes().partition(b"\n")
    held, at, last = bytearray(head + b"\n"), 0, b""
    for number in itertools.count():
        if at >= len(data):
            break
        pts, dts, size = PACKET_HEADER.unpack_from(data, at)
        late_ns = 3600 * 10**9 if number >= from_number else 0
        picture = data[at + PACKET_HEADER.size : at + PACKET_HEADER.size + size]
        held += PACKET_HEADER.pack(pts + late_ns, dts + late_ns, size) + picture
        last = last if late_ns else picture
        at += PACKET_HEADER.size + size
    packets.write_bytes(held)
    return last


def spoil(packets: Path, *, from_s: float, kept: float = 0.0) -> dict[str, object]:
    """Fill every slice after ``from_s`` with rubbish from ``kept`` of its length on.

    The parameter sets and the times stay as they are.
    """
    head, _, data = packets.read_bytes().partition(b"\n")
    spoilt = bytearray(head + b"\n")
    at = 0
    while at < len(data):
        pts, dts, size = PACKET_HEADER.unpack_from(data, at)
        picture = bytearray(data[at + PACKET_HEADER.size : at + PACKET_HEADER.size + size])
        if dts >= from_s * 1e9:
            slice_at = max(picture.rfind(b"\x00\x00\x01\x65"), picture.rfind(b"\x00\x00\x01\x41"))
            spoilt_at = slice_at + 4 + int((len(picture) - slice_at - 4) * kept)
            picture[spoilt_at:] = b"\xa5" * (len(picture) - spoilt_at)
        spoilt += PACKET_HEADER.pack(pts, dts, len(picture)) + picture
        at += PACKET_HEADER.size + size
    packets.write_bytes(spoilt)
    return {"packets": str(packets)}


@pytest.fixture
def undecodable_camera(clip: Callable[[ClipSpec], Path], tmp_path: Path) -> Iterator[RtspServer]:
    """``cam`` sends packets that look right, and none can be decoded."""
    packets = write_packet_file(tmp_path / "spoilt.packets", [clip(PLAIN)])
    with RtspServer({"cam": spoil(packets, from_s=0)}, tmp_path) as server:
        yield server


@pytest.fixture
def damaging_camera(clip: Callable[[ClipSpec], Path], tmp_path: Path) -> Iterator[RtspServer]:
    """``cam`` sends one good second, then pictures of which each is half rubbish."""
    packets = write_packet_file(tmp_path / "spoilt.packets", [clip(PLAIN)] * 3)
    with RtspServer({"cam": spoil(packets, from_s=1, kept=0.5)}, tmp_path) as server:
        yield server


@pytest.fixture
def spoiling_camera(clip: Callable[[ClipSpec], Path], tmp_path: Path) -> Iterator[RtspServer]:
    """``cam`` sends one good second, then packets that cannot be decoded."""
    packets = write_packet_file(tmp_path / "spoilt.packets", [clip(PLAIN)] * 3)
    with RtspServer({"cam": spoil(packets, from_s=1)}, tmp_path) as server:
        yield server
