"""Who may look: a token as Bearer, as the password of Basic, or as the cookie that logging in gives.

Without a token only this machine can connect; then the Host header is checked, or a page from anywhere could
have a browser here ask for it under a name that points to 127.0.0.1.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import ipaddress
import logging
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from aiohttp import web

from edged.core.clock import SYSTEM_CLOCK

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from edged.config import HttpSettings
    from edged.core.clock import Clock

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

log = logging.getLogger(__name__)

COOKIE = "edged_session"
COOKIE_LIFE_S = 30 * 24 * 3600
OPEN_PATHS = frozenset({"/", "/login", "/logout"})
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
FREE_FAILURES = 5
LONGEST_WAIT_S = 60.0
ADDRESSES_KEPT = 1024
LOG_IN = "log in, or send Authorization: Bearer …"
WRONG = "wrong token"
CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, POST, PATCH, DELETE, OPTIONS",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, If-Match, If-None-Match",
    "Access-Control-Expose-Headers": "Location, Link, ETag, Accept-Patch, Retry-After",
    "Access-Control-Max-Age": "86400",
}


class Access:
    """Lets requests in or answers why not; made anew with each configuration."""

    def __init__(self, settings: HttpSettings, clock: Clock = SYSTEM_CLOCK) -> None:
        self._token = settings.token.get_secret_value().encode() if settings.token else None
        self._is_tls = settings.cert_file is not None
        self._clock = clock
        self._attempts = _Attempts(clock)

    @property
    def needs_token(self) -> bool:
        """Whether there is a token to show."""
        return self._token is not None

    @web.middleware
    async def guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Let in who may look; everybody may see the page itself, which shows nothing without more."""
        if self._token is None:
            self._check_local(request)
            return await handler(request)
        if request.method == "OPTIONS":
            return web.Response(status=204, headers=CORS)
        if request.path in OPEN_PATHS:
            return await handler(request)
        header = request.headers.get("Authorization")
        if header is None:
            self._check_origin(request)
            if not self._is_cookie_right(request):
                raise _unauthorized(LOG_IN)
            return await handler(request)
        self._check_secret(request, _secret_in(header))
        # With a token in the request itself it may come from any page: that page was given the token.
        return await _with_cors(request, handler)

    async def login(self, request: web.Request) -> web.Response:
        """Give a cookie for the token in a form."""
        self._check_origin(request)
        form = await request.post()
        self._check_secret(request, str(form.get("token", "")).strip().encode())
        response = web.Response(status=204)
        expires_s = int(self._clock.wall_s()) + COOKIE_LIFE_S
        response.set_cookie(
            COOKIE,
            f"{expires_s}.{self._signature(expires_s)}",
            max_age=COOKIE_LIFE_S,
            httponly=True,
            samesite="Strict",
            secure=self._is_tls,
        )
        return response

    async def logout(self, request: web.Request) -> web.Response:
        """Take the cookie back."""
        self._check_origin(request)
        response = web.Response(status=204)
        response.del_cookie(COOKIE)
        return response

    def _check_secret(self, request: web.Request, secret: bytes) -> None:
        """Raise unless ``secret`` is the token; each wrong one makes the next take longer."""
        address = request.remote or ""
        wait_s = self._attempts.wait_s(address)
        if wait_s > 0:
            raise web.HTTPTooManyRequests(
                text="too many wrong tokens: wait a little\n",
                headers={"Retry-After": str(int(wait_s) + 1), **CORS},
            )
        if not hmac.compare_digest(secret, self._token or b""):
            self._attempts.failed(address)
            raise _unauthorized(WRONG)
        self._attempts.succeeded(address)

    def _is_cookie_right(self, request: web.Request) -> bool:
        expires, _, signature = request.cookies.get(COOKIE, "").partition(".")
        if not expires.isdecimal() or len(expires) > 12:  # noqa: PLR2004 - 30,000 years
            return False
        is_ours = hmac.compare_digest(signature.encode(), self._signature(int(expires)).encode())
        return is_ours and int(expires) > self._clock.wall_s()

    def _signature(self, expires_s: int) -> str:
        """Cookies hold no state of ours: they outlive a restart, and a new token ends them all."""
        return hmac.new(self._token or b"", b"edged session %d" % expires_s, hashlib.sha256).hexdigest()

    def _check_local(self, request: web.Request) -> None:
        if not _is_loopback_name(urlsplit(f"//{request.host}").hostname or ""):
            raise web.HTTPForbidden(text=f"{request.host} is not a name of this machine for itself\n")
        self._check_origin(request)

    def _check_origin(self, request: web.Request) -> None:
        """Refuse what a page of another site has a browser ask for."""
        origin = request.headers.get("Origin")
        is_plain = request.method in SAFE_METHODS and "Upgrade" not in request.headers
        if origin is not None and not is_plain and urlsplit(origin).netloc != request.host:
            raise web.HTTPForbidden(text=f"pages of {origin} may not use this\n")


class _Attempts:
    """Counts wrong tokens for each address and makes it wait longer and longer."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._failures: dict[str, tuple[int, float]] = {}

    def wait_s(self, address: str) -> float:
        count, at_s = self._failures.get(address, (0, 0.0))
        if count < FREE_FAILURES:
            return 0.0
        pause_s = min(LONGEST_WAIT_S, 2.0 ** min(count - FREE_FAILURES, 16))
        return at_s + pause_s - self._clock.monotonic_s()

    def failed(self, address: str) -> None:
        count, _ = self._failures.pop(address, (0, 0.0))
        self._failures[address] = (count + 1, self._clock.monotonic_s())
        if count + 1 == FREE_FAILURES:
            log.warning("%s has shown %d wrong tokens: from now on it has to wait", address, FREE_FAILURES)
        while len(self._failures) > ADDRESSES_KEPT:
            del self._failures[next(iter(self._failures))]

    def succeeded(self, address: str) -> None:
        self._failures.pop(address, None)


def _unauthorized(why: str) -> web.HTTPUnauthorized:
    return web.HTTPUnauthorized(text=f"{why}\n", headers={"WWW-Authenticate": "Bearer", **CORS})


def _secret_in(header: str) -> bytes:
    """What an Authorization header claims to be the token; the user of Basic can be any."""
    scheme, _, value = header.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip().encode()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value, validate=True).partition(b":")[2]
        except (binascii.Error, ValueError):
            return b""
    return b""


def _is_loopback_name(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


async def _with_cors(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        response = await handler(request)
    except web.HTTPException as error:
        error.headers.update(CORS)
        raise
    if not response.prepared:
        response.headers.update(CORS)
    return response
