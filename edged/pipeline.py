"""The parts that carry out one configuration, and how they go over to another one."""

from __future__ import annotations

import asyncio
import logging
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from edged import __version__
from edged.camera import PLACES, Camera, Everybody
from edged.capture import StreamPool
from edged.config.commands import (
    EnableCamera,
    RestartBox,
    RestartCamera,
    SetConfidence,
    SetDetect,
    SetFps,
    SetQuality,
    TakeSnapshot,
)
from edged.core.mailbox import LatestSlot
from edged.core.types import InferenceHealth, Size
from edged.detect import InferenceWorkers, ModelOptions, load_model
from edged.health import temperature_c
from edged.publish import Announcer, Installation, Publisher

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from edged.camera import CameraListener
    from edged.config import CameraSettings, HttpSettings, ModelSettings, Settings
    from edged.config.commands import CameraChange, Command
    from edged.config.overrides import Overrides
    from edged.core.types import BrokerHealth, CameraHealth, Frame, Quality
    from edged.detect import Detector
    from edged.publish import Album
    from edged.track import LineTotals

log = logging.getLogger(__name__)

SNAPSHOT_TIMEOUT_S = 5.0
STOP_CAMERA_S = 1.5
STOP_WORKERS_S = 1.0
STUCK_AFTER_S = 10.0
OFF_IN_FILE = "switched off in the configuration"
OFF_BY_COMMAND = "switched off by a command"


class Pipeline:
    """Cameras, the detector they share, and the broker that is told; used from the event loop alone.

    ``listener`` is told what cameras tell, in their own threads; ``on_restart`` is called when a program on
    the broker wants the daemon to start anew.
    """

    def __init__(
        self,
        settings: Settings,
        detector: Detector,
        overrides: Overrides,
        totals: LineTotals,
        album: Album,
        *,
        events_file: Path,
        listener: CameraListener,
        on_restart: Callable[[], None],
    ) -> None:
        self._settings = settings
        self._detector = detector
        self._overrides = overrides
        self._totals = totals
        self.album = album
        self._events_file = events_file
        self._listener = listener
        self._on_restart = on_restart
        self._loop = asyncio.get_running_loop()
        self._changing = asyncio.Lock()  # one change at a time: a stop takes a while
        self._pool = StreamPool()
        self._everybody = Everybody(listener, album)
        self._workers = InferenceWorkers(detector, settings.model.workers)
        self._cameras: dict[str, Camera] = {}
        self._publisher: Publisher | None = None
        self._announcer: Announcer | None = None

    @property
    def publisher(self) -> Publisher | None:
        """What talks to the broker; None where the configuration wants none."""
        return self._publisher

    @property
    def cameras(self) -> Mapping[str, Camera]:
        """Those of the configuration in force, by their ids."""
        return self._cameras

    @property
    def detector(self) -> Detector:
        """What finds things."""
        return self._detector

    def start(self) -> None:
        """Start every part, in the order in which they need each other."""
        self._warn_of_unknown_labels()
        self._workers.start()
        self._start_publisher()
        self._start_cameras()

    async def stop(self) -> None:
        """Stop in reverse order, each part bounded in time."""
        await self._stop_cameras(list(self._cameras))
        await asyncio.to_thread(self._workers.stop, STOP_WORKERS_S)
        await self._stop_publisher()
        self.album.close()

    async def apply(self, new: Settings, detector: Detector | None) -> None:
        """Go over to ``new``, with ``detector`` where the model changed; leave alone what did not change."""
        async with self._changing:
            await self._apply(new, detector)

    async def _apply(self, new: Settings, detector: Detector | None) -> None:
        old, self._settings = self._settings, new
        is_new_broker = _of_broker(new) != _of_broker(old)
        if is_new_broker:
            await self._stop_publisher()
        if detector:
            await self._replace_detector(detector, is_new_crew=new.model.workers != old.model.workers)
        await self._stop_cameras([each for each in self._cameras if _must_restart(each, new, old)])
        if is_new_broker:
            self._start_publisher()
            self._tell_statuses()
        elif self._publisher:
            self._publisher.set_cameras(new.cameras)
            self._publisher.set_installation(installation(new))
        for camera in self._cameras.values():
            camera.set_places(new.cameras[camera.camera_id])
            camera.settings = new.cameras[camera.camera_id]
            self._put_in_force(camera)
        self._start_cameras()

    def cameras_health(self) -> tuple[CameraHealth, ...]:
        """How each camera does now."""
        return tuple(camera.health() for camera in self._cameras.values())

    def broker_health(self) -> BrokerHealth | None:
        """How the connection to the broker does; None where the configuration wants none."""
        return self._publisher.broker_health() if self._publisher else None

    def inference_health(self) -> InferenceHealth:
        """How detection does now."""
        return InferenceHealth(
            model=self._detector.name,
            provider=self._detector.provider,
            layout=self._detector.layout,
            inference_ms=self._workers.inference_ms,
            fps=self._workers.fps,
            overloaded=self._workers.is_overloaded,
        )

    def stuck(self) -> str | None:
        """Name what stands still although it has work; a camera that is down is not stuck."""
        if self._workers.stuck_s > STUCK_AFTER_S:
            return f"inference has not moved for {self._workers.stuck_s:.0f} s"
        unwatched = [camera.camera_id for camera in self._cameras.values() if camera.is_unwatched]
        return f"nobody watches over camera {', '.join(unwatched)}" if unwatched else None

    def _start_publisher(self) -> None:
        settings = self._settings
        if not settings.mqtt.enabled:
            return
        self._publisher = Publisher(
            settings.mqtt,
            base_topic=settings.base_topic,
            client_id=settings.client_id,
            on_command=self._on_command,
            box_id=settings.box.id,
            home_assistant=settings.home_assistant,
            events_file=self._events_file,
        )
        self._announcer = Announcer(self._publisher, self._totals)
        self._everybody.listeners = (self._listener, self.album, self._announcer)
        self.album.tell = self._publisher.event_snapshot
        self._publisher.set_cameras(settings.cameras)
        self._publisher.set_installation(installation(settings))
        self._publisher.start()

    def _tell_statuses(self) -> None:
        """Say where every camera stands that runs on: it will not say so itself until that changes."""
        if self._announcer:
            for camera in self._cameras.values():
                self._announcer.on_status(camera.camera_id, camera.status)

    async def _stop_publisher(self) -> None:
        self._everybody.listeners = (self._listener, self.album)
        self.album.tell = None
        if self._announcer:
            self._announcer.close()
        if self._publisher:
            await asyncio.to_thread(self._publisher.stop)
        self._announcer = self._publisher = None

    def _start_cameras(self) -> None:
        """Start those cameras of the settings that do not run yet."""
        for camera_id, settings in self._settings.cameras.items():
            if camera_id not in self._cameras:
                self._start_camera(camera_id, settings)

    def _start_camera(self, camera_id: str, settings: CameraSettings) -> None:
        is_enabled = self._overrides.is_enabled(camera_id, configured=settings.enabled)
        camera = Camera(
            camera_id,
            settings,
            self._overrides.applied(camera_id, settings.detect),
            pool=self._pool,
            workers=self._workers,
            listener=self._everybody,
            off_reason=OFF_BY_COMMAND if settings.enabled else OFF_IN_FILE,
        )
        camera.quality = self._overrides.quality(camera_id, settings.quality)
        self._cameras[camera_id] = camera
        if self._announcer:
            self._announcer.set_camera(camera_id, camera.in_force)
        if is_enabled:
            camera.start()

    async def _stop_cameras(self, camera_ids: Iterable[str]) -> None:
        """Stop them all at once: each may take its whole time, and the loop has few threads."""
        cameras = [self._cameras.pop(camera_id) for camera_id in camera_ids]
        threads = ThreadPoolExecutor(max(1, len(cameras)), "stop")
        stops = [self._loop.run_in_executor(threads, camera.stop, STOP_CAMERA_S) for camera in cameras]
        threads.shutdown(wait=False)
        await asyncio.gather(*stops)

    async def _replace_detector(self, detector: Detector, *, is_new_crew: bool) -> None:
        self._detector = detector
        self._warn_of_unknown_labels()
        if not is_new_crew:
            self._workers.swap(detector)
            return
        await self._stop_cameras(list(self._cameras))
        await asyncio.to_thread(self._workers.stop, STOP_WORKERS_S)
        self._workers = InferenceWorkers(detector, self._settings.model.workers)
        self._workers.start()

    def _warn_of_unknown_labels(self) -> None:
        detector = self._detector
        log.info("model %s: %s on %s", detector.name, detector.layout, detector.provider)
        for camera_id, camera in self._settings.cameras.items():
            if not set(camera.detect.labels) & set(detector.labels):
                wanted, known = ", ".join(camera.detect.labels), ", ".join(detector.labels[:10])
                log.warning("camera %s: the model knows none of %s; it knows %s", camera_id, wanted, known)

    def _on_command(self, command: Command) -> None:
        """Take a command from the publisher's thread into the loop."""
        asyncio.run_coroutine_threadsafe(self.obey(command), self._loop)

    async def frame(self, camera_id: str, timeout_s: float) -> Frame | None:
        """Return a picture of now, decoding for it if nobody else does; None where none comes in time."""
        camera = self._cameras[camera_id]
        if camera.last:
            return camera.last.frame
        came = asyncio.Event()

        def wake() -> None:
            self._loop.call_soon_threadsafe(came.set)

        slot: LatestSlot[Frame] = LatestSlot(wake)
        give_back = camera.lend_frames(slot, 1.0)
        if give_back is None:
            return None
        try:
            await asyncio.wait_for(came.wait(), timeout_s)
        except TimeoutError:
            return None
        finally:
            give_back()
        return slot.take()

    async def obey(self, command: Command) -> None:
        """Do what somebody asks for, and remember it over a restart."""
        if isinstance(command, RestartBox):
            log.info("restart of the daemon asked for")
            self._on_restart()
            return
        if isinstance(command, TakeSnapshot):
            await self._take_snapshot(command.camera_id)
            return
        async with self._changing:
            await self._change(command)

    async def _change(self, command: CameraChange) -> None:
        camera = self._cameras.get(command.camera_id)
        if camera is None:  # it was removed before its turn came
            return
        match command:
            case RestartCamera():
                log.info("camera %s: restart asked for", camera.camera_id)
                camera.restart()
            case EnableCamera(enabled=wanted):
                await self._enable(camera, wanted=wanted)
            case SetDetect(enabled=value):
                await self._override(camera, "enabled", value)
            case SetConfidence(value=value):
                await self._override(camera, "confidence", value)
            case SetFps(value=value):
                await self._override(camera, "fps", value)
            case SetQuality(value=value):
                await self._set_quality(camera, value)

    async def _enable(self, camera: Camera, *, wanted: bool) -> None:
        """Start or stop a camera as if the file had said so."""
        camera_id, settings = camera.camera_id, camera.settings
        log.info("camera %s: %s", camera_id, "switched on" if wanted else "switched off")
        is_running = self._overrides.is_enabled(camera_id, configured=settings.enabled)
        await asyncio.to_thread(
            self._overrides.enable, camera_id, enabled=wanted, configured=settings.enabled
        )
        if wanted != is_running:
            await self._stop_cameras([camera_id])
            self._start_camera(camera_id, settings)

    async def _take_snapshot(self, camera_id: str) -> None:
        if camera_id not in self._cameras:  # it was removed while the command was on its way
            return
        frame = await self.frame(camera_id, SNAPSHOT_TIMEOUT_S)
        if frame is None:
            log.warning("camera %s: no snapshot: no picture came within %g s", camera_id, SNAPSHOT_TIMEOUT_S)
        elif self._announcer:
            self._announcer.snapshot(camera_id, frame)

    async def _override(self, camera: Camera, key: str, value: float) -> None:
        log.info("camera %s: detect.%s = %s", camera.camera_id, key, value)
        configured = camera.settings.detect
        await asyncio.to_thread(self._overrides.set, camera.camera_id, key, value, configured)
        self._put_in_force(camera)

    async def _set_quality(self, camera: Camera, value: Quality) -> None:
        log.info("camera %s: quality = %s", camera.camera_id, value)
        configured = camera.settings.quality
        await asyncio.to_thread(self._overrides.set_quality, camera.camera_id, value, configured)
        self._put_in_force(camera)

    def _put_in_force(self, camera: Camera) -> None:
        """Use what the file and commands say together."""
        camera.set_detect(self._overrides.applied(camera.camera_id, camera.settings.detect))
        camera.quality = self._overrides.quality(camera.camera_id, camera.settings.quality)
        if self._announcer:
            self._announcer.set_camera(camera.camera_id, camera.in_force)


async def load_detector(settings: ModelSettings) -> Detector:
    """Load and warm up the configured model without holding up the loop; raises ModelError."""
    return await asyncio.to_thread(load_model, model_options(settings))


def model_options(settings: ModelSettings) -> ModelOptions:
    """Return what to load, as the configuration says."""
    return ModelOptions(
        path=settings.file,
        labels_file=settings.labels_file,
        input_size=Size(*settings.input_size) if settings.input_size else None,
        providers=settings.providers,
    )


def installation(settings: Settings) -> Installation:
    """Return what Home Assistant is to find of this box."""
    return Installation(
        box_id=settings.box.id,
        version=__version__,
        configuration_url=_page(settings.http),
        has_temperature=temperature_c() is not None,
        cameras=settings.cameras,
    )


def _page(settings: HttpSettings) -> str | None:
    """Return the address of the page as others on the network see it; None where they do not."""
    if not settings.enabled or not settings.token:  # without a token it listens to this machine alone
        return None
    host = socket.gethostname() if settings.host in {"0.0.0.0", "::"} else settings.host  # noqa: S104
    return f"http://[{host}]:{settings.port}/" if ":" in host else f"http://{host}:{settings.port}/"


def _of_broker(settings: Settings) -> tuple[object, ...]:
    """Return those settings with which a connection to the broker is made."""
    return settings.mqtt, settings.box, settings.home_assistant


def _must_restart(camera_id: str, new: Settings, old: Settings) -> bool:
    """Whether a camera is gone, or has changed in more than can be changed while it runs."""
    if camera_id not in new.cameras:
        return True
    is_live = {"detect", "quality", *PLACES}
    return new.cameras[camera_id].model_dump(exclude=is_live) != old.cameras[camera_id].model_dump(
        exclude=is_live
    )
