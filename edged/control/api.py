"""The verbs over HTTP: what is asked is checked here, done by the daemon, and answered in JSON."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import TYPE_CHECKING, Any

from aiohttp import web

from edged.config.commands import RefusedError, camera_command, unknown
from edged.control import facts, pictures, verbs
from edged.control.access import Access
from edged.control.diagnostics import archive
from edged.control.streams import Lines, logs, watch
from edged.control.verbs import Effect, Verb
from edged.core.clock import SYSTEM_CLOCK
from edged.core.errors import ConfigError, EdgedError
from edged.core.jpeg import QUALITY
from edged.core.types import CameraState, Size

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from edged.control.facts import Controlled, Json
    from edged.core.types import Frame, Track

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
    Permit = Callable[[web.Request], Access]

log = logging.getLogger(__name__)

BODY_S = 5.0
PICTURE_S = 5.0
STATUS_KEPT_S = 0.5
MAX_STREAMS = 32
MAX_PREVIEW_PX = 512
LEVELS = ("debug", "info", "warning", "error", "critical")


class _NotAnsweredError(Exception):
    """A request that is refused before anybody looks into it."""

    def __init__(self, status: int, code: str, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.code = code


class Api:
    """Answers the verbs of the table for one daemon."""

    def __init__(self, daemon: Controlled) -> None:
        self._daemon = daemon
        self._streams = 0
        self._status: Json = {}
        self._status_at_s = float("-inf")
        self._handlers: dict[Verb, Handler] = {
            verbs.VERSION: self._version,
            verbs.STATUS: self._get_status,
            verbs.WATCH: self._watch,
            verbs.LOGS: self._logs,
            verbs.MODEL: self._model,
            verbs.SYSTEM: self._system,
            verbs.CONFIG: self._config,
            verbs.DIAGNOSTICS: self._diagnostics,
            verbs.RELOAD: self._reload,
            verbs.SNAPSHOT: self._snapshot,
            verbs.PREVIEW: self._preview,
            **dict.fromkeys(verbs.COMMANDS.values(), self._command),
        }

    def routes(self, permit: Permit) -> list[web.RouteDef]:
        """Return every verb's route; ``permit`` says what who asks may do."""
        return [
            *(
                web.route(verb.effect.value, verb.address("{camera}"), self._guarded(verb, permit))
                for verb in verbs.VERBS
            ),
            web.route("*", verbs.PREFIX + "/{rest:.*}", _no_such_verb),
        ]

    def routes_with_token(self) -> list[web.RouteDef]:
        """Return the routes for a listener that has asked for a token already."""
        return self.routes(lambda _: Access.CHANGE)

    def status(self) -> Json:
        """How everything does, measured once for all who ask at the same time."""
        now_s = SYSTEM_CLOCK.monotonic_s()
        if now_s - self._status_at_s > STATUS_KEPT_S:
            self._status, self._status_at_s = facts.status(self._daemon), now_s
        return self._status

    def _guarded(self, verb: Verb, permit: Permit) -> Handler:
        """Let in who may, and answer every mistake in plain words."""
        handler = self._handlers[verb]

        async def answer(request: web.Request) -> web.StreamResponse:
            try:
                self._check(verb, request, permit(request))
                return await handler(request)
            except _NotAnsweredError as error:
                return _refusal(error.status, error.code, str(error))
            except RefusedError as error:
                return _refusal(400, "bad_value", str(error))
            except EdgedError as error:
                return _refusal(409, "failed", str(error))
            except web.HTTPException as error:
                return _refusal(error.status, "bad_request", error.reason)
            except Exception as error:
                log.exception("control: %s failed", verb.name)
                return _refusal(500, "bug", f"a mistake of edged, see its log: {type(error).__name__}")

        return answer

    def _check(self, verb: Verb, request: web.Request, access: Access) -> None:
        """Raise _NotAnsweredError for what is not answered, whoever would answer it."""
        if access is Access.NOTHING or (verb.effect is Effect.CHANGE and access is not Access.CHANGE):
            raise _NotAnsweredError(403, "forbidden", "only root and members of the group edged may do that")
        if verb.effect is Effect.CHANGE and request.content_type != "application/json":
            # A page of another site can make a browser send anything else, with the password it knows.
            text = "expected a body in JSON: Content-Type: application/json"
            raise _NotAnsweredError(415, "not_json", text)
        if verb.is_for_camera and request.match_info["camera"] not in self._daemon.cameras:
            text = unknown("camera", request.match_info["camera"], self._daemon.cameras)
            raise _NotAnsweredError(404, "unknown_camera", text)

    async def _version(self, _request: web.Request) -> web.Response:
        return _answer(facts.version(self._daemon))

    async def _get_status(self, _request: web.Request) -> web.Response:
        return _answer(self.status())

    async def _model(self, _request: web.Request) -> web.Response:
        return _answer(facts.model(self._daemon))

    async def _system(self, _request: web.Request) -> web.Response:
        return _answer(await asyncio.to_thread(facts.system, self._daemon))

    async def _config(self, _request: web.Request) -> web.Response:
        return _answer(facts.config(self._daemon))

    async def _diagnostics(self, _request: web.Request) -> web.Response:
        status, config = self.status(), facts.config(self._daemon)
        body = await asyncio.to_thread(archive, self._daemon, status, config)
        return web.Response(body=body, content_type="application/gzip")

    async def _reload(self, request: web.Request) -> web.Response:
        await _body(request)
        try:
            await self._daemon.reload()
        except ConfigError as error:
            return _refusal(409, "bad_configuration", "\n".join(error.problems))
        self._status_at_s = float("-inf")
        return _answer({"reloaded": str(self._daemon.file)})

    async def _command(self, request: web.Request) -> web.Response:
        camera_id = request.match_info["camera"]
        name = request.path.rpartition("/")[2]
        body = await _body(request)
        await self._daemon.obey(camera_command(camera_id, name, body.get("value")))
        self._status_at_s = float("-inf")
        return _answer({"camera": camera_id, **facts.camera(self._daemon, camera_id)})

    async def _snapshot(self, request: web.Request) -> web.Response:
        quality = _whole(request.query, "quality", QUALITY, (1, 100))
        has_places = _whole(request.query, "zones", 0, (0, 1))
        frame, tracks = await self._picture(request)
        settings = self._daemon.cameras[request.match_info["camera"]].settings
        places = settings if has_places else None
        body = await asyncio.to_thread(pictures.as_jpeg, frame, tracks, quality, places)
        return web.Response(body=body, content_type="image/jpeg")

    async def _preview(self, request: web.Request) -> web.Response:
        limits = (2, MAX_PREVIEW_PX)
        within = Size(
            _whole(request.query, "width", 160, limits), _whole(request.query, "height", 90, limits)
        )
        frame, tracks = await self._picture(request)
        size, body = await asyncio.to_thread(pictures.as_rgb, frame, tracks, within)
        headers = {"Edged-Size": str(size), "Edged-Captured": f"{frame.captured_s:.3f}"}
        return web.Response(body=body, content_type="application/octet-stream", headers=headers)

    async def _picture(self, request: web.Request) -> tuple[Frame, tuple[Track, ...]]:
        """Return a picture of now and what is to be drawn on it."""
        camera = self._daemon.cameras[request.match_info["camera"]]
        has_boxes = _whole(request.query, "boxes", 1, (0, 1))
        last = camera.last
        if last is not None:
            return last.frame, last.tracks if has_boxes else ()
        is_coming = camera.status.state in {CameraState.CONNECTING, CameraState.STREAMING}
        frame = await self._daemon.frame(camera.camera_id, PICTURE_S) if is_coming else None
        if frame is None:
            status = camera.status
            msg = f"camera {camera.camera_id} has no picture: {status.state.value}: {status.reason}"
            raise EdgedError(msg)
        return frame, ()

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        return await self._stream(request, watch(self.status, self._daemon.events))

    async def _logs(self, request: web.Request) -> web.StreamResponse:
        level = request.query.get("level", "debug")
        if level not in LEVELS:
            raise RefusedError(unknown("level", level, LEVELS))
        lines = logs(
            count=_whole(request.query, "lines", 100, (0, 10_000)),
            levels=LEVELS[LEVELS.index(level) :],
            follow=bool(_whole(request.query, "follow", 0, (0, 1))),
        )
        return await self._stream(request, lines)

    async def _stream(self, request: web.Request, lines: Lines) -> web.StreamResponse:
        if self._streams >= MAX_STREAMS:
            return _refusal(503, "too_many", f"{MAX_STREAMS} clients watch already: try again later")
        self._streams += 1
        try:
            return await lines.send(request)
        finally:
            self._streams -= 1


async def _no_such_verb(request: web.Request) -> web.Response:
    known = sorted(f"{verb.effect.value} {verb.address('<camera>')}" for verb in verbs.VERBS)
    text = f"there is no {request.method} {request.path[:100]!a}; known: {', '.join(known)}"
    return _refusal(404, "unknown_verb", text)


async def _body(request: web.Request) -> Json:
    """Read a JSON object, or nothing; raises RefusedError."""
    try:
        text = await asyncio.wait_for(request.text(), BODY_S)
        body: Any = json.loads(text) if text.strip() else {}
    except (ValueError, RecursionError, TimeoutError):
        msg = "expected a body in JSON"
        raise RefusedError(msg) from None
    if not isinstance(body, dict):
        msg = f'expected a JSON object such as {{"value": 5}}, got {text[:32]!a}'
        raise RefusedError(msg)
    return body


def _whole(query: Mapping[str, str], key: str, default: int, limits: tuple[int, int]) -> int:
    text = query.get(key)
    if text is None:
        return default
    low, high = limits
    if not (text.isascii() and text.isdigit() and len(text) < 10 and low <= int(text) <= high):  # noqa: PLR2004
        msg = f"{key}: expected a whole number from {low} to {high}, got {text[:32]!a}"
        raise RefusedError(msg)
    return int(text)


def _answer(told: Json, status: int = 200) -> web.Response:
    body = json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()
    return web.Response(body=body, status=status, content_type="application/json")


def _refusal(status: int, code: str, text: str) -> web.Response:
    return _answer({"error": {"code": code, "text": text}}, status)
