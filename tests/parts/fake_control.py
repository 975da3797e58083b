"""A control server that tells what a test wants told: for boxes that are hard to come by."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, Self

from aiohttp import web

from edged.control import verbs

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

Json = dict[str, Any]
NOW_S = 1_790_000_000.0


class FakeControl:
    """Serves ``status`` and ``lines`` of a log at ``path``. An async context manager."""

    def __init__(
        self, path: Path, status: Json, lines: Iterable[Json] = (), changes: Iterable[Json] = ()
    ) -> None:
        self._path = path
        self._changes = changes
        self.status = status
        self._lines = lines
        self._runner: web.AppRunner | None = None
        self.clients = 0

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_get(verbs.WATCH.address(), self._watch)
        app.router.add_get(verbs.LOGS.address(), self._logs)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.UnixSite(self._runner, str(self._path)).start()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._runner:
            await self._runner.cleanup()

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        first = {"status": self.status, "events": self.status.get("events", [])}
        return await self._tell(request, [first], self._changes)

    async def _logs(self, request: web.Request) -> web.StreamResponse:
        return await self._tell(request, self._lines, ())

    async def _tell(
        self, request: web.Request, lines: Iterable[Json], later: Iterable[Json]
    ) -> web.StreamResponse:
        """Tell ``lines`` at once and ``later`` one a second."""
        response = web.StreamResponse()
        await response.prepare(request)
        for line in lines:
            await response.write(json.dumps(line).encode() + b"\n")
        self.clients += 1
        for line in later:
            await asyncio.sleep(1.0)
            try:
                await response.write(json.dumps(line).encode() + b"\n")
            except ConnectionError:  # the client has left
                return response
        await asyncio.sleep(60)  # says no more, until it is cancelled
        return response


def box(cameras: dict[str, Json], **facts: object) -> Json:
    """A status with these cameras."""
    return {
        "timestamp": NOW_S,
        "box": {
            "version": "0.1.0",
            "id": "porch",
            "uptime_s": 273_000,
            "cpu_percent": 38.2,
            "memory_bytes": 310 * 1024 * 1024,
            "temperature_c": 61.0,
            "loop_lag_ms": 2.0,
        },
        "broker": {
            "connected": True,
            "reason": "connected",
            "address": "localhost:1883",
            "protocol": "MQTT 5",
            "home_assistant": "online",
        },
        "inference": {
            "model": "yolox_nano_416.onnx",
            "provider": "cpu",
            "layout": "yolox-raw",
            "inference_ms": 38.0,
            "fps": 20.0,
            "overloaded": False,
        },
        "cameras": cameras,
        **facts,
    }


def camera(**facts: object) -> Json:
    """A camera that does well, but for ``facts``."""
    return {
        "name": "Front door",
        "state": "streaming",
        "why": "h264 1280x720",
        "since": NOW_S - 3600,
        "codec": "h264",
        "size": "1280x720",
        "decoder": "h264",
        "fps_in": 25.0,
        "fps_wanted": 5.0,
        "fps_detected": 5.0,
        "latency_ms": 83.0,
        "drops": 3,
        "decode_errors": 0,
        "reconnects": 1,
        "viewers": 1,
        "tracks": 2,
        "age_s": 0.1,
        "overloaded": False,
        "settings": {
            "detect": True,
            "confidence": 0.4,
            "fps": 5.0,
            "quality": "auto",
            "labels": ["person", "car"],
        },
        "zones": {"porch": {"person": 1}, "drive": {}},
        "objects": [track(17, "person", 0.91, 12.4), track(18, "car", 0.66, 3.1)],
        **facts,
    }


def lost(**facts: object) -> Json:
    """A camera that refuses us."""
    gone: Json = {
        "fps_in": 0.0,
        "fps_detected": 0.0,
        "latency_ms": None,
        "tracks": 0,
        "objects": [],
        "age_s": 14.2,
    }
    why = "401 from the camera: wrong user or password"
    return camera(state="waiting", why=why, next_try=NOW_S + 16.9, **{**gone, **facts})


def track(number: int, label: str, confidence: float, age_s: float) -> Json:
    """Something in sight."""
    return {
        "track_id": number,
        "label": label,
        "confidence": confidence,
        "age": age_s,
        "motion": "horizontal_movement",
        "bbox": [412, 190, 498, 431],
        "center": [455, 310],
        "source": "bytetrack",
        "zones": ["porch"],
    }


EVENTS = [
    {
        "type": "track_started",
        "camera_id": "front",
        "timestamp": NOW_S - 12,
        "id": "a",
        "track": {"label": "person", "track_id": 17},
    },
    {
        "type": "camera_lost",
        "camera_id": "yard",
        "timestamp": NOW_S - 14,
        "id": "b",
        "reason": "the camera closed the connection",
    },
]
LINES = [
    {"time": NOW_S - 3600, "level": "info", "text": "edged 0.1.0 runs with /etc/edged.toml"},
    {"time": NOW_S - 14, "level": "warning", "text": "yard: lost: the camera closed the connection"},
    {"time": NOW_S - 10, "level": "error", "text": "model: something to read about"},
]
