"""The HTTP listener and its routes."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import ssl
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING

from aiohttp import web

from edged.core.errors import ListenError
from edged.health import problems
from edged.publish import payloads
from edged.serve.access import Access
from edged.serve.live import Live
from edged.serve.metrics import CONTENT_TYPE, exposition
from edged.serve.overview import overview
from edged.serve.pictures import Pictures
from edged.serve.tracking import Tracking
from edged.serve.whep import Whep, camera_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from edged.camera import Camera
    from edged.config import HttpSettings, WebRtcSettings
    from edged.core.types import Health

log = logging.getLogger(__name__)

MAX_BODY_BYTES = 64 * 1024
PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline';"
    " connect-src 'self'; img-src 'self' data: blob:; media-src blob:; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'self'",
    "Cache-Control": "no-cache",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


@dataclass(frozen=True, slots=True)
class Box:
    """What the site shows and switches; each is called in the loop, but for the last."""

    health: Callable[[], Health]
    is_overloaded: Callable[[], bool]
    cameras: Callable[[], Mapping[str, Camera]]
    set_detect: Callable[[str, bool], Awaitable[None]]
    event_picture: Callable[[str], bytes | None]  # reads a file, so not in the loop


class Site:
    """Serves the live page and everything it needs, health and metrics; with a token to who shows it."""

    def __init__(
        self, settings: HttpSettings, webrtc: WebRtcSettings, box: Box, more: Iterable[web.RouteDef] = ()
    ) -> None:
        self.settings = settings
        self.live = Live(webrtc, box.cameras, box.is_overloaded)
        self._webrtc = webrtc
        self._box = box
        self._more = tuple(more)
        self._access = Access(settings)
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """Where the site is."""
        host = f"[{self.settings.host}]" if ":" in self.settings.host else self.settings.host
        scheme = "https" if self.settings.cert_file else "http"
        return f"{scheme}://{host}:{self.settings.port}"

    async def start(self) -> None:
        """Listen; raises ListenError when the address or the certificate cannot be used."""
        tls = self._tls()
        app = web.Application(client_max_size=MAX_BODY_BYTES, middlewares=[self._access.guard])
        app.add_routes(self._routes())
        app.add_routes(self._more)
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=0.5)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self.settings.host, self.settings.port, ssl_context=tls).start()
        except OSError as error:
            await self._runner.cleanup()
            # asyncio's own text repeats the address; a name that is not known has no error number.
            number = error.errno or 0
            reason = os.strerror(number) if number in errno.errorcode else str(error)
            msg = f"http: cannot listen on {self.url}: {reason}: free it, or change http.host or http.port"
            raise ListenError(msg) from None
        log.info("live page, health and metrics on %s", self.url)

    async def stop(self) -> None:
        """End every session, and close the listener and every connection."""
        await self.live.close()
        if self._runner:
            await self._runner.cleanup()

    def _routes(self) -> list[web.RouteDef]:
        cameras = self._box.cameras
        return [
            web.get("/", self._get_page),
            web.post("/login", self._access.login),
            web.post("/logout", self._access.logout),
            web.get("/live.json", self._get_live),
            web.get("/health", self._get_health),
            web.get("/metrics", self._get_metrics),
            web.get("/api/v1/events/{event}/snapshot.jpg", self._get_event_picture),
            web.post("/api/v1/cameras/{camera}/detect", self._post_detect),
            *Whep(self.live, self._webrtc, cameras).routes(),
            *Pictures(self._webrtc, cameras).routes(),
            *Tracking(self.live.tracks, self._webrtc, cameras).routes(),
        ]

    def _tls(self) -> ssl.SSLContext | None:
        cert, key = self.settings.cert_file, self.settings.key_file
        if cert is None or key is None:
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        try:
            context.load_cert_chain(cert, key)
        except OSError as error:  # ssl.SSLError is one
            reason = error.strerror or str(error)
            msg = f"http: {cert} and {key} are no certificate and its key: {reason}"
            raise ListenError(msg) from None
        return context

    async def _get_page(self, _request: web.Request) -> web.Response:
        await self.live.warm_up()  # who opens the page is about to watch
        return web.Response(body=_page(), content_type="text/html", charset="utf-8", headers=PAGE_HEADERS)

    async def _get_live(self, _request: web.Request) -> web.Response:
        body = overview(
            self._box.health(), self._box.cameras(), self._webrtc, needs_token=self._access.needs_token
        )
        return web.json_response(body, headers={"Cache-Control": "no-store"})

    async def _post_detect(self, request: web.Request) -> web.Response:
        camera = camera_of(request, self._box.cameras())
        try:
            wish = await request.json()
            is_enabled = wish["value"]
        except (ValueError, TypeError, KeyError):
            is_enabled = None
        if not isinstance(is_enabled, bool):
            raise web.HTTPBadRequest(text='expected {"value": true} or {"value": false}\n')
        await self._box.set_detect(camera.camera_id, is_enabled)
        return web.json_response({"enabled": camera.detect.enabled})

    async def _get_event_picture(self, request: web.Request) -> web.Response:
        jpeg = await asyncio.to_thread(self._box.event_picture, request.match_info["event"])
        if jpeg is None:
            raise web.HTTPNotFound(text="there is no picture of this event, or none any more\n")
        headers = {"Cache-Control": "private, max-age=86400, immutable"}
        return web.Response(body=jpeg, content_type="image/jpeg", headers=headers)

    async def _get_health(self, _request: web.Request) -> web.Response:
        health = self._box.health()
        return web.Response(
            status=503 if problems(health) else 200,
            body=payloads.health(health),
            content_type="application/json",
        )

    async def _get_metrics(self, _request: web.Request) -> web.Response:
        return web.Response(body=exposition(self._box.health()), headers={"Content-Type": CONTENT_TYPE})


def _page() -> bytes:
    return resources.files("edged.serve").joinpath("page.html").read_bytes()
