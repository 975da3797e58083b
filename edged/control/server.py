"""The Unix socket: put in place safely, with limits that hold off whoever misuses it."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import os
import socket
from typing import TYPE_CHECKING

from aiohttp import web

from edged.control.access import Access, access_of, group_id, peer_of
from edged.core.clock import SYSTEM_CLOCK
from edged.core.errors import ListenError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from edged.config import ControlSettings
    from edged.control.api import Api

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

log = logging.getLogger(__name__)

MAX_CLIENTS = 64
BACKLOG = 512  # who comes when it is full is turned away by us, in words, and not by the kernel
MAX_BODY_BYTES = 16 * 1024
MAX_LINE_BYTES = 8 * 1024
IDLE_S = 10.0
SWEEP_EVERY_S = 1.0
DIAL_S = 1.0
MODE_FOR_GROUP, MODE_FOR_ALL = 0o660, 0o666
_FULL = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"
    b'{"error":{"code":"too_many","text":"too many clients: try again later"}}'
)


class ControlServer:
    """Serves the verbs at ``path``."""

    def __init__(self, path: Path, settings: ControlSettings, api: Api) -> None:
        self._path = path
        self._settings = settings
        self._api = api
        self._group_id = group_id()
        self._runner: web.AppRunner | None = None
        self._server: asyncio.Server | None = None
        self._sweeper: asyncio.Task[None] | None = None
        self._inode = 0
        self._busy: set[asyncio.BaseTransport] = set()
        self._idle_since_s: dict[asyncio.BaseTransport, float] = {}

    async def start(self) -> None:
        """Listen; raises ListenError when the socket cannot be had."""
        app = web.Application(client_max_size=MAX_BODY_BYTES, middlewares=[self._note_busy])
        app.add_routes(self._api.routes(self._access))
        self._runner = web.AppRunner(
            app,
            access_log=None,
            handle_signals=False,
            shutdown_timeout=0.5,
            max_line_size=MAX_LINE_BYTES,
            max_field_size=MAX_LINE_BYTES,
        )
        await self._runner.setup()
        try:
            listener = await asyncio.to_thread(self._bind)
        except OSError as error:
            await self._runner.cleanup()
            reason = error.strerror or str(error)
            msg = (
                f"control: cannot listen on {self._path}: {reason}: `edged tui` and `edged ctl` will not work"
            )
            raise ListenError(msg) from None
        self._inode = self._path.stat().st_ino
        self._server = await asyncio.get_running_loop().create_unix_server(
            self._receive, sock=listener, backlog=BACKLOG
        )
        self._sweeper = asyncio.create_task(self._sweep())
        log.debug("control on %s", self._path)

    async def stop(self) -> None:
        """Close every connection, and take the socket away if it is still ours."""
        if self._sweeper:
            self._sweeper.cancel()
        if self._server:
            self._server.close()
        if self._runner:
            await self._runner.cleanup()
        with contextlib.suppress(OSError):
            if self._path.stat().st_ino == self._inode:
                self._path.unlink()

    def apply(self, settings: ControlSettings) -> None:
        """Let in whom the settings name from now on."""
        self._settings = settings
        with contextlib.suppress(OSError):  # somebody has taken the socket away
            self._path.chmod(self._mode())

    def _bind(self) -> socket.socket:
        """Put a new socket in the place of one that nobody answers on any more."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        if _is_answered(self._path):
            raise OSError(errno.EADDRINUSE, "another edged answers there")
        part = self._path.with_suffix(f".{os.getpid()}")
        part.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            listener.bind(str(part))
            listener.listen(BACKLOG)
            self._give_to_group(part)
            part.chmod(self._mode())
            part.replace(self._path)  # in one step: a client finds the old one or the new one, never none
        except OSError:
            listener.close()
            part.unlink(missing_ok=True)
            raise
        return listener

    def _give_to_group(self, path: Path) -> None:
        # The unit runs us in that group and forbids chown, even one that changes nothing.
        if self._group_id in {None, path.stat().st_gid}:
            return
        if self._group_id in {os.getegid(), *os.getgroups()}:
            os.chown(path, -1, self._group_id)

    def _mode(self) -> int:
        return MODE_FOR_ALL if self._settings.readers == "everyone" else MODE_FOR_GROUP

    def _access(self, request: web.Request) -> Access:
        others = Access.READ if self._settings.readers == "everyone" else Access.NOTHING
        connection = request.get_extra_info("socket")
        return access_of(peer_of(connection), self._group_id, others=others) if connection else Access.NOTHING

    def _receive(self) -> asyncio.Protocol:
        """Give a new connection somebody who serves it, or who sends it away."""
        server = self._runner.server if self._runner else None
        if server is None or len(server.connections) >= MAX_CLIENTS:
            return _Full()
        return server()

    @web.middleware
    async def _note_busy(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Remember which connections have something under way; each has one request at a time."""
        transport = request.transport
        if transport is None:
            return await handler(request)
        self._busy.add(transport)
        try:
            return await handler(request)
        finally:
            self._busy.discard(transport)
            self._idle_since_s.pop(transport, None)

    async def _sweep(self) -> None:
        """Close connections on which nothing has been asked for a while: idle ones, and half requests."""
        while self._runner and self._runner.server:
            await asyncio.sleep(SWEEP_EVERY_S)
            now_s = SYSTEM_CLOCK.monotonic_s()
            idle = {each.transport for each in self._runner.server.connections if each.transport} - self._busy
            self._idle_since_s = {each: self._idle_since_s.get(each, now_s) for each in idle}
            for transport, since_s in self._idle_since_s.items():
                if now_s - since_s > IDLE_S:
                    transport.close()


class _Full(asyncio.Protocol):
    """Says that there is no room, and hangs up."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Answer before anything is asked: nothing of this client is kept."""
        if isinstance(transport, asyncio.WriteTransport):
            transport.write(_FULL)
            transport.close()


def _is_answered(path: Path) -> bool:
    """Whether a process accepts connections there."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as dial:
        dial.settimeout(DIAL_S)
        try:
            dial.connect(str(path))
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        except OSError as error:
            return error.errno == errno.EAGAIN  # its backlog is full, so there is somebody
        return True
