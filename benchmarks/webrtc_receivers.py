"""So many receivers of one stream that count packets and decode nothing; speaks WHEP and Janus' JSON.

    python -m benchmarks.webrtc_receivers whep|janus URL NUMBER

Prints a line when every receiver has got something, and then the count for each line it reads.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import sys
from dataclasses import dataclass
from typing import Any

import aiohttp
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.rtcdtlstransport import RTCDtlsTransport

READY_S = 30.0
JANUS_MOUNTPOINT = 1


@dataclass
class Row:
    """The packets of one stream to one receiver, by their numbers, which should have no gap."""

    first: int
    last: int
    came: int = 0

    @property
    def missing(self) -> int:
        """Packets that did not come; none is asked for again, so none comes twice."""
        return self.last - self.first + 1 - self.came


class Counter:
    """Packets of all receivers together, and what each has had."""

    packets = 0
    rows: dict[tuple[int, bytes], Row] = {}  # noqa: RUF012 - one for the process

    @classmethod
    def served(cls) -> int:
        """How many receivers have had a packet."""
        return len({transport for transport, _ in cls.rows})


async def count(transport: RTCDtlsTransport, data: bytes, arrival_time_ms: int) -> None:
    """Take the place of everything that aiortc does with a packet after decryption."""
    del arrival_time_ms
    Counter.packets += 1
    number = int.from_bytes(data[2:4], "big")
    row = Counter.rows.setdefault((id(transport), data[8:12]), Row(number, number - 1))
    step = (number - row.last + 0x8000) % 0x10000 - 0x8000  # signed, across the wrap
    row.last += max(0, step)
    row.came += 1


async def watch_whep(http: aiohttp.ClientSession, url: str) -> RTCPeerConnection:
    """Offer, and take the answer."""
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    connection.addTransceiver("video", direction="recvonly")
    await connection.setLocalDescription(await connection.createOffer())
    headers = {"Content-Type": "application/sdp"}
    async with http.post(url, data=connection.localDescription.sdp, headers=headers) as response:
        answer = await response.text()
        if response.status != 201:
            sys.exit(answer)
    await connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))
    return connection


async def watch_janus(http: aiohttp.ClientSession, url: str) -> RTCPeerConnection:
    """Ask the streaming plugin for its offer, and answer it."""

    async def ask(path: str, **body: Any) -> dict[str, Any]:
        async with http.post(f"{url}{path}", json={**body, "transaction": secrets.token_hex(8)}) as response:
            reply: dict[str, Any] = await response.json()
        return reply

    async def event(path: str) -> dict[str, Any]:
        while True:
            async with http.get(f"{url}{path}") as response:
                reply: dict[str, Any] = await response.json()
            if "jsep" in reply:
                return reply

    session = f"/{(await ask('', janus='create'))['data']['id']}"
    handle = (
        f"{session}/{(await ask(session, janus='attach', plugin='janus.plugin.streaming'))['data']['id']}"
    )
    await ask(handle, janus="message", body={"request": "watch", "id": JANUS_MOUNTPOINT})
    offer = (await event(session))["jsep"]["sdp"]
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    await connection.setRemoteDescription(RTCSessionDescription(offer, "offer"))
    await connection.setLocalDescription(await connection.createAnswer())
    jsep = {"type": "answer", "sdp": connection.localDescription.sdp}
    await ask(handle, janus="message", body={"request": "start"}, jsep=jsep)
    return connection


async def main(kind: str, url: str, number: int) -> None:
    """Receive until the end of the input."""
    RTCDtlsTransport._handle_rtp_data = count  # type: ignore[method-assign,assignment]  # noqa: SLF001
    watch = watch_whep if kind == "whep" else watch_janus
    async with aiohttp.ClientSession() as http:
        connections = [await watch(http, url) for _ in range(number)]
        async with asyncio.timeout(READY_S):
            while Counter.served() < number:  # noqa: ASYNC110 - a benchmark may look
                await asyncio.sleep(0.05)
        print("ready", flush=True)
        while await asyncio.to_thread(sys.stdin.readline):
            print(
                json.dumps(
                    {"packets": Counter.packets, "missing": sum(row.missing for row in Counter.rows.values())}
                ),
                flush=True,
            )
        await asyncio.gather(*(connection.close() for connection in connections))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
