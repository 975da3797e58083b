"""The HTTP listener, who may use it, and its routes."""

from __future__ import annotations

import hmac
import logging
from typing import TYPE_CHECKING

from aiohttp import web

from edged.core.errors import ListenError
from edged.health import problems
from edged.publish import payloads
from edged.serve.metrics import CONTENT_TYPE, exposition

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from edged.config import HttpSettings
    from edged.core.types import Health

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

log = logging.getLogger(__name__)

MAX_BODY_BYTES = 64 * 1024


class Site:
    """Serves ``/health`` and ``/metrics``; with a token only to who shows it."""

    def __init__(self, settings: HttpSettings, health: Callable[[], Health]) -> None:
        self.settings = settings
        self._health = health
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """Where the site is."""
        host = f"[{self.settings.host}]" if ":" in self.settings.host else self.settings.host
        return f"http://{host}:{self.settings.port}"

    async def start(self) -> None:
        """Listen; raises ListenError when the address cannot be had."""
        app = web.Application(client_max_size=MAX_BODY_BYTES, middlewares=[self._guard])
        app.add_routes([web.get("/health", self._get_health), web.get("/metrics", self._get_metrics)])
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=0.5)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self.settings.host, self.settings.port).start()
        except OSError as error:
            await self._runner.cleanup()
            reason = error.strerror or str(error)
            msg = f"http: cannot listen on {self.url}: {reason}: free it, or change http.host or http.port"
            raise ListenError(msg) from None
        log.info("health and metrics on %s", self.url)

    async def stop(self) -> None:
        """Close the listener and every connection."""
        if self._runner:
            await self._runner.cleanup()

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Let in who shows the token; everybody, where there is none because only this machine can ask."""
        token = self.settings.token
        if token is not None:
            expected = f"Bearer {token.get_secret_value()}".encode()
            if not hmac.compare_digest(request.headers.get("Authorization", "").encode(), expected):
                raise web.HTTPUnauthorized(
                    text="a token is needed: Authorization: Bearer …\n",
                    headers={"WWW-Authenticate": "Bearer"},
                )
        return await handler(request)

    async def _get_health(self, _request: web.Request) -> web.Response:
        health = self._health()
        return web.Response(
            status=503 if problems(health) else 200,
            body=payloads.health(health),
            content_type="application/json",
        )

    async def _get_metrics(self, _request: web.Request) -> web.Response:
        return web.Response(body=exposition(self._health()), headers={"Content-Type": CONTENT_TYPE})
