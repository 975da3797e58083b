"""One viewer who sends rubbish: offers, datagrams to the port of his session, messages on its data channel.

    python -m benchmarks.webrtc_rubbish URL

Prints a line when it begins, and what it has sent when its input ends.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import re
import socket
import sys
from collections import Counter
from typing import TYPE_CHECKING

import aiohttp
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

OFFERS_PER_S, BURSTS_PER_S, DATAGRAMS = 50, 50, 20
FIRST_BYTES = (0, 1, 22, 23, 128, 200)  # what looks like STUN, DTLS, RTP and RTCP


async def main(url: str) -> None:
    """Send until the end of the input."""
    sent: Counter[str] = Counter()
    async with aiohttp.ClientSession() as http:
        connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        connection.addTransceiver("video", direction="recvonly")
        channel = connection.createDataChannel("tracks")
        await connection.setLocalDescription(await connection.createOffer())
        sdp, headers = connection.localDescription.sdp, {"Content-Type": "application/sdp"}
        async with http.post(url, data=sdp, headers=headers) as response:
            answer = await response.text()
        await connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        first_bytes = itertools.cycle(FIRST_BYTES)
        targets = re.findall(r"udp \d+ ([\d.]+) (\d+) typ host", answer)
        host, port = targets[0]
        while channel.readyState != "open":  # noqa: ASYNC110 - a benchmark may look
            await asyncio.sleep(0.05)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:

            async def offer() -> None:
                async with http.post(url, data=_noise(2000), headers=headers) as refused:
                    sent[f"offers answered with {refused.status}"] += 1

            async def shout() -> None:
                for _ in range(DATAGRAMS):
                    out.sendto(bytes([next(first_bytes)]) + _noise(1000), (host, int(port)))
                    sent["datagrams"] += 1
                if channel.readyState == "open" and channel.bufferedAmount < 1_000_000:
                    channel.send(_noise(100).hex())
                    channel.send('{"quality": ' * 20)
                    sent["messages"] += 2

            tasks = [
                asyncio.create_task(_often(shout, BURSTS_PER_S)),
                asyncio.create_task(_often(offer, OFFERS_PER_S)),
            ]
            print("begins", flush=True)
            await asyncio.to_thread(sys.stdin.read)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        sent[f"session {connection.connectionState}"] = 1
        await connection.close()
    print(dict(sent), flush=True)


async def _often(do: Callable[[], Awaitable[None]], per_s: int) -> None:
    while True:
        await do()
        await asyncio.sleep(1 / per_s)


def _noise(most: int) -> bytes:
    return os.urandom(1 + int.from_bytes(os.urandom(2), "big") % most)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
