"""Units become payloads that a receiver puts together again, bit for bit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import av
import pytest
from aiortc.codecs.h264 import h264_depayload

from edged.capture.annexb import units
from edged.serve.webrtc.burst import _runs
from edged.serve.webrtc.h264 import MAX_PAYLOAD_BYTES, has_b_slice, payloads, profile_level_id
from tests.parts.clips import ClipSpec, annexb_packets

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

START = b"\x00\x00\x00\x01"
SPS, PPS = bytes.fromhex("6742e01f") + b"s" * 20, b"\x68" + b"p" * 6
AUD = b"\x09\xf0"


def idr(size: int) -> bytes:
    return b"\x65" + bytes(1 + number % 255 for number in range(size - 1))


@pytest.mark.parametrize("size", [10, 1178, 1179, 1180, 1181, 2357, 2358, 50_000])
def test_a_picture_survives_the_way(size: int) -> None:
    picture = [SPS, PPS, idr(size)]
    packed = payloads(picture)
    assert max(map(len, packed)) <= MAX_PAYLOAD_BYTES
    assert b"".join(h264_depayload(payload) for payload in packed) == b"".join(
        START + unit for unit in picture
    )


def test_delimiters_are_left_out() -> None:
    assert payloads([AUD, idr(10)]) == (idr(10),)


def test_fragments_are_equal_so_that_one_call_sends_them() -> None:
    sizes = {len(payload) for payload in payloads([idr(20_000)])[:-1]}
    assert sizes == {MAX_PAYLOAD_BYTES}
    assert [len(run) for run in _runs([b"12345", b"123", b"123", b"1", b"123"])] == [2, 2, 1]
    assert [len(run) for run in _runs([b"1", b"123", b"123"])] == [1, 2]
    assert [len(run) for run in _runs([b"123"] * 50)] == [44, 6]


def test_the_profile_is_read_from_the_sps() -> None:
    assert profile_level_id([AUD, SPS, PPS]) == "42e01f"
    assert profile_level_id([PPS]) is None


@pytest.mark.parametrize("b_frames", [0, 2])
def test_b_frames_are_found(clip: Callable[[ClipSpec], Path], b_frames: int) -> None:
    file = clip(ClipSpec(b_frames=b_frames, seconds=1.0))
    found = [has_b_slice(units(data)) for _, _, data in annexb_packets(file)]
    with av.open(str(file)) as container:
        kinds = [frame.pict_type for frame in container.decode(video=0)]
    assert sum(found) == sum(kind == av.video.frame.PictureType.B for kind in kinds)
    assert any(found) == bool(b_frames)


@pytest.mark.parametrize("rubbish", [[b"\x01"], [b"\x65"], [b"\x41\x00\x00"], [b"\x41" + b"\x00" * 40], []])
def test_rubbish_is_no_b_slice(rubbish: list[bytes]) -> None:
    assert not has_b_slice(rubbish)
