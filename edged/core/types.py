"""What the stages hand to each other: frozen, typed, and free of any library but numpy."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    Bgr = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Size:
    """Width and height in pixels."""

    width: int
    height: int

    def __str__(self) -> str:
        return f"{self.width}x{self.height}"


@dataclass(frozen=True, slots=True)
class StreamInfo:
    """What a camera says that it sends."""

    codec: str
    profile: str
    size: Size
    fps: float  # 0 where the camera does not say
    extradata: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Packet:
    """One encoded picture as it came from the camera, Annex B for H.264 and H.265."""

    data: bytes = field(repr=False)
    is_key_frame: bool
    time_s: float  # place on the stream's own time line: never goes back, has no jumps but real gaps
    captured_s: float  # epoch
    stream: StreamInfo


class Picture(Protocol):
    """A decoded picture that is converted only when somebody asks, and only as far."""

    @property
    def size(self) -> Size:
        """Size as the camera sent it."""

    def bgr(self, size: Size | None = None) -> Bgr:
        """``H x W x 3`` blue-green-red bytes, scaled to ``size`` (default: as sent)."""

    def luma(self) -> NDArray[np.uint8]:
        """``H x W`` brightness as sent; to be looked at only."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A picture of a camera and when it was taken."""

    picture: Picture
    number: int  # counts the pictures since the daemon knows the stream, from 1
    captured_s: float  # epoch
    captured_monotonic_s: float

    @property
    def size(self) -> Size:
        """Size of the picture as the camera sent it; all boxes are in its pixels."""
        return self.picture.size


@dataclass(frozen=True, slots=True)
class Detections:
    """What one model saw in one frame, as columns; ``n`` rows, best score first."""

    boxes_px: NDArray[np.float32]  # n x 4: x1, y1, x2, y2 in pixels of the frame
    scores: NDArray[np.float32]  # n
    class_ids: NDArray[np.intp]  # n, indexes into ``labels``
    labels: tuple[str, ...]  # every name the model knows

    def __len__(self) -> int:
        return len(self.scores)


class Motion(Enum):
    """How a track has moved lately."""

    STATIONARY = "stationary"
    HORIZONTAL = "horizontal_movement"
    VERTICAL = "vertical_movement"
    UNKNOWN = "insufficient_data"


class TrackState(Enum):
    """Whether a track is seen now, is missed but not given up, or is over."""

    ACTIVE = "active"
    LOST = "lost"
    REMOVED = "removed"


class TrackSource(Enum):
    """Who says that there is something: the tracker, or the detector where the tracker failed."""

    BYTETRACK = "bytetrack"
    DETECTION = "detection"


Box = tuple[float, float, float, float]
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Track:
    """One object that is followed; ``track_id`` is 0 where it is only a detection."""

    track_id: int
    label: str
    confidence: float
    box_px: Box
    source: TrackSource
    state: TrackState
    first_seen_s: float  # epoch
    last_seen_s: float  # epoch
    motion: Motion = Motion.UNKNOWN
    trajectory_px: tuple[Point, ...] = ()  # centres, oldest first
    zones: tuple[str, ...] = ()  # those that it counts as being in

    @property
    def center_px(self) -> Point:
        """Middle of the box."""
        x1, y1, x2, y2 = self.box_px
        return (x1 + x2) / 2, (y1 + y2) / 2

    @property
    def foot_px(self) -> Point:
        """Where it stands: the middle of the lower side of the box."""
        x1, _, x2, y2 = self.box_px
        return (x1 + x2) / 2, y2

    @property
    def age_s(self) -> float:
        """From the first to the last sight of it."""
        return self.last_seen_s - self.first_seen_s


class EventKind(Enum):
    """What can happen."""

    TRACK_STARTED = "track_started"
    TRACK_ENDED = "track_ended"
    ZONE_ENTERED = "zone_entered"
    ZONE_LEFT = "zone_left"
    LINE_CROSSED = "line_crossed"
    CAMERA_LOST = "camera_lost"
    CAMERA_BACK = "camera_back"


@dataclass(frozen=True, slots=True)
class Visit:
    """A track's stay in a zone; ``left_s`` is None while it lasts."""

    zone: str
    entered_s: float  # epoch: the first pass that saw it inside
    left_s: float | None = None  # epoch: the last one that did

    @property
    def dwell_s(self) -> float | None:
        """How long it stayed; None while it stays."""
        return None if self.left_s is None else self.left_s - self.entered_s


@dataclass(frozen=True, slots=True)
class Crossing:
    """A track's way over a line."""

    line: str
    direction: str  # in the words of the configuration
    crossed_s: float  # epoch: the first pass that saw it on the other side


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the picture of an event shows: when it was taken (epoch), and the track's box in it."""

    captured_s: float
    box_px: Box


@dataclass(frozen=True, slots=True)
class Presence:
    """Who is there: how many of each label, and which labels are there or were a moment ago."""

    counts: Mapping[str, int] = field(default_factory=dict)
    occupied: frozenset[str] = frozenset()


NOBODY = Presence()


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened once, at ``timestamp_s`` (epoch)."""

    event_id: str
    kind: EventKind
    camera_id: str
    timestamp_s: float
    track: Track | None = None
    reason: str | None = None
    visit: Visit | None = None
    crossing: Crossing | None = None
    frame_size: Size | None = None  # in whose pixels the track is told
    snapshot: Snapshot | None = None  # there is a picture, under the id of the event


@dataclass(frozen=True, slots=True)
class TrackedFrame:
    """What is known of one frame after detection and tracking."""

    camera_id: str
    frame: Frame
    tracks: tuple[Track, ...]  # active ones only
    events: tuple[Event, ...]
    latency_ms: float  # capture to here
    fps: float  # detection passes per second, lately
    presence: Presence = NOBODY  # in the whole picture
    is_moving: bool = False  # somebody moves, or did a moment ago
    zones: Mapping[str, Presence] = field(default_factory=dict)


class Quality(StrEnum):
    """What a viewer gets: the camera's own pictures while the link takes them, or less."""

    AUTO = "auto"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class CameraState(Enum):
    """Where a camera stands; ``edged.capture.state`` has the legal transitions."""

    CONNECTING = "connecting"
    STREAMING = "streaming"
    STALLED = "stalled"
    LOST = "lost"
    WAITING = "waiting"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True)
class CameraStatus:
    """The state of a camera's stream, why, since when, and when it is tried next."""

    state: CameraState
    reason: str
    since_s: float  # epoch
    next_try_s: float | None = None  # epoch


@dataclass(frozen=True, slots=True)
class CameraHealth:
    """How one camera does."""

    camera_id: str
    status: CameraStatus
    stream: StreamInfo | None
    decoder: str | None
    fps_in: float
    fps_wanted: float
    fps_detected: float
    latency_ms: float | None
    tracks: int
    frames_dropped: int  # due for detection, replaced by a newer one before their turn
    decode_errors: int
    tracker_failures: int
    reconnects: int
    detect_enabled: bool
    overloaded: bool
    viewers: int = 0
    age_s: float | None = None  # since the newest packet; None before the first
    live: str | None = None  # how its pictures go out to viewers, while there are any


class HomeAssistant(Enum):
    """What is known of Home Assistant: it says when it starts and when it goes, and nothing in between."""

    OFF = "off"  # the configuration tells it nothing
    TOLD = "told"
    ONLINE = "online"
    OFFLINE = "offline"


@dataclass(frozen=True, slots=True)
class BrokerHealth:
    """How the connection to the broker does."""

    connected: bool
    reason: str
    address: str
    protocol: str | None
    events_waiting: int
    events_dropped: int
    tracks_dropped: int
    commands_refused: int
    home_assistant: HomeAssistant


@dataclass(frozen=True, slots=True)
class InferenceHealth:
    """How detection does."""

    model: str
    provider: str
    layout: str
    inference_ms: float | None  # median of the last passes
    fps: float
    overloaded: bool


@dataclass(frozen=True, slots=True)
class BoxHealth:
    """How the box does."""

    version: str
    started_s: float  # epoch
    uptime_s: float
    cpu_percent: float  # of this process; 100 is one core
    memory_bytes: int
    temperature_c: float | None
    loop_lag_ms: float


@dataclass(frozen=True, slots=True)
class Health:
    """Everything somebody at night wants to know, at ``timestamp_s`` (epoch)."""

    timestamp_s: float
    box: BoxHealth
    broker: BrokerHealth | None
    inference: InferenceHealth | None
    cameras: tuple[CameraHealth, ...]
