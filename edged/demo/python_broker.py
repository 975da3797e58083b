"""``python -m edged.demo.python_broker PORT``: amqtt behind a door that turns MQTT 5 away.

amqtt speaks MQTT 3.1.1. It reads a CONNECT of MQTT 5 as if it were one of 3.1.1 and then waits for bytes that
nobody will send; so such a client is told before amqtt sees it, and comes back with 3.1.1.
"""

from __future__ import annotations

import asyncio
import logging
import sys

from amqtt.adapters import StreamReaderAdapter, StreamWriterAdapter
from amqtt.broker import Broker

from edged.demo.broker import HOST

MQTT_3_1_1 = 4
LEVEL_OFFSET = 6  # in the variable header of CONNECT: after the length and the text of "MQTT"
CONTINUES = 0x80  # of a byte of the remaining length
CONNACK_UNSUPPORTED = bytes([0x20, 3, 0, 0x84, 0])  # MQTT 5: reason "unsupported protocol version"
LISTENER = "default"
CONFIG = {
    "listeners": {LISTENER: {"type": "external"}},
    "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
}


class _Replayed:
    """A reader, to amqtt, that gives ``head`` first, which was read from the stream already."""

    def __init__(self, head: bytes, stream: asyncio.StreamReader) -> None:
        self._head = head
        self._rest = StreamReaderAdapter(stream)

    async def read(self, n: int = -1) -> bytes:
        """Read exactly ``n`` bytes, or all there are until the end where it is negative."""
        count = len(self._head) if n < 0 else min(n, len(self._head))
        head, self._head = self._head[:count], self._head[count:]
        if count == n:
            return head
        rest: bytes = await self._rest.read(n if n < 0 else n - count)
        return head + rest

    def feed_eof(self) -> None:
        """Take note that there is no more to come."""
        self._rest.feed_eof()


async def serve(port: int) -> None:
    """Serve on ``port`` of the loopback address until the process is ended."""
    broker = Broker(CONFIG)
    await broker.start()

    async def on_client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await _head_of_connect(reader)
        except (OSError, asyncio.IncompleteReadError):
            writer.close()
            return
        if head[-1] > MQTT_3_1_1:
            writer.write(CONNACK_UNSUPPORTED)
            writer.close()
            return
        await broker.external_connected(_Replayed(head, reader), StreamWriterAdapter(writer), LISTENER)

    server = await asyncio.start_server(on_client, HOST, port)
    await server.serve_forever()


async def _head_of_connect(reader: asyncio.StreamReader) -> bytes:
    """Read a CONNECT up to the level of its protocol, which is the last byte returned."""
    head = await reader.readexactly(2)
    while head[-1] & CONTINUES:
        head += await reader.readexactly(1)
    return head + await reader.readexactly(LEVEL_OFFSET + 1)


def main() -> int:
    """Serve on the port of the command line; returns the exit code when that fails."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    try:
        asyncio.run(serve(int(sys.argv[1])))
    except OSError as error:
        sys.stderr.write(f"cannot listen on {HOST}:{sys.argv[1]}: {error.strerror or error}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
