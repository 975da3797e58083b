from __future__ import annotations

import dataclasses

import pytest

from edged.core import types
from edged.core.types import Packet, Size, StreamInfo, Track, TrackSource, TrackState

CLASSES = [each for each in vars(types).values() if isinstance(each, type) and dataclasses.is_dataclass(each)]


@pytest.mark.parametrize("kind", CLASSES, ids=lambda each: each.__name__)
def test_what_goes_between_the_stages_is_frozen_and_slotted(kind: type) -> None:
    assert vars(kind)["__dataclass_params__"].frozen
    assert "__slots__" in vars(kind)


def test_a_track_knows_its_middle_and_its_age() -> None:
    track = Track(7, "person", 0.9, (10, 20, 30, 60), TrackSource.BYTETRACK, TrackState.ACTIVE, 100.0, 112.5)
    assert track.center_px == (20.0, 40.0)
    assert track.age_s == 12.5


def test_a_size_reads_as_people_write_it() -> None:
    assert str(Size(1280, 720)) == "1280x720"


def test_a_packet_shows_no_bytes() -> None:
    stream = StreamInfo("h264", "High", Size(1280, 720), 25.0, extradata=b"\x01\x02")
    assert "\\x" not in repr(
        Packet(b"\x00\x00\x00\x01", is_key_frame=True, time_s=0, captured_s=0, stream=stream)
    )
