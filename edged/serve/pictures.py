"""Single pictures and slow series of them for clients without WebRTC; decoded only while somebody asks."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import web

from edged.core.clock import SYSTEM_CLOCK
from edged.core.jpeg import QUALITY, encode
from edged.serve.drawing import draw_boxes, scaled
from edged.serve.snapshot import SnapshotError, Tap, newest_picture
from edged.serve.whep import RETRY_AFTER_S, camera_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from edged.camera import Camera
    from edged.config import WebRtcSettings
    from edged.core.types import TrackedFrame
    from edged.serve.snapshot import Shot

FRESH_S = 1.0
"""A picture this young is the newest for everybody who asks."""
BOXES_HOLD_S = 1.0
KEPT_PICTURES = 16
STREAM_FPS = 5.0
STREAM_STALLED_S = 10.0
SEND_S = 5.0
BOUNDARY = "frame"


@dataclass(frozen=True, slots=True)
class Variant:
    """How a picture is wanted."""

    width: int | None
    quality: int
    has_boxes: bool


class Pictures:
    """The routes ``frame.jpg`` and ``stream.mjpeg``; a picture is encoded once a variant, whoever asks."""

    def __init__(self, settings: WebRtcSettings, cameras: Callable[[], Mapping[str, Camera]]) -> None:
        self._settings = settings
        self._cameras = cameras
        self._shots: dict[str, asyncio.Task[Shot]] = {}
        self._encoded: dict[tuple[str, float, Variant], asyncio.Task[bytes]] = {}
        self._taps: dict[str, Tap] = {}
        self._streams = 0

    def routes(self) -> list[web.RouteDef]:
        """What the site is to serve."""
        return [
            web.get("/api/v1/cameras/{camera}/frame.jpg", self._get_frame),
            web.get("/api/v1/cameras/{camera}/stream.mjpeg", self._get_stream),
        ]

    async def _get_frame(self, request: web.Request) -> web.Response:
        camera, variant = camera_of(request, self._cameras()), _variant(request)
        try:
            shot = await self._newest(camera)
        except SnapshotError as error:
            raise web.HTTPServiceUnavailable(
                text=f"camera {camera.camera_id}: {error}\n", headers={"Retry-After": str(RETRY_AFTER_S)}
            ) from None
        kind = f"{variant.width or 0}-{variant.quality}-{variant.has_boxes:d}"
        tag = f'"{round(shot.captured_s * 1000):x}-{kind}"'
        headers = {"ETag": tag, "Cache-Control": "no-cache"}
        if tag in request.headers.get("If-None-Match", ""):
            return web.Response(status=304, headers=headers)
        return web.Response(
            body=await self._jpeg(camera, shot, variant), content_type="image/jpeg", headers=headers
        )

    async def _get_stream(self, request: web.Request) -> web.StreamResponse:
        camera, variant = camera_of(request, self._cameras()), _variant(request)
        if self._streams >= self._settings.max_viewers:
            raise web.HTTPServiceUnavailable(
                text=f"{self._streams} clients watch already: webrtc.max_viewers\n",
                headers={"Retry-After": str(RETRY_AFTER_S)},
            )
        self._streams += 1
        try:
            return await self._stream(request, camera, variant)
        finally:
            self._streams -= 1

    async def _stream(self, request: web.Request, camera: Camera, variant: Variant) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Cache-Control": "no-store"})
        response.content_type = f"multipart/x-mixed-replace;boundary={BOUNDARY}"
        async with self._tapped(camera) as tap:
            await response.prepare(request)
            with contextlib.suppress(TimeoutError, ConnectionError):
                while True:
                    async with asyncio.timeout(STREAM_STALLED_S):
                        shot = await tap.next()
                    jpeg = await self._jpeg(camera, shot, variant)
                    head = f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
                    async with asyncio.timeout(SEND_S):
                        await response.write(head.encode() + jpeg + b"\r\n")
        return response

    @contextlib.asynccontextmanager
    async def _tapped(self, camera: Camera) -> AsyncIterator[Tap]:
        """Have the camera's pictures decoded while anybody is inside."""
        tap = self._taps.get(camera.camera_id)
        if tap is None or tap.camera is not camera:
            tap = self._taps[camera.camera_id] = Tap(camera, STREAM_FPS)
        tap.users += 1
        try:
            yield tap
        finally:
            tap.users -= 1
            if not tap.users:
                if self._taps.get(camera.camera_id) is tap:
                    del self._taps[camera.camera_id]
                await tap.close()

    async def _newest(self, camera: Camera) -> Shot:
        """The picture of detection where that looks, of a stream that is tapped, or one decoded for this."""
        task = self._shots.get(camera.camera_id)
        is_fresh = task is not None and (not task.done() or _is_fresh(task))
        if task is None or not is_fresh:
            task = asyncio.create_task(newest_picture(camera, self._taps.get(camera.camera_id), FRESH_S))
            self._shots[camera.camera_id] = task
        return await asyncio.shield(task)

    async def _jpeg(self, camera: Camera, shot: Shot, variant: Variant) -> bytes:
        key = (camera.camera_id, shot.captured_s, variant)
        task = self._encoded.get(key)
        if task is None:
            task = asyncio.create_task(asyncio.to_thread(_encoded, shot, variant, camera.last))
            self._encoded[key] = task
            while len(self._encoded) > KEPT_PICTURES:
                del self._encoded[next(iter(self._encoded))]
        return await asyncio.shield(task)


def _is_fresh(task: asyncio.Task[Shot]) -> bool:
    if task.cancelled() or task.exception() is not None:
        return False
    return SYSTEM_CLOCK.monotonic_s() - task.result().taken_s < FRESH_S / 4


def _encoded(shot: Shot, variant: Variant, last: TrackedFrame | None) -> bytes:
    picture = scaled(shot.picture, variant.width)
    if variant.has_boxes and last and abs(last.frame.captured_s - shot.captured_s) < BOXES_HOLD_S:
        draw_boxes(picture, last.tracks, last.frame.size)
    return encode(picture, variant.quality)


def _variant(request: web.Request) -> Variant:
    query = request.query
    return Variant(
        width=_number(query["width"], "width", 16, 7680) if "width" in query else None,
        quality=_number(query.get("quality", str(QUALITY)), "quality", 1, 100),
        has_boxes=bool(_number(query.get("boxes", "0"), "boxes", 0, 1)),
    )


def _number(text: str, name: str, low: int, high: int) -> int:
    value = int(text) if text.isdecimal() and len(text) < 6 else -1  # noqa: PLR2004 - digits
    if not low <= value <= high:
        raise web.HTTPBadRequest(text=f"{name} is a whole number from {low} to {high}\n")
    return value
