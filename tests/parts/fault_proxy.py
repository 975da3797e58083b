"""A TCP proxy with faults that are switched on and off while connections live."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Coroutine

CHUNK_BYTES = 65536
POLL_S = 0.02
START_TIMEOUT_S = 5.0
RESET_ON_CLOSE = struct.pack("ii", 1, 0)


@dataclass(slots=True)
class Faults:
    """What goes wrong now; every field may be set at any time from the test's thread."""

    delay_s: float = 0.0
    is_black_hole: bool = False  # nothing passes, nothing is closed
    cut_after_bytes: int | None = None  # closes the connection when that much has come from the server
    throttle_bytes_s: float | None = None
    corrupt_every_bytes: int | None = None  # one byte in so many of what the server sends is spoilt
    rewrite: tuple[bytes, bytes] | None = None  # the first is replaced by the second, which is as long


@dataclass(slots=True, eq=False)
class _Link:
    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    passed_bytes: int = field(default=0)


class FaultProxy:
    """Stands between a client and ``127.0.0.1:port``; its own port is ``port``. A context manager."""

    def __init__(self, server_port: int) -> None:
        self.faults = Faults()
        self.port = 0
        self.connections = 0
        self._server_port = server_port
        self._links: set[_Link] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._listener: asyncio.Server | None = None
        self._thread = threading.Thread(target=self._loop.run_forever, name="fault-proxy", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._call(self._listen())
        return self

    def __exit__(self, *_: object) -> None:
        self._call(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(START_TIMEOUT_S)
        self._loop.close()

    def reset(self) -> None:
        """Break every connection with an RST, as a router does that forgot them."""
        self._call(self._reset())

    def _call(self, coroutine: Coroutine[None, None, None]) -> None:
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(START_TIMEOUT_S)

    async def _listen(self) -> None:
        self._listener = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._listener.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        if self._listener is not None:
            self._listener.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _reset(self) -> None:
        for link in list(self._links):
            link.client.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE
            )
            link.client.transport.abort()
            link.server.transport.abort()

    async def _accept(self, client_reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await self._join(client_reader, client)
        client.transport.abort()

    async def _join(self, client_reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        server_reader, server = await asyncio.open_connection("127.0.0.1", self._server_port)
        link = _Link(client, server)
        self._links.add(link)
        try:
            up = asyncio.create_task(self._pump(link, client_reader, server, is_from_server=False))
            down = asyncio.create_task(self._pump(link, server_reader, client, is_from_server=True))
            try:
                await asyncio.wait({up, down}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                up.cancel()
                down.cancel()
                await asyncio.gather(up, down, return_exceptions=True)
        finally:
            self._links.discard(link)
            server.transport.abort()

    async def _pump(
        self, link: _Link, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_from_server: bool
    ) -> None:
        while data := await reader.read(CHUNK_BYTES):
            faults = self.faults
            while faults.is_black_hole:  # noqa: ASYNC110 - it is set from another thread
                await asyncio.sleep(POLL_S)
            if faults.delay_s:
                await asyncio.sleep(faults.delay_s)
            if faults.throttle_bytes_s:
                await asyncio.sleep(len(data) / faults.throttle_bytes_s)
            if is_from_server:
                data = _corrupt(data, link.passed_bytes, faults.corrupt_every_bytes)
                data = data.replace(*faults.rewrite) if faults.rewrite else data
                link.passed_bytes += len(data)
                if faults.cut_after_bytes is not None and link.passed_bytes >= faults.cut_after_bytes:
                    return
            writer.write(data)
            await writer.drain()


def _corrupt(data: bytes, position: int, every_bytes: int | None) -> bytes:
    if every_bytes is None:
        return data
    spoilt = bytearray(data)
    for index in range(-position % every_bytes, len(spoilt), every_bytes):
        spoilt[index] ^= 0x55
    return bytes(spoilt)
