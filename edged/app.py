"""The daemon: starts everything in order, keeps it going, reloads it, and stops it in reverse."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import cv2

from edged import __version__
from edged.config import load
from edged.config.overrides import Overrides
from edged.core import log as logs
from edged.core.clock import SYSTEM_CLOCK
from edged.core.errors import ConfigError, EdgedError
from edged.core.folders import state_folder
from edged.core.types import Health
from edged.health import BoxMeter, summary
from edged.pipeline import Pipeline, load_detector
from edged.pulse import Pulse
from edged.serve import Box, Site
from edged.service import ServiceManager
from edged.track import LineTotals

if TYPE_CHECKING:
    from collections.abc import Awaitable
    from pathlib import Path

    from edged.config import Settings
    from edged.core.types import CameraHealth, CameraStatus, Event, TrackedFrame

log = logging.getLogger(__name__)

HEALTH_EVERY_S = 10.0
HEALTH_AT_MOST_EVERY_S = 1.0
SWITCH_INTERVAL_S = 0.0005  # a thread busy in Python must not hold up what the loop sends


class Daemon:
    """Runs one configuration from ``run`` to ``stop``; SIGHUP has its file read again."""

    def __init__(self, file: Path, settings: Settings) -> None:
        self._file = file
        self._settings = settings
        self._loop = asyncio.get_running_loop()
        self._service = ServiceManager()
        self._box = BoxMeter()
        self._pipeline: Pipeline | None = None
        self._pulse: Pulse | None = None
        self._site: Site | None = None
        self._stop = asyncio.Event()
        self._news = asyncio.Event()
        self._reload_asked = asyncio.Event()
        self._was_overloaded = False
        self.wants_restart = False

    async def run(self) -> None:
        """Start, serve until stopped, end; raises EdgedError when it cannot start."""
        cv2.setNumThreads(1)
        sys.setswitchinterval(SWITCH_INTERVAL_S)
        self._loop.add_signal_handler(signal.SIGTERM, self.stop)
        self._loop.add_signal_handler(signal.SIGINT, self.stop)
        self._loop.add_signal_handler(signal.SIGHUP, self._reload_asked.set)
        try:
            await self._unless_stopped(self._start_and_serve())
        finally:
            self._service.stopping()
            await self._end()

    def restart(self) -> None:
        """End soon, and let ``wants_restart`` tell whoever started us to do so again."""
        self.wants_restart = True
        self.stop()

    def stop(self) -> None:
        """End soon, whatever is under way."""
        self._stop.set()

    def on_tracked(self, tracked: TrackedFrame) -> None:
        """Tell who watches live; called in a thread of detection."""
        if site := self._site:
            site.live.on_tracked(tracked)

    def on_event(self, event: Event) -> None:
        """Nothing that health would tell."""

    def on_status(self, camera_id: str, status: CameraStatus) -> None:
        """Have health published soon, for a camera's state is part of it; called in the camera's thread."""
        del camera_id, status
        with suppress(RuntimeError):  # the loop is closed: a thread that FFmpeg held has come back too late
            self._loop.call_soon_threadsafe(self._news.set)

    async def _unless_stopped(self, work: Awaitable[None]) -> None:
        """Run ``work``, but give it up at once when the daemon is to stop."""
        task, stopped = asyncio.ensure_future(work), asyncio.ensure_future(self._stop.wait())
        await asyncio.wait((task, stopped), return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if not task.done():
            task.cancel()
            await asyncio.wait((task,))
        elif error := task.exception():
            raise error

    async def _start_and_serve(self) -> None:
        settings = self._settings
        log.debug("starting")
        detector = await load_detector(settings.model)
        pipeline = Pipeline(
            settings,
            detector,
            Overrides(state_folder() / "overrides.json"),
            LineTotals(state_folder() / "line-totals.json"),
            events_file=state_folder() / "events.sqlite",
            listener=self,
            on_restart=self.restart,
        )
        pulse = Pulse(self._service, pipeline.stuck)
        self._pipeline, self._pulse = pipeline, pulse
        pipeline.start()
        await self._open_site(settings, pipeline)
        self._service.ready()
        log.info("edged %s runs with %s", __version__, self._file)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(pulse.run())
            tasks.create_task(self._tell_health(pipeline))
            tasks.create_task(self._reload_when_asked(pipeline))

    async def _end(self) -> None:
        await self._close_site()
        if self._pipeline:
            await self._pipeline.stop()

    async def _open_site(self, settings: Settings, pipeline: Pipeline) -> None:
        if settings.http.enabled:
            box = Box(
                health=self._health,
                cameras=lambda: pipeline.cameras,
                set_detect=lambda camera_id, is_on: pipeline.set_detect_enabled(camera_id, enabled=is_on),
            )
            site = Site(settings.http, settings.webrtc, box)
            await site.start()
            self._site = site

    async def _close_site(self) -> None:
        if self._site:
            await self._site.stop()
        self._site = None

    def _health(self) -> Health:
        pipeline, pulse = self._pipeline, self._pulse
        return Health(
            timestamp_s=SYSTEM_CLOCK.wall_s(),
            box=self._box.measure(pulse.lag_ms if pulse else 0.0),
            broker=pipeline.broker_health() if pipeline else None,
            inference=pipeline.inference_health() if pipeline else None,
            cameras=tuple(map(self._with_viewers, pipeline.cameras_health())) if pipeline else (),
        )

    def _with_viewers(self, camera: CameraHealth) -> CameraHealth:
        if self._site is None:
            return camera
        live = self._site.live
        return replace(camera, viewers=live.viewers(camera.camera_id), live=live.how(camera.camera_id))

    async def _tell_health(self, pipeline: Pipeline) -> None:
        """Tell the broker and systemd every ten seconds, and sooner when a camera's state has changed."""
        while True:
            self._news.clear()
            health = self._health()
            if pipeline.publisher:
                pipeline.publisher.health(health)
            self._service.status(summary(health))
            self._say_if_overloaded(health)
            await asyncio.sleep(HEALTH_AT_MOST_EVERY_S)
            with suppress(TimeoutError):
                async with asyncio.timeout(HEALTH_EVERY_S - HEALTH_AT_MOST_EVERY_S):
                    await self._news.wait()

    def _say_if_overloaded(self, health: Health) -> None:
        is_overloaded = health.inference is not None and health.inference.overloaded
        if is_overloaded and not self._was_overloaded:
            log.warning("this box cannot keep up: every camera is looked at less often than wanted")
        elif self._was_overloaded and not is_overloaded:
            log.info("this box keeps up again")
        self._was_overloaded = is_overloaded

    async def _reload_when_asked(self, pipeline: Pipeline) -> None:
        while True:
            await self._reload_asked.wait()
            self._reload_asked.clear()
            self._service.reloading()
            try:
                await self._reload(pipeline)
            except EdgedError as error:
                problems = error.problems if isinstance(error, ConfigError) else [str(error)]
                for problem in (*problems, "reload refused: the old configuration stays in force"):
                    log.error("%s", problem)  # noqa: TRY400 - for the person who edited the file, not for us
            self._service.ready()

    async def _reload(self, pipeline: Pipeline) -> None:
        """Go over to what the file says now; whatever can fail comes before anything changes."""
        old, new = self._settings, await asyncio.to_thread(load, self._file)
        detector = await load_detector(new.model) if new.model != old.model else None
        if (new.http, new.webrtc) != (old.http, old.webrtc):
            await self._close_site()
            try:
                await self._open_site(new, pipeline)
            except EdgedError:
                await self._open_site(old, pipeline)
                raise
        self._settings = new
        logs.set_up(new.log.level)
        await pipeline.apply(new, detector)
        if self._site:
            self._site.live.end_sessions_of_gone_cameras()
        self._news.set()
        log.info("reloaded %s", self._file)
