"""The daemon: builds every part, starts them in order, stops them in reverse, reloads.

The only place that knows everybody.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from typing import TYPE_CHECKING

import cv2

from edged import __version__
from edged.camera import Camera, Everybody
from edged.capture import StreamPool
from edged.config import load
from edged.core import log as logs
from edged.core.errors import ConfigError, EdgedError
from edged.core.folders import state_folder
from edged.core.types import CameraState, Health, InferenceHealth, Size
from edged.detect import InferenceWorkers, ModelOptions, load_model
from edged.health import BoxMeter, problems, summary
from edged.overrides import Overrides
from edged.publish import Announcer, Publisher, RestartCamera, SetConfidence, SetDetect, SetFps
from edged.pulse import Pulse
from edged.serve import Site
from edged.service import ServiceManager

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from edged.config import CameraSettings, DetectSettings, ModelSettings, Settings
    from edged.core.types import CameraStatus, Event, TrackedFrame
    from edged.detect import Detector
    from edged.publish import Command

log = logging.getLogger(__name__)

HEALTH_EVERY_S = 10.0
HEALTH_AT_MOST_EVERY_S = 1.0
STOP_CAMERA_S = 1.5
STOP_WORKERS_S = 1.0
SWITCH_INTERVAL_S = 0.0005  # a thread busy in Python must not hold up what the loop sends


class Daemon:
    """Runs one configuration until it is told to stop; ``reload`` reads its file again."""

    def __init__(self, file: Path, settings: Settings) -> None:
        self._file = file
        self._settings = settings
        self._service = ServiceManager()
        self._box = BoxMeter()
        self._overrides = Overrides(state_folder() / "overrides.json")
        self._pool = StreamPool()
        self._everybody = Everybody()
        self._cameras: dict[str, Camera] = {}
        self._detector: Detector | None = None
        self._workers: InferenceWorkers | None = None
        self._publisher: Publisher | None = None
        self._announcer: Announcer | None = None
        self._site: Site | None = None
        self._stop = asyncio.Event()
        self._news = asyncio.Event()
        self._reloading = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Start, serve until ``stop``, end; raises EdgedError when it cannot start."""
        self._prepare_process()
        try:
            await self._until_stopped(self._start())
            await self._stop.wait()
        finally:
            self._service.stopping()
            await self._end()

    def stop(self) -> None:
        """End soon, whatever is under way."""
        self._stop.set()
