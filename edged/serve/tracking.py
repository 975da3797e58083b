"""The tracks payload over WebSockets, for clients without WebRTC."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from aiohttp import WSMsgType, web

from edged.core.mailbox import BoundedQueue
from edged.serve.whep import RETRY_AFTER_S, camera_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from edged.camera import Camera
    from edged.config import WebRtcSettings
    from edged.serve.tracks import TrackNews

QUEUED_PAYLOADS = 8
SEND_S = 5.0
PING_EVERY_S = 10.0
MAX_MESSAGE_BYTES = 1024


class Tracking:
    """The route ``/ws/tracking/<camera>``."""

    def __init__(
        self, tracks: TrackNews, settings: WebRtcSettings, cameras: Callable[[], Mapping[str, Camera]]
    ) -> None:
        self._tracks = tracks
        self._settings = settings
        self._cameras = cameras
        self._clients = 0

    def routes(self) -> list[web.RouteDef]:
        """What the site is to serve."""
        return [web.get("/ws/tracking/{camera}", self._get)]

    async def _get(self, request: web.Request) -> web.StreamResponse:
        camera = camera_of(request, self._cameras())
        if self._clients >= self._settings.max_viewers:
            raise web.HTTPServiceUnavailable(
                text=f"{self._clients} clients follow already: webrtc.max_viewers\n",
                headers={"Retry-After": str(RETRY_AFTER_S)},
            )
        socket = web.WebSocketResponse(timeout=SEND_S, heartbeat=PING_EVERY_S, max_msg_size=MAX_MESSAGE_BYTES)
        await socket.prepare(request)
        self._clients += 1
        try:
            await self._follow(camera.camera_id, socket)
        finally:
            self._clients -= 1
        return socket

    async def _follow(self, camera_id: str, socket: web.WebSocketResponse) -> None:
        """Pass payloads on until the client leaves or does not read; a slow one gets the newest."""
        news = asyncio.Event()
        queue: BoundedQueue[str] = BoundedQueue(QUEUED_PAYLOADS, news.set)
        forget = self._tracks.subscribe(camera_id, queue.put)
        listening = asyncio.create_task(_listen(socket))
        listening.add_done_callback(lambda _: news.set())
        try:
            while not listening.done():
                await news.wait()
                news.clear()
                for text in queue.take_all():
                    async with asyncio.timeout(SEND_S):
                        await socket.send_str(text)
        except (TimeoutError, ConnectionError):
            pass
        finally:
            forget()
            listening.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await listening


async def _listen(socket: web.WebSocketResponse) -> None:
    """Take what the client says, which is nothing, until it leaves."""
    async for message in socket:
        if message.type is WSMsgType.ERROR:
            return
