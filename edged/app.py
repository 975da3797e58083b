"""The daemon: starts everything in order, keeps it going, reloads it, and stops it in reverse."""

from __future__ import annotations

import asyncio
import ctypes
import logging
import signal
import sys
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import cv2

from edged import __version__
from edged.config import load
from edged.config.commands import SetDetect
from edged.config.overrides import Overrides
from edged.control.address import SOCKET_NAME
from edged.control.api import Api
from edged.control.server import ControlServer
from edged.core import log as logs
from edged.core.clock import SYSTEM_CLOCK
from edged.core.errors import ConfigError, EdgedError, ListenError
from edged.core.folders import cache_folder, runtime_folder, state_folder
from edged.core.ring import Ring
from edged.core.types import Health
from edged.health import BoxMeter, summary
from edged.pipeline import Pipeline, load_detector
from edged.publish import Album
from edged.pulse import Pulse
from edged.serve import Box, Site
from edged.service import ServiceManager
from edged.track import LineTotals

if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping
    from pathlib import Path

    from edged.camera import Camera
    from edged.config import Settings
    from edged.config.commands import Command
    from edged.core.types import CameraHealth, CameraStatus, Event, Frame, TrackedFrame
    from edged.detect import Detector

log = logging.getLogger(__name__)

LATE_MS = 100.0  # twice what 16 viewers of a busy box make of it
HEALTH_EVERY_S = 10.0
HEALTH_AT_MOST_EVERY_S = 1.0
EVENTS_KEPT = 200
M_ARENA_MAX = -8  # malloc.h
MOST_ARENAS = 2
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
        self._control: ControlServer | None = None
        self._api = Api(self)
        self.events: Ring[Event] = Ring(EVENTS_KEPT)
        self._reloading = asyncio.Lock()
        self._stop = asyncio.Event()
        self._news = asyncio.Event()
        self._reload_asked = asyncio.Event()
        self._was_overloaded = False
        self.wants_restart = False

    async def run(self) -> None:
        """Start, serve until stopped, end; raises EdgedError when it cannot start."""
        cv2.setNumThreads(1)
        _keep_heap_together()
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

    def on_event(self, event: Event, frame: Frame | None) -> None:
        """Keep it for whoever looks in, without its picture; called in the camera's thread."""
        del frame
        self.events.put(event)

    def on_status(self, camera_id: str, status: CameraStatus) -> None:
        """Have health published soon, for a camera's state is part of it; called in the camera's thread."""
        del camera_id, status
        with suppress(RuntimeError):  # the loop is closed: a thread that FFmpeg held has come back too late
            self._loop.call_soon_threadsafe(self._news.set)

    @property
    def settings(self) -> Settings:
        """What the file said when it was last read."""
        return self._settings

    @property
    def file(self) -> Path:
        """Where the settings are from."""
        return self._file

    @property
    def cameras(self) -> Mapping[str, Camera]:
        """Every camera of the configuration; none before the start is over."""
        return self._pipeline.cameras if self._pipeline else {}

    @property
    def detector(self) -> Detector | None:
        """What finds things; None before it is loaded."""
        return self._pipeline.detector if self._pipeline else None

    async def obey(self, command: Command) -> None:
        """Do what somebody asks of a camera."""
        if self._pipeline:
            await self._pipeline.obey(command)
            self._news.set()

    async def frame(self, camera_id: str, timeout_s: float) -> Frame | None:
        """Return a picture of now; None where none comes in time."""
        return await self._pipeline.frame(camera_id, timeout_s) if self._pipeline else None

    async def reload(self) -> None:
        """Read the file again and go over to it; raises EdgedError and changes nothing when that fails."""
        if self._pipeline is None:
            return
        async with self._reloading:
            self._service.reloading()
            try:
                await self._reload(self._pipeline)
            except EdgedError as error:
                problems = error.problems if isinstance(error, ConfigError) else [str(error)]
                for problem in (*problems, "reload refused: the old configuration stays in force"):
                    log.error("%s", problem)  # noqa: TRY400 - for the person who edited the file, not for us
                raise
            finally:
                self._service.ready()

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
            Album(cache_folder() / "events"),
            events_file=state_folder() / "events.sqlite",
            listener=self,
            on_restart=self.restart,
        )
        pulse = Pulse(self._service, pipeline.stuck)
        self._pipeline, self._pulse = pipeline, pulse
        pipeline.start()
        await self._open_site(settings, pipeline)
        await self._open_control()
        self._service.ready()
        log.info("edged %s runs with %s", __version__, self._file)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(pulse.run())
            tasks.create_task(self._tell_health(pipeline))
            tasks.create_task(self._reload_when_asked())

    async def _end(self) -> None:
        if self._control:
            await self._control.stop()
        await self._close_site()
        if self._pipeline:
            await self._pipeline.stop()

    async def _open_control(self) -> None:
        """Let the console in; cameras are not given up because that cannot be had."""
        control = ControlServer(runtime_folder() / SOCKET_NAME, self._settings.control, self._api)
        try:
            await control.start()
        except ListenError as error:
            log.error("%s", error)  # noqa: TRY400 - it is a plain line for a person
        else:
            self._control = control

    async def _open_site(self, settings: Settings, pipeline: Pipeline) -> None:
        if settings.http.enabled:
            box = Box(
                health=self.health,
                is_overloaded=lambda: self._is_overloaded(pipeline),
                cameras=lambda: pipeline.cameras,
                set_detect=lambda camera_id, is_on: pipeline.obey(SetDetect(camera_id, is_on)),
                event_picture=pipeline.album.find,
            )
            verbs = self._api.routes_with_token() if settings.http.token else ()
            site = Site(settings.http, settings.webrtc, box, verbs)
            await site.start()
            self._site = site

    async def _close_site(self) -> None:
        if self._site:
            await self._site.stop()
        self._site = None

    def health(self) -> Health:
        """How everything does now."""
        pipeline = self._pipeline
        return Health(
            timestamp_s=SYSTEM_CLOCK.wall_s(),
            box=self._box.measure(self._lag_ms),
            broker=pipeline.broker_health() if pipeline else None,
            inference=pipeline.inference_health() if pipeline else None,
            cameras=tuple(map(self._with_viewers, pipeline.cameras_health())) if pipeline else (),
        )

    def _is_overloaded(self, pipeline: Pipeline) -> bool:
        """Whether there is too little CPU: where detection starves, the loop may be in time still."""
        return self._lag_ms > LATE_MS or pipeline.inference_health().overloaded

    @property
    def _lag_ms(self) -> float:
        return self._pulse.lag_ms if self._pulse else 0.0

    def _with_viewers(self, camera: CameraHealth) -> CameraHealth:
        if self._site is None:
            return camera
        live = self._site.live
        return replace(camera, viewers=live.viewers(camera.camera_id), live=live.how(camera.camera_id))

    async def _tell_health(self, pipeline: Pipeline) -> None:
        """Tell the broker and systemd every ten seconds, and sooner when a camera's state has changed."""
        while True:
            self._news.clear()
            health = self.health()
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

    async def _reload_when_asked(self) -> None:
        while True:
            await self._reload_asked.wait()
            self._reload_asked.clear()
            with suppress(EdgedError):  # said in the log
                await self.reload()

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
        if self._control:
            self._control.apply(new.control)
        logs.set_up(new.log.level)
        await pipeline.apply(new, detector)
        if self._site:
            self._site.live.end_sessions_of_gone_cameras()
        self._news.set()
        log.info("reloaded %s", self._file)


def _keep_heap_together() -> None:
    """Have glibc give all threads two heaps (mallopt(3)), so that not each of them keeps what it freed."""
    with suppress(OSError, AttributeError):  # another C library
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, MOST_ARENAS)
