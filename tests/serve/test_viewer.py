"""Who joins gets all since the key frame, then each picture as it comes; who lags loses, nobody else."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

from edged.serve.channel import GOP_CAPACITY_BYTES, Channel
from edged.serve.viewer import BURST_BYTES, Playback
from edged.serve.webrtc.rtp import RtpPicture

if TYPE_CHECKING:
    from edged.serve.webrtc.peer import Peer

LARGE = BURST_BYTES + 1


class Sink:
    """A peer that only remembers."""

    def __init__(self) -> None:
        self.got: list[float] = []

    def send(self, picture: RtpPicture) -> None:
        self.got.append(picture.captured_s)


class Hands:
    """A clock that moves when it is told to."""

    now_s = 0.0

    def monotonic_s(self) -> float:
        return self.now_s

    def wall_s(self) -> float:
        return self.now_s


def picture(number: int, *, key: bool = False, size: int = 100) -> RtpPicture:
    return RtpPicture((b"x",), float(number), key, size)


def playback(sink: Sink, clock: Hands | None = None) -> Playback:
    return Playback(cast("Peer", sink), clock or Hands())


async def drained(sink: Sink, number: int) -> None:
    async with asyncio.timeout(2):
        while len(sink.got) < number:  # noqa: ASYNC110 - the timers of the playback are what is tested
            await asyncio.sleep(0.001)


async def test_who_joins_in_the_middle_gets_the_group_and_then_what_comes() -> None:
    channel, sink = Channel(), Sink()
    for number in range(5):
        channel.put(picture(number, key=number in {0, 2}))
    channel.add(playback(sink))
    channel.put(picture(5))
    assert sink.got == [2, 3, 4, 5]


async def test_a_large_group_goes_out_in_bursts_and_live_pictures_wait_their_turn() -> None:
    channel, sink = Channel(), Sink()
    for number in range(4):
        channel.put(picture(number, key=number == 0, size=LARGE))
    channel.add(playback(sink))
    assert sink.got == [0]
    channel.put(picture(4))
    await drained(sink, 5)
    assert sink.got == [0, 1, 2, 3, 4]


async def test_a_key_frame_makes_what_waits_needless() -> None:
    channel, sink = Channel(), Sink()
    for number in range(50):
        channel.put(picture(number, key=number == 0, size=LARGE))
    channel.add(playback(sink))
    channel.put(picture(50, key=True))
    channel.put(picture(51))
    assert sink.got == [0, 50, 51]


async def test_without_a_key_frame_nothing_is_shown() -> None:
    channel, sink = Channel(), Sink()
    channel.put(picture(0))
    channel.add(playback(sink))
    channel.put(picture(1))
    channel.put(picture(2, key=True))
    assert sink.got == [2]


async def test_a_viewer_that_lost_too_much_begins_again_once_a_second() -> None:
    channel, sink, clock = Channel(), Sink(), Hands()
    channel.put(picture(0, key=True))
    one = playback(sink, clock)
    channel.add(one)
    one.begin_again(channel.gop)
    clock.now_s = 1.5
    one.begin_again(channel.gop)
    one.begin_again(channel.gop)
    assert sink.got == [0, 0]


async def test_who_has_left_gets_nothing() -> None:
    channel, sink = Channel(), Sink()
    one = playback(sink)
    channel.add(one)
    channel.put(picture(0, key=True))
    channel.remove(one)
    one.end()
    channel.put(picture(1))
    assert sink.got == [0]


async def test_a_group_without_end_is_not_kept() -> None:
    channel = Channel()
    channel.put(picture(0, key=True, size=GOP_CAPACITY_BYTES))
    channel.put(picture(1))
    assert list(channel.gop) == []
    channel.put(picture(2, key=True))
    assert len(channel.gop) == 1


async def test_the_bit_rate_is_that_of_the_group_under_way() -> None:
    channel = Channel()
    channel.put(picture(0, key=True, size=1000))
    assert channel.bitrate_bps() is None
    channel.put(picture(1, size=1000))
    channel.put(picture(2, size=2000))
    assert channel.bitrate_bps() == 16_000
