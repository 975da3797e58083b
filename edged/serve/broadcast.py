"""One camera on the air: its streams are held and its pictures packed while anybody watches."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING

from edged.core.types import Quality
from edged.serve.channel import Channel
from edged.serve.encoder import EncodedFeed
from edged.serve.feeds import PacketFeed
from edged.serve.quality import PRESETS

if TYPE_CHECKING:
    from edged.camera import Camera
    from edged.capture import Stream
    from edged.serve.feeds import Feed
    from edged.serve.viewer import Playback

log = logging.getLogger(__name__)

DIRECT = "as the camera sends it"


class Broadcast:
    """Sends a camera's pictures as they come, and encoded again for who needs that.

    ``users`` holds who keeps it on the air. Each quality that is encoded runs while it has viewers.
    """

    def __init__(self, camera: Camera) -> None:
        self.camera = camera
        self.users: set[str] = set()
        self._unfit: str | None = None
        self._stream = camera.open_video()
        self._direct = Channel()
        self._packets = PacketFeed(self._stream, self._direct.put, self._on_unfit)
        self._encoded: dict[Quality, _Encoded] = {}
        self._places: dict[Playback, Quality] = {}

    @property
    def how(self) -> str:
        """Say what goes out, and why it is not simply what comes in."""
        if self._unfit:
            return f"encoded again: {self._unfit}"
        names = [quality.value for quality, each in self._encoded.items() if each.is_encoding]
        return f"{DIRECT}; encoded again: {', '.join(names)}" if names else DIRECT

    @property
    def profile(self) -> str | None:
        """Profile and level of what the camera sends; None where that is not known or not sent on."""
        return None if self._unfit else self._packets.profile

    def start(self) -> None:
        """Begin."""
        self._packets.start()

    async def stop(self) -> None:
        """End, and let go of every stream without holding up the loop."""
        self._packets.stop()
        for playback in list(self._places):
            self.leave(playback)
        await asyncio.to_thread(self.camera.close_video, self._stream)

    async def wait_for_profile(self, timeout_s: float) -> None:
        """Wait until it is known what is sent, but not longer than ``timeout_s``."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._packets.has_profile.wait()

    def bitrate_bps(self) -> float | None:
        """What the camera's own pictures take; None while that is not known."""
        return self._direct.bitrate_bps()

    def join(self, playback: Playback, quality: Quality) -> None:
        """Supply ``playback`` from now on, wherever it was before."""
        if quality is Quality.AUTO and self._unfit:
            quality = Quality.HIGH
        if self._places.get(playback) is quality:
            return
        old = self._channel(self._places[playback]) if playback in self._places else None
        channel = self._opened(quality)
        self._places[playback] = quality
        if old:
            old.remove(playback)
        channel.add(playback)
        self._close_unwatched()

    def leave(self, playback: Playback) -> None:
        """Supply it no more."""
        quality = self._places.pop(playback, None)
        if quality is not None:
            self._channel(quality).remove(playback)
            self._close_unwatched()

    def begin_again(self, playback: Playback) -> None:
        """Give it what it needs to show pictures again."""
        if playback in self._places:
            playback.begin_again(self._channel(self._places[playback]).gop)

    def _channel(self, quality: Quality) -> Channel:
        return self._direct if quality is Quality.AUTO else self._encoded[quality].channel

    def _opened(self, quality: Quality) -> Channel:
        if quality is not Quality.AUTO and quality not in self._encoded:
            self._encoded[quality] = _Encoded(self.camera, self._stream, quality)
        return self._channel(quality)

    def _close_unwatched(self) -> None:
        for quality in self._encoded.keys() - set(self._places.values()):
            self._encoded.pop(quality).close()

    def _on_unfit(self, why: str) -> None:
        self._unfit = why
        log.info("camera %s: live pictures are encoded again: %s", self.camera.camera_id, why)
        for playback, quality in list(self._places.items()):
            if quality is Quality.AUTO:
                self.join(playback, Quality.AUTO)


class _Encoded:
    """One quality of one camera; the lowest comes from the camera's own small stream, if that is fit."""

    def __init__(self, camera: Camera, stream: Stream, quality: Quality) -> None:
        self.channel = Channel()
        self._camera = camera
        self._main = stream
        self._quality = quality
        self._small = camera.open_substream() if quality is Quality.LOW else None
        self._feed: Feed = (
            PacketFeed(self._small, self.channel.put, self._on_unfit) if self._small else self._encoder()
        )
        self._feed.start()

    @property
    def is_encoding(self) -> bool:
        """Whether pictures are encoded, and not those of the small stream."""
        return isinstance(self._feed, EncodedFeed)

    def close(self) -> None:
        """End; the small stream is let go of in a thread, for a camera may be slow to hang up."""
        self._feed.stop()
        if self._small:
            loop = asyncio.get_running_loop()
            loop.run_in_executor(None, self._camera.close_video, self._small)

    def _encoder(self) -> EncodedFeed:
        log.info("camera %s: encoding again in %s quality", self._camera.camera_id, self._quality.value)
        return EncodedFeed(self._main, PRESETS[self._quality], self.channel.put)

    def _on_unfit(self, _why: str) -> None:
        self._feed = self._encoder()
        self._feed.start()
