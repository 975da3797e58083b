"""One camera: its frames to the detector, what is detected to its tracker, its tracks to who listens."""

from __future__ import annotations

import logging
import threading
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from edged.capture import CaptureOptions
from edged.core.clock import SYSTEM_CLOCK
from edged.core.errors import ModelError
from edged.core.types import (
    NOBODY,
    CameraHealth,
    CameraState,
    CameraStatus,
    Crossing,
    Event,
    EventKind,
    Snapshot,
    TrackedFrame,
)
from edged.detect import FeedSettings
from edged.track import PlaceEvent, Places, PlacesUpdate, Portraits, Regions, Sight, Tracker, TrackerUpdate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from edged.capture import FrameOutlet, Stream, StreamPool
    from edged.config import CameraSettings, DetectSettings
    from edged.core.clock import Clock
    from edged.core.mailbox import LatestSlot
    from edged.core.types import Detections, Frame, Size, Track
    from edged.detect import Feed, InferenceWorkers

log = logging.getLogger(__name__)

Told = tuple[Event, "Frame | None"]  # an event with its picture

PLACES = {"zones", "lines", "include", "exclude"}  # the settings that say what is where in a picture


class CameraListener(Protocol):
    """Who is told what a camera sees; called in the camera's threads, so it must be quick and never raise."""

    def on_tracked(self, tracked: TrackedFrame) -> None:
        """A detection pass is done."""

    def on_event(self, event: Event, frame: Frame | None) -> None:
        """Something happened; ``frame`` is the picture of it, where it has one."""

    def on_status(self, camera_id: str, status: CameraStatus) -> None:
        """The camera's stream has changed its state."""


class Everybody:
    """Passes on to each of its listeners what a camera tells."""

    def __init__(self, *listeners: CameraListener) -> None:
        self.listeners = listeners

    def on_tracked(self, tracked: TrackedFrame) -> None:
        """A detection pass is done."""
        for listener in self.listeners:
            listener.on_tracked(tracked)

    def on_event(self, event: Event, frame: Frame | None) -> None:
        """Something happened; ``frame`` is the picture of it, where it has one."""
        for listener in self.listeners:
            listener.on_event(event, frame)

    def on_status(self, camera_id: str, status: CameraStatus) -> None:
        """The camera's stream has changed its state."""
        for listener in self.listeners:
            listener.on_status(camera_id, status)


class Camera:
    """Runs one camera from its settings; ``start`` and ``stop`` once, from one thread.

    ``detect`` and ``quality`` are what is in force: the configuration with what commands have changed laid
    over it.
    """

    def __init__(
        self,
        camera_id: str,
        settings: CameraSettings,
        detect: DetectSettings,
        *,
        pool: StreamPool,
        workers: InferenceWorkers,
        listener: CameraListener,
        off_reason: str,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self.camera_id = camera_id
        self.settings = settings
        self.detect = detect
        self.quality = settings.quality
        self._pool = pool
        self._workers = workers
        self._listener = listener
        self._clock = clock
        self._off = CameraStatus(CameraState.DISABLED, off_reason, clock.wall_s())
        self._stream: Stream | None = None
        self._outlet: FrameOutlet | None = None
        self._feed: Feed | None = None
        self._lock = threading.Lock()  # guards the tracker, the places and what was last said of them
        self._tracker = Tracker(settings.track, detect.confidence)
        self._places = Places(settings)
        self._regions = Regions(settings.include, settings.exclude)
        self._portraits = Portraits()
        self._last: TrackedFrame | None = None
        self._size: Size | None = None  # of the newest frame
        self._was_lost = False

    def start(self) -> None:
        """Begin to connect; returns at once."""
        self._feed = self._workers.add(self.camera_id, self._feed_settings(), self._on_result)
        self._stream = self._pool.acquire(capture_options(self.settings), self.camera_id, self._on_status)
        self._look()

    def stop(self, timeout_s: float) -> None:
        """Let go of the stream and the detector; every track ends."""
        if self._stream and self._feed:
            self._look_away()
            self._workers.remove(self._feed)
            self._pool.release(self._stream, self._on_status, timeout_s)
        self._end_tracks(self._clock.wall_s())
        self._stream = self._feed = None

    def restart(self) -> None:
        """Connect anew at once."""
        if self._stream:
            self._stream.restart()

    def set_detect(self, detect: DetectSettings) -> None:
        """Look for other things, at another rate, or not at all, from the next frame on."""
        self.detect = detect
        if self._stream is None or self._feed is None:
            return
        self._workers.change(self._feed, self._feed_settings())
        with self._lock:
            self._tracker.set_confidence(detect.confidence)
        if detect.enabled:
            self._look()
        else:
            self._look_away()
            self._end_tracks(self._clock.wall_s())

    def open_video(self) -> Stream:
        """Hold the stream that people watch; detection's own, where both look at the same address."""
        return self._pool.acquire(
            replace(capture_options(self.settings), url=self.settings.url), self.camera_id
        )

    def open_substream(self) -> Stream | None:
        """Hold the smaller stream that detection looks at; None where it looks at the one for people."""
        if self.settings.detect_url is None:
            return None
        return self._pool.acquire(capture_options(self.settings), self.camera_id)

    def close_video(self, stream: Stream) -> None:
        """Let go of what one of the two above returned; may take as long as the camera takes to hang up."""
        self._pool.release(stream)

    def set_places(self, settings: CameraSettings) -> None:
        """Use the zones, lines and regions of ``settings`` from the next frame on; visits begin anew."""
        if settings.model_dump(include=PLACES) == self.settings.model_dump(include=PLACES):
            return
        self.settings = settings
        with self._lock:
            left, self._places = self._places.close(), Places(settings)
            self._regions = Regions(settings.include, settings.exclude)
        self._tell_all(self._place_events(left, self._clock.wall_s()))

    @property
    def in_force(self) -> CameraSettings:
        """The settings with what commands have changed."""
        changed = {"detect": self.detect, "quality": self.quality, "enabled": self._stream is not None}
        return self.settings.model_copy(update=changed)

    @property
    def status(self) -> CameraStatus:
        """Where the camera stands."""
        if self._stream is None:
            return self._off
        return self._stream.status

    @property
    def is_unwatched(self) -> bool:
        """Whether the thread that minds the stream is gone, which only a fault of ours can do."""
        return self._stream is not None and not self._stream.is_minded

    @property
    def last(self) -> TrackedFrame | None:
        """What the newest detection pass found."""
        return self._last

    def lend_frames(self, slot: LatestSlot[Frame], fps: float) -> Callable[[], None] | None:
        """Put frames into ``slot`` until the returned function is called; None while there is no stream."""
        stream = self._stream
        if stream is None:
            return None
        outlet = stream.subscribe_frames(fps, slot)
        return lambda: stream.unsubscribe_frames(outlet)

    def health(self) -> CameraHealth:
        """How the camera does now."""
        statistics = self._stream.statistics() if self._stream else None
        is_streaming = self.status.state is CameraState.STREAMING
        last = self._last if is_streaming else None
        return CameraHealth(
            camera_id=self.camera_id,
            status=self.status,
            stream=statistics.stream if statistics else None,
            decoder=statistics.decoder if statistics else None,
            fps_in=statistics.fps_in if statistics else 0.0,
            fps_wanted=self.detect.fps if self.detect.enabled else 0.0,
            fps_detected=self._feed.fps if self._feed else 0.0,
            latency_ms=last.latency_ms if last else None,
            tracks=len(last.tracks) if last else 0,
            frames_dropped=self._feed.slot.dropped if self._feed else 0,
            decode_errors=statistics.decode_errors if statistics else 0,
            tracker_failures=self._tracker.failures,
            reconnects=statistics.reconnects if statistics else 0,
            detect_enabled=self.detect.enabled,
            overloaded=self._feed.is_overloaded if self._feed else False,
            age_s=statistics.packet_age_s if statistics else None,
        )

    def _feed_settings(self) -> FeedSettings:
        return FeedSettings(
            fps=self.detect.fps,
            min_score=min(self.settings.track.low_threshold, self.detect.confidence),
            iou_threshold=self.detect.iou_threshold,
            labels=frozenset(self.detect.labels),
            is_enabled=self.detect.enabled,
        )

    def _look(self) -> None:
        """Have frames decoded, if anything is to be detected in them."""
        if self._outlet:
            self._outlet.reschedule(self.detect.fps)
        elif self._stream and self._feed and self.detect.enabled:
            self._outlet = self._stream.subscribe_frames(self.detect.fps, self._feed.slot)

    def _look_away(self) -> None:
        if self._stream and self._outlet:
            self._stream.unsubscribe_frames(self._outlet)
            self._outlet = None

    def _on_result(self, frame: Frame, result: Detections | ModelError) -> None:
        """Take one detection pass from a worker; the workers keep the order of a camera's frames."""
        if isinstance(result, ModelError) or not self.detect.enabled or self._feed is None:
            return
        with self._lock:
            update = self._tracker.update(self._regions.kept(result, frame.size), frame)
            places = self._places.update(update, frame)
            self._portraits.see(places.active, frame)
        self._tell(frame, update, places)

    def _tell(self, frame: Frame, update: TrackerUpdate, places: PlacesUpdate) -> None:
        at_s, self._size = frame.captured_s, frame.size
        told = (
            *self._track_events(EventKind.TRACK_STARTED, update.started, at_s),
            *self._place_events(places.events, at_s, frame),
            *self._track_events(EventKind.TRACK_ENDED, update.ended, at_s),
        )
        self._portraits.forget(track.track_id for track in update.ended)
        tracked = TrackedFrame(
            camera_id=self.camera_id,
            frame=frame,
            tracks=places.active,
            events=tuple(event for event, _ in told),
            latency_ms=(self._clock.monotonic_s() - frame.captured_monotonic_s) * 1000,
            fps=self._feed.fps if self._feed else 0.0,
            presence=places.presence,
            is_moving=places.is_moving,
            zones=places.zones,
        )
        self._last = tracked
        self._listener.on_tracked(tracked)
        self._tell_all(told)

    def _end_tracks(self, at_s: float) -> None:
        with self._lock:
            ended = self._tracker.reset()
            left, self._places = self._places.close(), Places(self.settings)
            last, self._last = self._last, None
        if last:
            self._listener.on_tracked(
                replace(last, tracks=(), events=(), presence=NOBODY, is_moving=False, zones={})
            )
        self._tell_all(self._place_events(left, at_s))
        self._tell_all(self._track_events(EventKind.TRACK_ENDED, ended, at_s))
        self._portraits.forget(track.track_id for track in ended)

    def _on_status(self, old: CameraStatus, new: CameraStatus) -> None:
        """Follow the stream: what was seen before a loss is not there any more."""
        self._listener.on_status(self.camera_id, new)
        if old.state is CameraState.STREAMING:
            self._was_lost = new.state is not CameraState.DISABLED
            self._end_tracks(new.since_s)
            if self._was_lost:
                lost = self._event(EventKind.CAMERA_LOST, new.since_s, reason=new.reason)
                self._listener.on_event(lost, None)
        elif new.state is CameraState.STREAMING and self._was_lost:
            self._was_lost = False
            back = self._event(EventKind.CAMERA_BACK, new.since_s, reason=new.reason)
            self._listener.on_event(back, None)

    def _tell_all(self, told: Iterable[Told]) -> None:
        for event, frame in told:
            self._listener.on_event(event, frame)

    def _track_events(self, kind: EventKind, tracks: Iterable[Track], at_s: float) -> list[Told]:
        """A track that ends is shown at its best; of one that begins there is nothing to choose from."""
        is_over = kind is EventKind.TRACK_ENDED
        return [
            _with_picture(
                self._event(kind, at_s, track=track),
                self._portraits.of(track.track_id) if is_over else None,
            )
            for track in tracks
        ]

    def _place_events(
        self, found: Iterable[PlaceEvent], at_s: float, frame: Frame | None = None
    ) -> list[Told]:
        return [self._place_event(each, at_s, frame) for each in found]

    def _place_event(self, found: PlaceEvent, at_s: float, frame: Frame | None) -> Told:
        """Who comes or crosses is shown in that very frame; who has left is not in it, so at their best."""
        event, track = self._event(EventKind.LINE_CROSSED, at_s, track=found.track), found.track
        if isinstance(found.what, Crossing):
            event = replace(event, crossing=found.what)
        elif found.what.left_s is None:
            event = replace(event, kind=EventKind.ZONE_ENTERED, visit=found.what)
        else:
            event, frame = replace(event, kind=EventKind.ZONE_LEFT, visit=found.what), None
        sight = Sight(frame, track.box_px) if frame else self._portraits.of(track.track_id)
        return _with_picture(event, sight)

    def _event(
        self, kind: EventKind, at_s: float, *, track: Track | None = None, reason: str | None = None
    ) -> Event:
        size = self._size if track else None
        return Event(uuid.uuid4().hex, kind, self.camera_id, at_s, track, reason, frame_size=size)


def _with_picture(event: Event, sight: Sight | None) -> Told:
    if sight is None:
        return event, None
    return replace(event, snapshot=Snapshot(sight.frame.captured_s, sight.box_px)), sight.frame


def capture_options(settings: CameraSettings) -> CaptureOptions:
    """Return how to connect to what detection looks at: the substream where there is one."""
    return CaptureOptions(
        url=settings.detect_url or settings.url,
        transport=settings.transport,
        open_timeout_s=settings.open_timeout_s,
        read_timeout_s=settings.read_timeout_s,
        frozen_after_s=settings.frozen_after_s,
        hardware=settings.hardware,
    )
