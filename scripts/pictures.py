"""Takes the picture of the README from the running demo.

    python -m scripts.pictures

Needs Debian's chromium.
"""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

from edged.demo.broker import HOST, free_port, start_broker
from edged.demo.folder import temporary_folder
from edged.demo.stage import Ports, environment, start_daemon
from tests.parts.browser import Browser
from tests.parts.waiting import wait_for

DOCS = Path(__file__).parents[1] / "docs"
START_TIMEOUT_S = 60.0
WATCH_S = 12.0
ALL_PLAY = "[...document.querySelectorAll('video')].filter(v => v.currentTime > 1).length >= 2"


async def photograph(url: str, scratch: Path) -> bytes:
    """Open the live page as a person does, watch for a while, and return what the screen shows."""
    async with Browser(scratch) as browser:
        page = await browser.open(url)
        await page.resize(1200, 466, dark=True)
        await page.wait_for(ALL_PLAY, 30, "both cameras play")
        await asyncio.sleep(WATCH_S)  # long enough for people to have left a trail
        picture = await page.screenshot()
        await page.close()
        return picture


def is_listening(port: int) -> bool:
    """Whether somebody answers on ``port``."""
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


def main() -> None:
    """Start the demo's parts, take the picture, end them."""
    ports = Ports(mqtt=free_port(), http=free_port())
    with temporary_folder() as folder:
        environ = environment(folder)
        broker = start_broker(ports.mqtt, folder, environ)
        daemon = start_daemon(ports, folder, environ)
        try:
            wait_for(lambda: is_listening(ports.http), START_TIMEOUT_S, "the daemon listens")
            (DOCS / "live.png").write_bytes(asyncio.run(photograph(ports.live_url, folder / "browser")))
        finally:
            daemon.stop(6.0)
            broker.stop(2.0)


if __name__ == "__main__":
    main()
