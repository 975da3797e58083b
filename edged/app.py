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
from edged.core.clock import SYSTEM_CLOCK
from edged.core.errors import ConfigError, EdgedError
from edged.core.folders import state_folder
from edged.core.types import CameraState, Health, InferenceHealth, Size
from edged.detect import InferenceWorkers, ModelOptions, load_model
from edged.health import BoxMeter, summary
from edged.overrides import Overrides
from edged.publish import Announcer, Publisher, RestartCamera, SetConfidence, SetDetect, SetFps
from edged.pulse import Pulse
from edged.serve import Site
from edged.service import ServiceManager

if TYPE_CHECKING:
    from collections.abc import Awaitable
    from pathlib import Path

    from edged.config import CameraSettings, ModelSettings, Settings
    from edged.core.types import CameraStatus, Event, TrackedFrame
    from edged.detect import Detector
    from edged.publish import Command

log = logging.getLogger(__name__)

HEALTH_EVERY_S = 10.0
HEALTH_AT_MOST_EVERY_S = 1.0
STOP_CAMERA_S = 1.5
STOP_WORKERS_S = 1.0
STUCK_AFTER_S = 10.0
SWITCH_INTERVAL_S = 0.0005  # a thread busy in Python must not hold up what the loop sends


class Daemon:
    """Runs one configuration until it is stopped; everything but the cameras' own threads lives in the loop."""

    def __init__(self, file: Path, settings: Settings) -> None:
        self._file = file
        self._settings = settings
        self._service = ServiceManager()
        self._pulse = Pulse(self._service, self._stuck)
        self._box = BoxMeter()
        self._overrides = Overrides(state_folder() / "overrides.json")
        self._pool = StreamPool()
        self._cameras: dict[str, Camera] = {}
        self._everybody = Everybody(self)
        self._detector: Detector | None = None
        self._workers: InferenceWorkers | None = None
        self._publisher: Publisher | None = None
        self._announcer: Announcer | None = None
        self._site: Site | None = None
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        self._news = asyncio.Event()
        self._reload_asked = asyncio.Event()
        self._was_overloaded = False

    async def run(self) -> None:
        """Start, serve until stopped, end; raises EdgedError when it cannot start."""
        cv2.setNumThreads(1)
        sys.setswitchinterval(SWITCH_INTERVAL_S)
        self._loop.add_signal_handler(signal.SIGTERM, self.stop)
        self._loop.add_signal_handler(signal.SIGINT, self.stop)
        self._loop.add_signal_handler(signal.SIGHUP, self._reload_asked.set)
        try:
            if await self._before_stop(self._start()):
                self._service.ready()
                log.info("edged %s runs with %s", __version__, self._file)
                await self._before_stop(self._serve())
        finally:
            self._service.stopping()
            await self._end()

    def stop(self) -> None:
        """End soon, whatever is under way."""
        self._stop.set()

    def health(self) -> Health:
        """How everything does, now."""
        workers, detector = self._workers, self._detector
        return Health(
            timestamp_s=SYSTEM_CLOCK.wall_s(),
            box=self._box.measure(self._pulse.lag_ms),
            broker=self._publisher.broker_health() if self._publisher else None,
            inference=InferenceHealth(
                model=detector.name,
                provider=detector.provider,
                layout=detector.layout,
                inference_ms=workers.inference_ms,
                fps=workers.fps,
                overloaded=workers.is_overloaded,
            )
            if workers and detector
            else None,
            cameras=tuple(camera.health() for camera in self._cameras.values()),
        )

    def on_tracked(self, tracked: TrackedFrame) -> None:
        """Nothing that health would tell."""

    def on_event(self, event: Event) -> None:
        """Nothing that health would tell."""

    def on_status(self, camera_id: str, status: CameraStatus) -> None:
        """Have health published soon, because a camera's state is part of it; called in the camera's thread."""
        del camera_id, status
        self._loop.call_soon_threadsafe(self._news.set)

    async def _before_stop(self, work: Awaitable[None]) -> bool:
        """Run ``work`` until it ends or the daemon is to stop; whether it ended by itself."""
        task, stopped = asyncio.ensure_future(work), asyncio.ensure_future(self._stop.wait())
        await asyncio.wait((task, stopped), return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if task.done():
            task.result()
            return True
        task.cancel()
        await asyncio.wait((task,))
        return False

    async def _start(self) -> None:
        settings = self._settings
        self._detector = await asyncio.to_thread(load_model, model_options(settings.model))
        self._announce_model(self._detector, settings)
        self._workers = self._start_workers(settings)
        self._start_publisher(settings)
        for camera_id, camera in settings.cameras.items():
            self._start_camera(camera_id, camera)
        await self._start_site(settings)

    async def _serve(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._pulse.run())
            tasks.create_task(self._tell_health())
            tasks.create_task(self._reload_when_asked())

    async def _end(self) -> None:
        """Stop in reverse order, each part bounded in time."""
        if self._site:
            await self._site.stop()
        await self._stop_cameras(list(self._cameras))
        if self._workers:
            await asyncio.to_thread(self._workers.stop, STOP_WORKERS_S)
        await self._stop_publisher()

    # What is started

    def _start_workers(self, settings: Settings) -> InferenceWorkers:
        assert self._detector is not None
        workers = InferenceWorkers(self._detector, settings.model.workers)
        workers.start()
        return workers

    def _start_publisher(self, settings: Settings) -> None:
        if not settings.mqtt.enabled:
            return
        self._publisher = Publisher(
            settings.mqtt,
            base_topic=settings.base_topic,
            client_id=settings.client_id,
            on_command=lambda command: self._loop.call_soon_threadsafe(self._obey, command),
        )
        self._announcer = Announcer(self._publisher)
        self._everybody.listeners = (self, self._announcer)
        self._publisher.set_cameras(settings.cameras)
        self._publisher.start()

    async def _stop_publisher(self) -> None:
        self._everybody.listeners = (self,)
        if self._announcer:
            self._announcer.close()
        if self._publisher:
            await asyncio.to_thread(self._publisher.stop)
        self._announcer = self._publisher = None

    async def _start_site(self, settings: Settings) -> None:
        if settings.http.enabled:
            self._site = Site(settings.http, self.health)
            await self._site.start()

    def _start_camera(self, camera_id: str, settings: CameraSettings) -> None:
        assert self._workers is not None
        camera = Camera(
            camera_id,
            settings,
            self._overrides.applied(camera_id, settings.detect),
            pool=self._pool,
            workers=self._workers,
            listener=self._everybody,
        )
        self._cameras[camera_id] = camera
        if self._announcer:
            self._announcer.set_detect(camera_id, camera.detect)
        if settings.enabled:
            camera.start()

    async def _stop_cameras(self, camera_ids: list[str]) -> None:
        cameras = [self._cameras.pop(camera_id) for camera_id in camera_ids]
        await asyncio.gather(*(asyncio.to_thread(camera.stop, STOP_CAMERA_S) for camera in cameras))

    def _announce_model(self, detector: Detector, settings: Settings) -> None:
        log.info("model %s: %s on %s", detector.name, detector.layout, detector.provider)
        for camera_id, camera in settings.cameras.items():
            if not set(camera.detect.labels) & set(detector.labels):
                wanted, known = ", ".join(camera.detect.labels), ", ".join(detector.labels[:10])
                log.warning("camera %s: the model knows none of %s; it knows %s", camera_id, wanted, known)

    # What goes on

    async def _tell_health(self) -> None:
        """Publish health every ten seconds, and sooner when a camera's state has changed."""
        while True:
            self._news.clear()
            health = self.health()
            if self._publisher:
                self._publisher.health(health)
            self._service.status(summary(health))
            self._say_if_overloaded(health)
            await asyncio.sleep(HEALTH_AT_MOST_EVERY_S)
            try:
                async with asyncio.timeout(HEALTH_EVERY_S - HEALTH_AT_MOST_EVERY_S):
                    await self._news.wait()
            except TimeoutError:
                pass

    def _say_if_overloaded(self, health: Health) -> None:
        is_overloaded = health.inference is not None and health.inference.overloaded
        if is_overloaded and not self._was_overloaded:
            log.warning("this box cannot keep up; all cameras are detected less often than wanted: see edged bench")
        elif self._was_overloaded and not is_overloaded:
            log.info("this box keeps up again")
        self._was_overloaded = is_overloaded

    def _stuck(self) -> str | None:
        """Name what stands still although it has work."""
        if self._workers and self._workers.stuck_s > STUCK_AFTER_S:
            return f"inference has not moved for {self._workers.stuck_s:.0f} s"
        stuck = [camera.camera_id for camera in self._cameras.values() if camera.is_unwatched]
        return f"nobody watches over camera {', '.join(stuck)}" if stuck else None

    def _obey(self, command: Command) -> None:
        """Do what a program on the broker asks for, and remember it."""
        camera = self._cameras.get(command.camera_id)
        if camera is None:  # it was removed while the command was on its way
            return
        match command:
            case RestartCamera():
                log.info("camera %s: restart asked for", camera.camera_id)
                camera.restart()
            case SetDetect(enabled=value):
                self._change(camera, "enabled", value)
            case SetConfidence(value=value):
                self._change(camera, "confidence", value)
            case SetFps(value=value):
                self._change(camera, "fps", value)

    def _change(self, camera: Camera, key: str, value: bool | float) -> None:  # noqa: FBT001 - a value of a setting
        log.info("camera %s: detect.%s = %s", camera.camera_id, key, value)
        self._overrides.set(camera.camera_id, key, value, camera.settings.detect)
        self._use_detect(camera)

    def _use_detect(self, camera: Camera) -> None:
        """Put in force what the file and commands say together."""
        camera.set_detect(self._overrides.applied(camera.camera_id, camera.settings.detect))
        if self._announcer:
            self._announcer.set_detect(camera.camera_id, camera.detect)
        self._news.set()

    # Reload

    async def _reload_when_asked(self) -> None:
        while True:
            await self._reload_asked.wait()
            self._reload_asked.clear()
            self._service.reloading()
            try:
                await self._apply(await asyncio.to_thread(load, self._file))
                log.info("reloaded %s", self._file)
            except ConfigError as error:
                for problem in error.problems:
                    log.error("%s", problem)  # noqa: TRY400 - one line for the person who edited the file
                log.error("reload refused: the old configuration stays in force")  # noqa: TRY400 - as above
            except EdgedError as error:
                log.error("reload refused, the old configuration stays in force: %s", error)  # noqa: TRY400
            self._service.ready()

    async def _apply(self, new: Settings) -> None:
        """Go over to ``new``; what may fail comes first, cameras that did not change are not touched."""
        old = self._settings
        detector = None
        if new.model != old.model:
            detector = await asyncio.to_thread(load_model, model_options(new.model))
        if new.http != old.http:
            await self._replace_site(old, new)
        self._settings = new
        logs.set_up(new.log.level)
        is_new_broker = (new.mqtt, new.box) != (old.mqtt, old.box)
        if is_new_broker:
            await self._stop_publisher()
        if detector:
            await self._replace_model(detector, new, old)
        await self._stop_cameras([each for each in self._cameras if _must_restart(each, new, old)])
        if is_new_broker:
            self._start_publisher(new)
        elif self._publisher:
            self._publisher.set_cameras(new.cameras)
        for camera_id, settings in new.cameras.items():
            if camera_id in self._cameras:
                self._cameras[camera_id].settings = settings
                self._use_detect(self._cameras[camera_id])
            else:
                self._start_camera(camera_id, settings)
        self._news.set()

    async def _replace_site(self, old: Settings, new: Settings) -> None:
        """Listen where ``new`` says; where that fails, listen as before and let the error out."""
        if self._site:
            await self._site.stop()
            self._site = None
        try:
            await self._start_site(new)
        except EdgedError:
            await self._start_site(old)
            raise

    async def _replace_model(self, detector: Detector, new: Settings, old: Settings) -> None:
        assert self._workers is not None
        self._announce_model(detector, new)
        self._detector = detector
        if new.model.workers == old.model.workers:
            self._workers.swap(detector)
            return
        await self._stop_cameras(list(self._cameras))
        await asyncio.to_thread(self._workers.stop, STOP_WORKERS_S)
        self._workers = self._start_workers(new)


def model_options(settings: ModelSettings) -> ModelOptions:
    """Return what to load, as the configuration says."""
    return ModelOptions(
        path=settings.file,
        labels_file=settings.labels_file,
        input_size=Size(*settings.input_size) if settings.input_size else None,
        providers=settings.providers,
    )


def _must_restart(camera_id: str, new: Settings, old: Settings) -> bool:
    """Whether a camera is gone, or its change is more than a new threshold or rate."""
    if camera_id not in new.cameras:
        return True
    without_detect = {"detect"}
    return new.cameras[camera_id].model_dump(exclude=without_detect) != old.cameras[camera_id].model_dump(
        exclude=without_detect
    )
