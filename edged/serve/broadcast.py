"""One camera on the air: its stream is held and its pictures are packed while anybody watches."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING

from edged.serve.channel import Channel
from edged.serve.feeds import PacketFeed

if TYPE_CHECKING:
    from edged.camera import Camera

log = logging.getLogger(__name__)


class Broadcast:
    """Sends a camera's pictures as they come; ``users`` holds who keeps it on the air."""

    def __init__(self, camera: Camera) -> None:
        self.camera = camera
        self.users: set[str] = set()
        self.channel = Channel()
        self.how = "as the camera sends it"
        self._stream = camera.open_video()
        self._feed = PacketFeed(self._stream, self.channel.put, self._on_unfit)

    def start(self) -> None:
        """Begin."""
        self._feed.start()

    async def stop(self) -> None:
        """End, and let go of the stream without holding up the loop."""
        self._feed.stop()
        await asyncio.to_thread(self.camera.close_video, self._stream)

    @property
    def profile(self) -> str | None:
        """Profile and level of what is sent; None before the first key frame."""
        return self._feed.profile

    async def wait_for_profile(self, timeout_s: float) -> None:
        """Wait until it is known what is sent, but not longer than ``timeout_s``."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._feed.has_profile.wait()

    def _on_unfit(self, why: str) -> None:
        self.how = f"not shown: {why}"
        log.warning("camera %s: no live picture: %s", self.camera.camera_id, why)
