"""What is told line by line for as long as somebody listens: changes of the status, lines of the log."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing
from typing import TYPE_CHECKING

from aiohttp import web

from edged.control.patch import changes
from edged.core.log import RECENT
from edged.publish import payloads

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Collection

    from edged.control.facts import Json
    from edged.core.ring import Ring
    from edged.core.types import Event

EVERY_S = 1.0
LOGS_EVERY_S = 0.25
STILL_THERE_EVERY_S = 5.0
EVENTS_AT_FIRST = 50
WRITE_S = 30.0
TYPE = "application/x-ndjson"


class Lines:
    """JSON lines to one client. Who reads slowly misses what came in between, and who stops is sent away."""

    def __init__(self, source: AsyncGenerator[Json]) -> None:
        self._source = source

    async def send(self, request: web.Request) -> web.StreamResponse:
        """Write every line; ends when the source does, or the client."""
        response = web.StreamResponse(headers={"Content-Type": TYPE, "Cache-Control": "no-store"})
        await response.prepare(request)
        try:
            async with aclosing(self._source):
                async for line in self._source:
                    text = json.dumps(line, ensure_ascii=False, separators=(",", ":"))
                    # While this waits, the source does not move: nothing piles up for a slow reader.
                    await asyncio.wait_for(response.write(f"{text}\n".encode()), WRITE_S)
        except (TimeoutError, ConnectionError):
            if request.transport:
                request.transport.abort()
        return response


def watch(status: Callable[[], Json], events: Ring[Event]) -> Lines:
    """Tell the whole status, then what has changed since the last line, with the events in between."""
    return Lines(_watch(status, events))


async def _watch(status: Callable[[], Json], events: Ring[Event]) -> AsyncGenerator[Json]:
    told, news = status(), events.last(EVENTS_AT_FIRST)
    yield {"status": told, "events": [payloads.event_facts(event) for event in news.values]}
    while True:
        await asyncio.sleep(EVERY_S)
        now, news = status(), events.since(news.next_number)
        line: Json = {"changes": changes(told, now)}
        if news.values:
            line["events"] = [payloads.event_facts(event) for event in news.values]
        if news.lost:
            line["events_lost"] = news.lost
        told = now
        yield line


def logs(*, count: int, levels: Collection[str], follow: bool) -> Lines:
    """Tell the last ``count`` lines of these levels and, with ``follow``, those to come."""
    return Lines(_logs(count, levels, follow=follow))


async def _logs(count: int, levels: Collection[str], *, follow: bool) -> AsyncGenerator[Json]:
    news = RECENT.since(0)
    wanted = [line for line in news.values if line.level in levels]
    for line in wanted[-count:] if count else []:
        yield {"time": round(line.timestamp_s, 3), "level": line.level, "text": line.text}
    quiet_s = 0.0
    while follow:
        await asyncio.sleep(LOGS_EVERY_S)
        news = RECENT.since(news.next_number)
        quiet_s = 0.0 if news.values else quiet_s + LOGS_EVERY_S
        if news.lost:
            yield {"lost": news.lost}
        for line in news.values:
            if line.level in levels:
                yield {"time": round(line.timestamp_s, 3), "level": line.level, "text": line.text}
        if quiet_s >= STILL_THERE_EVERY_S:  # only a write finds out that nobody is there any more
            quiet_s = 0.0
            yield {}
