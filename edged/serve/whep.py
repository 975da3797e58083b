"""WHEP: an offer in, live video out, for any player (draft-ietf-wish-whep, RFC 9725)."""

from __future__ import annotations

import ipaddress
import logging
from typing import TYPE_CHECKING

from aiohttp import web

from edged.core.types import Quality
from edged.serve.live import SwitchedOffError, TooManyViewersError
from edged.serve.quality import Wish
from edged.serve.webrtc.sdp import SdpError, UnsupportedOfferError, parse_candidates, parse_offer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from edged.camera import Camera
    from edged.config import WebRtcSettings
    from edged.serve.live import Live
    from edged.serve.session import Session

log = logging.getLogger(__name__)

SDP = "application/sdp"
TRICKLE = "application/trickle-ice-sdpfrag"
RETRY_AFTER_S = 10


class Whep:
    """The routes below ``/whep``."""

    def __init__(
        self, live: Live, settings: WebRtcSettings, cameras: Callable[[], Mapping[str, Camera]]
    ) -> None:
        self._live = live
        self._settings = settings
        self._cameras = cameras

    def routes(self) -> list[web.RouteDef]:
        """What the site is to serve."""
        resource = "/whep/{camera}/{session}"
        return [
            web.post("/whep/{camera}", self._post),
            web.options("/whep/{camera}", self._options),
            web.delete(resource, self._delete),
            web.patch(resource, self._patch),
            web.options(resource, self._options),
        ]

    async def _post(self, request: web.Request) -> web.Response:
        camera = camera_of(request, self._cameras())
        if request.content_type != SDP:
            raise web.HTTPUnsupportedMediaType(text=f"send an offer as {SDP}\n")
        wish = _wish(request)
        try:
            offer = parse_offer(await _text(request))
            session, answer = await self._live.open(camera, offer, wish, is_local=_is_local(request))
        except UnsupportedOfferError as error:
            raise web.HTTPNotAcceptable(text=f"{error}\n") from None
        except SdpError as error:
            raise web.HTTPBadRequest(text=f"{error}\n") from None
        except (TooManyViewersError, SwitchedOffError) as error:
            headers = {"Retry-After": str(RETRY_AFTER_S)}
            raise web.HTTPServiceUnavailable(text=f"{error}\n", headers=headers) from None
        response = web.Response(status=201, body=answer.encode(), content_type=SDP)
        response.headers["Location"] = f"/whep/{camera.camera_id}/{session.session_id}"
        response.headers["ETag"] = _etag(session)
        response.headers["Accept-Patch"] = TRICKLE
        for link in ice_links(self._settings):
            response.headers.add("Link", link)
        return response

    async def _delete(self, request: web.Request) -> web.Response:
        self._session(request).end()
        return web.Response()

    async def _patch(self, request: web.Request) -> web.Response:
        session = self._session(request)
        if request.content_type != TRICKLE:
            raise web.HTTPUnsupportedMediaType(text=f"send candidates as {TRICKLE}\n")
        if request.headers.get("If-Match", _etag(session)) not in {_etag(session), "*"}:
            raise web.HTTPPreconditionFailed(
                text="this is another ICE session, and none can be restarted: POST a new offer\n"
            )
        await session.add_candidates(parse_candidates(await _text(request)))
        return web.Response(status=204)

    async def _options(self, _request: web.Request) -> web.Response:
        return web.Response(status=204, headers={"Accept-Post": SDP, "Accept-Patch": TRICKLE})

    def _session(self, request: web.Request) -> Session:
        session = self._live.session(request.match_info["session"])
        if session is None or session.camera_id != request.match_info["camera"]:
            raise web.HTTPNotFound(text="this session is over\n")
        return session


def _wish(request: web.Request) -> Wish:
    query = request.query
    try:
        quality = Quality(query["quality"]) if "quality" in query else None
    except ValueError:
        names = ", ".join(Quality)
        raise web.HTTPBadRequest(text=f"quality is one of {names}\n") from None
    if "max_bitrate" not in query:
        return Wish(quality)
    text = query["max_bitrate"]
    if not text.isdecimal() or not 0 < len(text) < 7:  # noqa: PLR2004 - digits
        raise web.HTTPBadRequest(text="max_bitrate is a whole number of kbit/s\n")
    return Wish(quality, int(text) * 1000)


def camera_of(request: web.Request, cameras: Mapping[str, Camera]) -> Camera:
    """The camera that a route names."""
    camera = cameras.get(request.match_info["camera"])
    if camera is None:
        raise web.HTTPNotFound(text=f"no such camera; there are: {', '.join(cameras) or 'none'}\n")
    return camera


def ice_links(settings: WebRtcSettings) -> list[str]:
    """The servers that a viewer may ask, as Link headers (RFC 9725, 4.6)."""
    links = []
    if settings.stun_server:
        links.append(f'<{settings.stun_server}>; rel="ice-server"')
    if settings.turn_server and settings.turn_password:
        secret = settings.turn_password.get_secret_value()
        links.append(
            f'<{settings.turn_server}>; rel="ice-server"; username="{settings.turn_username}";'
            f' credential="{secret}"; credential-type="password"'
        )
    return links


async def _text(request: web.Request) -> str:
    try:
        return (await request.read()).decode()
    except UnicodeDecodeError:
        raise web.HTTPBadRequest(text="the body is not text in UTF-8\n") from None


def _etag(session: Session) -> str:
    return f'"{session.session_id}"'


def _is_local(request: web.Request) -> bool:
    """Whether the viewer is on this machine."""
    try:
        return ipaddress.ip_address(request.remote or "").is_loopback
    except ValueError:
        return False
