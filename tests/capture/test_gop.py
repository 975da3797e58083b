from __future__ import annotations

import av

from edged.capture.gop import GopCache, StampedPacket
from edged.capture.timeline import Stamp
from edged.core.types import Size, StreamInfo

SETS = b"\x00\x00\x00\x01\x67\x42\x00\x1f\x00\x00\x00\x01\x68\xce\x3c\x80"
SLICE = b"\x00\x00\x00\x01\x65\x88\x84"
STREAM = StreamInfo("h264", "Main", Size(320, 180), 25, extradata=SETS)


def packet(data: bytes = SLICE, *, is_key_frame: bool = False, time_s: float = 0.0) -> StampedPacket:
    raw = av.Packet(data)
    raw.is_keyframe = is_key_frame
    return StampedPacket(raw, Stamp(time_s, 1000 + time_s, time_s), STREAM)  # type: ignore[arg-type]


def test_keeps_from_the_last_key_frame_on() -> None:
    cache = GopCache()
    for index in range(12):
        cache.add(packet(is_key_frame=index in {2, 8}, time_s=index))
    assert [kept.time_s for kept in cache.packets()] == [8, 9, 10, 11]


def test_keeps_nothing_before_a_key_frame() -> None:
    cache = GopCache()
    cache.add(packet())
    assert cache.packets() == ()


def test_a_group_that_is_too_large_is_not_kept_at_all() -> None:
    cache = GopCache(capacity_bytes=10)
    cache.add(packet(is_key_frame=True))
    cache.add(packet())
    cache.add(packet())
    assert cache.packets() == ()
    cache.add(packet(is_key_frame=True))
    assert len(cache.packets()) == 1


def test_a_key_frame_is_given_the_parameter_sets_it_lacks() -> None:
    assert packet(is_key_frame=True).packet().data == SETS + SLICE
    assert packet(SETS + SLICE, is_key_frame=True).packet().data == SETS + SLICE
    assert packet().packet().data == SLICE
