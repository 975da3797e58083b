"""Talking to the daemon over its socket; what the console and ``edged ctl`` are made of."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import aiohttp

from edged.control.verbs import Effect
from edged.core.errors import ControlError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from edged.control.verbs import Verb

Json = dict[str, Any]

CONNECT_S = 3.0
ANSWER_S = 30.0
SILENT_S = 15.0  # a stream says something at least every five seconds
LONGEST_LINE_BYTES = 4 * 1024 * 1024


class DaemonDownError(ControlError):
    """Nobody answers at the socket."""


class RefusedError(ControlError):
    """The daemon answers, and says no."""

    def __init__(self, status: int, code: str, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.code = code


@dataclass(frozen=True, slots=True)
class RawPicture:
    """Rows of red, green and blue bytes."""

    width: int
    height: int
    rgb: bytes


class ControlClient:
    """One client of the daemon at ``path``; an async context manager."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            "http://edged",
            connector=aiohttp.UnixConnector(str(self.path)),
            timeout=aiohttp.ClientTimeout(total=ANSWER_S, sock_connect=CONNECT_S),
            read_bufsize=LONGEST_LINE_BYTES,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session:
            await self._session.close()

    async def ask(self, verb: Verb, camera_id: str = "", *, value: object = None, **query: str | int) -> Json:
        """Ask a verb and return its answer; raises DaemonDownError or RefusedError."""
        body = None if verb.effect is Effect.READ else {} if value is None else {"value": value}
        answer: Json = json.loads((await self._fetch(verb, camera_id, query, body))[0])
        return answer

    async def fetch(self, verb: Verb, camera_id: str = "", **query: str | int) -> bytes:
        """Ask a verb whose answer is a file."""
        return (await self._fetch(verb, camera_id, query, None))[0]

    async def picture(self, verb: Verb, camera_id: str, **query: str | int) -> RawPicture:
        """Ask a verb whose answer is a raw picture."""
        rgb, headers = await self._fetch(verb, camera_id, query, None)
        width, _, height = headers["Edged-Size"].partition("x")
        return RawPicture(int(width), int(height), rgb)

    async def lines(self, verb: Verb, **query: str | int) -> AsyncIterator[Json]:
        """Ask a verb that goes on telling; ends when the daemon does, or raises DaemonDownError."""
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S, sock_read=SILENT_S)
        try:
            async with self._open.get(verb.address(), params=query, timeout=timeout) as response:
                await _raise_refusal(response)
                async for line in response.content:
                    yield json.loads(line)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise self._down(error) from None

    @property
    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            msg = "used outside of its context"
            raise RuntimeError(msg)
        return self._session

    async def _fetch(
        self, verb: Verb, camera_id: str, query: Mapping[str, str | int], body: Json | None
    ) -> tuple[bytes, Mapping[str, str]]:
        try:
            async with self._open.request(
                verb.effect.value, verb.address(camera_id), params=query, json=body
            ) as response:
                await _raise_refusal(response)
                return await response.read(), response.headers
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise self._down(error) from None

    def _down(self, error: Exception) -> DaemonDownError:
        cause = getattr(error, "os_error", None) or error
        if isinstance(cause, FileNotFoundError):
            return DaemonDownError(f"{self.path}: no such socket: edged does not run here")
        if isinstance(cause, PermissionError):
            text = f"{self.path}: permission denied: only root and members of the group edged may"
            return DaemonDownError(text)
        if isinstance(cause, ConnectionRefusedError):
            return DaemonDownError(f"{self.path}: nobody answers: edged does not run, or has just ended")
        if isinstance(error, TimeoutError):
            return DaemonDownError(f"{self.path}: no answer: edged hangs, or the box is overloaded")
        return DaemonDownError(f"{self.path}: the connection broke off: edged has ended or restarts")


async def _raise_refusal(response: aiohttp.ClientResponse) -> None:
    if response.ok:
        return
    try:
        error = json.loads(await response.text())["error"]
        code, text = str(error["code"]), str(error["text"])
    except (ValueError, KeyError, TypeError):
        code, text = "unknown", f"edged answers {response.status} {response.reason}"
    raise RefusedError(response.status, code, text)
