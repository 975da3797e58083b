"""A viewer that is no browser: aiortc as a WHEP player."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Self

from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError
from av import VideoFrame

if TYPE_CHECKING:
    import aiohttp
    from aiortc import MediaStreamTrack, RTCDataChannel

FIRST_PICTURE_S = 10.0


class Watcher:
    """Asks ``url`` for video, and for sound where ``has_audio``; counts pictures and track messages."""

    def __init__(self, http: aiohttp.ClientSession, url: str, *, has_audio: bool = False) -> None:
        self._http = http
        self._url = url
        self._has_audio = has_audio
        self._connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._reading: asyncio.Task[None] | None = None
        self.status = 0
        self.answer = ""
        self.headers: dict[str, str] = {}
        self.pictures = 0
        self.width = 0
        self.channel: RTCDataChannel | None = None
        self.messages: list[str] = []
        self.began_s = 0.0
        self.first_picture_s = 0.0
        self._has_picture = asyncio.Event()

    async def __aenter__(self) -> Self:
        await self.connect()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.leave()

    async def connect(self) -> None:
        """Offer, and take the answer if there is one."""
        connection = self._connection
        if self._has_audio:
            connection.addTransceiver("audio", direction="recvonly")
        connection.addTransceiver("video", direction="recvonly")
        channel = self.channel = connection.createDataChannel("tracks", ordered=False, maxRetransmits=0)
        channel.on("message", self.messages.append)
        connection.on("track", self._on_track)
        await connection.setLocalDescription(await connection.createOffer())
        self.began_s = time.monotonic()
        headers = {"Content-Type": "application/sdp"}
        async with self._http.post(
            self._url, data=connection.localDescription.sdp, headers=headers
        ) as response:
            self.status, self.answer = response.status, await response.text()
            self.headers = dict(response.headers)
        if self.status == 201:
            await connection.setRemoteDescription(RTCSessionDescription(self.answer, "answer"))

    async def wait_for_picture(self) -> float:
        """Seconds from the offer to the first picture."""
        await asyncio.wait_for(self._has_picture.wait(), FIRST_PICTURE_S)
        return self.first_picture_s - self.began_s

    async def leave(self) -> None:
        """Hang up, without a word over HTTP."""
        if self._reading:
            self._reading.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._reading
        await self._connection.close()

    def _on_track(self, track: MediaStreamTrack) -> None:
        if track.kind == "video":
            self._reading = asyncio.create_task(self._read(track))

    async def _read(self, track: MediaStreamTrack) -> None:
        with contextlib.suppress(MediaStreamError):
            while True:
                frame = await track.recv()
                assert isinstance(frame, VideoFrame)
                self.width = frame.width
                if not self.pictures:
                    self.first_picture_s = time.monotonic()
                    self._has_picture.set()
                self.pictures += 1
