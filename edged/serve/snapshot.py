"""The newest picture of a camera: from detection, from a tap, or decoded for whoever asks."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import av
from av.error import FFmpegError

from edged.capture.picture import VideoPicture
from edged.core.clock import SYSTEM_CLOCK
from edged.core.mailbox import BoundedQueue, LatestSlot
from edged.core.types import CameraState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from av.video.codeccontext import VideoCodecContext

    from edged.camera import Camera
    from edged.capture import Stream
    from edged.core.types import Frame, Packet, Picture

KEY_FRAME_S = 10.0
QUEUED_PACKETS = 1024


class SnapshotError(Exception):
    """There is no picture to be had; the text says why."""


@dataclass(frozen=True, slots=True)
class Shot:
    """A picture, when its camera took it, and when we took it from there."""

    picture: Picture
    captured_s: float  # epoch
    taken_s: float  # monotonic


class Tap:
    """Has a camera's pictures decoded for as long as it is open; ``users`` counts for whom."""

    def __init__(self, camera: Camera, fps: float) -> None:
        self.camera = camera
        self.users = 0
        self.newest: Shot | None = None
        self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()
        self._slot: LatestSlot[Frame] = LatestSlot(self._wake)
        self._stream = camera.open_video()
        self._outlet = self._stream.subscribe_frames(fps, self._slot)

    async def next(self) -> Shot:
        """Wait for the next picture."""
        await self._news.wait()
        if self.newest is None:
            msg = "news without a picture"
            raise RuntimeError(msg)
        return self.newest

    async def close(self) -> None:
        """Have nothing more decoded."""
        self._stream.unsubscribe_frames(self._outlet)
        await asyncio.to_thread(self.camera.close_video, self._stream)

    def _wake(self) -> None:
        self._loop.call_soon_threadsafe(self._take)

    def _take(self) -> None:
        if frame := self._slot.take():
            self.newest = Shot(frame.picture, frame.captured_s, SYSTEM_CLOCK.monotonic_s())
            news, self._news = self._news, asyncio.Event()
            news.set()


async def newest_picture(camera: Camera, tap: Tap | None, fresh_s: float) -> Shot:
    """Return the newest picture; raises SnapshotError where the camera gives none."""
    if camera.status.state is not CameraState.STREAMING:
        status = camera.status
        msg = f"{status.state.value}: {status.reason}"
        raise SnapshotError(msg)
    now_s = SYSTEM_CLOCK.monotonic_s()
    if tap and tap.newest and now_s - tap.newest.taken_s < fresh_s:
        return tap.newest
    last = camera.last
    if last and now_s - last.frame.captured_monotonic_s < fresh_s:
        return Shot(last.frame.picture, last.frame.captured_s, now_s)
    stream = camera.open_video()
    try:
        packets = await _group_under_way(stream)
        return await asyncio.to_thread(_last_picture, packets)
    finally:
        await asyncio.to_thread(camera.close_video, stream)


async def _group_under_way(stream: Stream) -> Sequence[Packet]:
    """The packets since the last key frame; waits for one where the stream has only just begun."""
    loop, news = asyncio.get_running_loop(), asyncio.Event()

    def wake() -> None:
        loop.call_soon_threadsafe(news.set)

    queue: BoundedQueue[Packet] = BoundedQueue(QUEUED_PACKETS, wake)
    packets = stream.subscribe_packets(queue.put)
    try:
        if packets:
            return packets
        async with asyncio.timeout(KEY_FRAME_S):
            while True:
                await news.wait()
                news.clear()
                if found := [packet for packet in queue.take_all() if packet.is_key_frame]:
                    return found[-1:]
    except TimeoutError:
        msg = f"no key frame within {KEY_FRAME_S:g} s"
        raise SnapshotError(msg) from None
    finally:
        stream.unsubscribe_packets(queue.put)


def _last_picture(packets: Sequence[Packet]) -> Shot:
    """Decode a group of pictures for its last one; every picture before is needed for that."""
    context = cast("VideoCodecContext", av.CodecContext.create(packets[0].stream.codec, "r"))
    context.thread_count = 1
    newest = None
    for data in (*(packet.data for packet in packets), None):
        try:
            frames = context.decode(av.Packet(data) if data is not None else None)
        except (FFmpegError, OSError, ValueError):
            continue
        newest = frames[-1] if frames else newest
    if newest is None:
        msg = "its picture cannot be decoded"
        raise SnapshotError(msg)
    return Shot(VideoPicture(newest), packets[-1].captured_s, SYSTEM_CLOCK.monotonic_s())
