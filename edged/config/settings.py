"""Every setting that edged has, with its type, unit, range and default.

``etc/edged.toml`` documents the same keys for people; a test holds the two together.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from typing import TYPE_CHECKING, Annotated, Literal, get_args, get_origin
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    FilePath,
    SecretStr,
    model_validator,
)

from edged.core.types import Quality

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydantic.fields import FieldInfo

ID_PATTERN = r"^[a-zA-Z0-9_-]+$"
HARDWARE_PATTERN = r"^[a-z0-9]+$"
STUN_PATTERN = r"^stun:[^/?@\s]+$"
TURN_PATTERN = r"^turns?:[^/?@\s]+(\?transport=(udp|tcp))?$"
PATTERNS = {
    ID_PATTERN: "letters, digits, _ and -",
    HARDWARE_PATTERN: "lower-case letters and digits, such as none, auto or cuda",
    STUN_PATTERN: "an address like stun:stun.example.org:3478",
    TURN_PATTERN: "an address like turn:turn.example.org:3478 or turns:turn.example.org?transport=tcp",
}
SECTION_SECRETS = (("mqtt", "password"), ("http", "token"), ("webrtc", "turn_password"))
CAMERA_SECRETS = ("url", "detect_url")
# Each can be given as <key>_file, too.
SECRET_KEYS = frozenset({"password", "token", "turn_password", *CAMERA_SECRETS})
SECRET_FILE_KEYS = frozenset(f"{key}_file" for key in SECRET_KEYS)
LEAST_CORNERS, MOST_CORNERS = 3, 50
LEAST_AREA = 1e-6  # of the frame
RESERVED_CAMERA_IDS = frozenset({"set", "status", "health"})  # topics of the box itself

Id = Annotated[str, Field(pattern=ID_PATTERN, max_length=64)]
Score = Annotated[float, Field(ge=0.01, le=1.0)]
FramesPerSecond = Annotated[float, Field(ge=0.1, le=30.0)]
TimeoutSeconds = Annotated[float, Field(ge=1.0, le=120.0)]
Port = Annotated[int, Field(ge=1, le=65535)]
InputSide = Annotated[int, Field(ge=32, le=4096, multiple_of=32)]


def _host_id() -> str:
    """Name the box after its host, as far as a topic may carry that name."""
    return re.sub(r"[^a-zA-Z0-9_-]", "-", socket.gethostname().split(".")[0]) or "edged"


def _is_camera_address(url: str) -> str:
    """Accept what capture can open; the text of the error is for the person who mistyped it."""
    if url.startswith(("/", "file:/")):
        return url
    if not url.startswith(("rtsp://", "rtsps://", "http://", "https://")):
        msg = "an address like rtsp://…, rtsps://…, http://… (MJPEG), /dev/video0 or /path/to/clip.mp4"
        raise ValueError(msg)
    if not _names_host(url):
        msg = (
            "a host after the user and password, as in rtsp://viewer:password@192.168.1.20:554/stream1;"
            " in a password / is written %2F, ? %3F and # %23"
        )
        raise ValueError(msg)
    return url


def _names_host(url: str) -> bool:
    """Whether ``url`` leads somewhere; a password with a / in it ends before its host."""
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and parts.port != 0 and not re.search(r"\s", url)
    except ValueError:  # no such port
        return False


def _is_host(host: str) -> str:
    """Accept a name or an address alone: a port, a user or a scheme has its own key."""
    if set(host) & set("/@ ") or not host or (":" in host and not _is_address(host)):
        msg = "a host name or an IP address alone, without a scheme like mqtt://, a port or a user"
        raise ValueError(msg)
    return host


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_topic(topic: str) -> str:
    """Refuse what a broker would refuse, or what would subscribe to everybody."""
    if not topic or topic.startswith(("/", "$")) or topic.endswith("/") or set(topic) & set("#+\0"):
        msg = "a topic without wildcards and without / at either end, such as edged/porch"
        raise ValueError(msg)
    return topic


def _is_ip_address(text: str) -> str:
    """Accept an IP address and no name, for a socket is bound to it."""
    if not _is_address(text):
        msg = "an IP address of this box"
        raise ValueError(msg)
    return text


IpAddress = Annotated[str, AfterValidator(_is_ip_address)]


def _is_share(value: float) -> float:
    """Refuse pixels: they would be wrong as soon as the camera's resolution changes."""
    if not 0 <= value <= 1:
        msg = "fractions of the frame, from 0 at its left or upper edge to 1 at the other"
        raise ValueError(msg)
    return value


def _is_polygon(points: tuple[PointShare, ...]) -> tuple[PointShare, ...]:
    """Refuse what has no inside, or more than one."""
    if not LEAST_CORNERS <= len(points) <= MOST_CORNERS:
        msg = f"{LEAST_CORNERS} to {MOST_CORNERS} corners, as in [[0.1, 0.5], [0.9, 0.5], [0.9, 1.0]]"
        raise ValueError(msg)
    sides = list(zip(points, (*points[1:], points[0]), strict=True))
    apart = [(a, b) for n, a in enumerate(sides) for b in sides[n + 2 :] if {*a}.isdisjoint(b)]
    area = sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in sides) / 2
    if abs(area) < LEAST_AREA or any(_cross(a, b) for a, b in apart):
        msg = "corners in the order in which one walks around, without a side that crosses another"
        raise ValueError(msg)
    return points


def _cross(one: Sequence[PointShare], other: Sequence[PointShare]) -> bool:
    """Whether two sides cross each other."""
    (a, b), (c, d) = one, other
    return _turn(a, b, c) * _turn(a, b, d) < 0 and _turn(c, d, a) * _turn(c, d, b) < 0


def _turn(a: PointShare, b: PointShare, c: PointShare) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


Share = Annotated[float, AfterValidator(_is_share)]
PointShare = tuple[Share, Share]
Polygon = Annotated[tuple[PointShare, ...], AfterValidator(_is_polygon)]
CameraUrl = Annotated[str, AfterValidator(_is_camera_address)]
Host = Annotated[str, AfterValidator(_is_host)]
Topic = Annotated[str, AfterValidator(_is_topic)]


class Section(BaseModel):
    """A table of the file: immutable, and a key it does not know is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=(), allow_inf_nan=False)


class BoxSettings(Section):
    """Who this box is among the others on the same broker."""

    id: Id = Field(default_factory=_host_id)


class MqttSettings(Section):
    """The broker and how to reach it."""

    enabled: bool = True
    host: Host = "localhost"
    port: int | None = Field(None, ge=1, le=65535)
    username: str | None = None
    password: SecretStr | None = None
    client_id: str | None = Field(None, min_length=1, max_length=128)
    base_topic: Topic | None = None
    keepalive_s: int = Field(15, ge=5, le=600)
    tls: bool = False
    ca_file: FilePath | None = None
    cert_file: FilePath | None = None
    key_file: FilePath | None = None
    events_kept: int = Field(10_000, ge=10, le=1_000_000)

    @model_validator(mode="after")
    def _has_whole_client_certificate(self) -> MqttSettings:
        if (self.cert_file is None) != (self.key_file is None):
            msg = "cert_file and key_file together, or neither"
            raise ValueError(msg)
        if (self.ca_file or self.cert_file) and not self.tls:
            msg = "tls = true when ca_file or cert_file is given"
            raise ValueError(msg)
        return self

    @property
    def port_in_use(self) -> int:
        """The port of the settings, or the one that the protocol is known by."""
        return self.port or (8883 if self.tls else 1883)


class HomeAssistantSettings(Section):
    """What Home Assistant is told over the same broker."""

    enabled: bool = True
    discovery: Literal["device", "component"] = "device"
    discovery_prefix: Topic = "homeassistant"
    birth_topic: Topic = "homeassistant/status"


class ModelSettings(Section):
    """The detector's network and what runs it."""

    file: FilePath
    labels_file: FilePath | None = None
    input_size: tuple[InputSide, InputSide] | None = None
    providers: tuple[Literal["cpu", "openvino", "cuda", "tensorrt"], ...] = ("cpu",)
    workers: int = Field(2, ge=1, le=8)


class DetectSettings(Section):
    """What is looked for, and how often."""

    enabled: bool = True
    fps: FramesPerSecond = 5.0
    confidence: Score = 0.4
    iou_threshold: Score = 0.5
    labels: tuple[str, ...] = ("person", "bicycle", "car", "motorcycle", "bus", "truck")


class TrackSettings(Section):
    """How detections become tracks; the names are ByteTrack's."""

    track_activation_threshold: Score | None = None
    low_threshold: float = Field(0.1, ge=0.1, le=1.0)  # supervision ignores every score up to 0.1
    lost_track_buffer_s: float = Field(2.0, ge=0.1, le=60.0)
    minimum_matching_threshold: Score = 0.8
    minimum_consecutive_frames: int = Field(1, ge=1, le=30)
    occupancy_hold_s: float = Field(5.0, ge=0.0, le=600.0)


class ZoneSettings(Section):
    """A part of the picture whose visitors are counted and timed."""

    polygon: Polygon
    labels: tuple[str, ...] = ()
    enter_after_s: float = Field(0.5, ge=0.0, le=3600.0)
    leave_after_s: float = Field(2.0, ge=0.0, le=3600.0)


class LineSettings(Section):
    """A line whose crossings are counted in both directions."""

    start: PointShare
    end: PointShare
    labels: tuple[str, ...] = ()
    to_right: Id = "in"
    to_left: Id = "out"

    @model_validator(mode="after")
    def _has_two_sides(self) -> LineSettings:
        if self.start == self.end:
            msg = "start and end at different places"
            raise ValueError(msg)
        if self.to_right == self.to_left:
            msg = "to_right and to_left with different names"
            raise ValueError(msg)
        return self


class CameraSettings(Section):
    """One camera; ``detect`` and ``track`` are the common ones with this camera's own laid over them."""

    name: str | None = Field(None, min_length=1, max_length=100)
    area: str | None = Field(None, min_length=1, max_length=100)
    enabled: bool = True
    url: CameraUrl = Field(repr=False)
    detect_url: CameraUrl | None = Field(None, repr=False)
    transport: Literal["tcp", "udp"] = "tcp"
    open_timeout_s: TimeoutSeconds = 10.0
    read_timeout_s: TimeoutSeconds = 10.0
    frozen_after_s: float = Field(60.0, ge=0.0, le=3600.0)
    hardware: str = Field("none", pattern=HARDWARE_PATTERN)
    quality: Quality = Quality.AUTO
    include: tuple[Polygon, ...] = ()
    exclude: tuple[Polygon, ...] = ()
    detect: DetectSettings = DetectSettings()
    track: TrackSettings = TrackSettings()
    zones: dict[Id, ZoneSettings] = Field(default_factory=dict)
    lines: dict[Id, LineSettings] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _can_follow(self) -> CameraSettings:
        if self.track.lost_track_buffer_s < 1 / self.detect.fps:
            msg = (
                f"track.lost_track_buffer_s of at least {1 / self.detect.fps:g} s, one pass at detect.fps ="
                f" {self.detect.fps:g}, or everything would be lost between two passes"
            )
            raise ValueError(msg)
        return self


class HttpSettings(Section):
    """Where the live page, health and metrics are served."""

    enabled: bool = True
    host: Host = "127.0.0.1"
    port: int = Field(8480, ge=1, le=65535)
    token: SecretStr | None = Field(None, min_length=16)
    cert_file: FilePath | None = None
    key_file: FilePath | None = None

    @model_validator(mode="after")
    def _has_whole_certificate(self) -> HttpSettings:
        if (self.cert_file is None) != (self.key_file is None):
            msg = "cert_file and key_file together, or neither"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _is_guarded(self) -> HttpSettings:
        if self.enabled and not self.token and not _is_loopback(self.host):
            msg = f"token_file (or token) because host {self.host} can be reached from other machines"
            raise ValueError(msg)
        return self


class ControlSettings(Section):
    """Who may look in by the control socket; root and the group edged may, and may change things."""

    readers: Literal["group", "everyone"] = "group"


class WebRtcSettings(Section):
    """How browsers get live video, and how many."""

    addresses: tuple[IpAddress, ...] | None = None
    udp_ports: tuple[Port, Port] | None = None
    stun_server: str | None = Field(None, pattern=STUN_PATTERN)
    turn_server: str | None = Field(None, pattern=TURN_PATTERN)
    turn_username: str | None = None
    turn_password: SecretStr | None = None
    max_viewers: int = Field(32, ge=1, le=1000)
    max_viewers_per_camera: int = Field(16, ge=1, le=1000)

    @model_validator(mode="after")
    def _can_be_used(self) -> WebRtcSettings:
        if self.udp_ports and self.udp_ports[0] > self.udp_ports[1]:
            msg = "udp_ports as the first and the last port, in this order"
            raise ValueError(msg)
        if self.turn_server and not (self.turn_username and self.turn_password):
            msg = "turn_username and turn_password_file (or turn_password) when turn_server is given"
            raise ValueError(msg)
        return self


class LogSettings(Section):
    """How much is said."""

    level: Literal["debug", "info", "warning", "error"] = "info"


def _is_loopback(host: str) -> bool:
    """Whether only this machine can reach ``host``."""
    return ipaddress.ip_address(host).is_loopback if _is_address(host) else host == "localhost"


class Settings(Section):
    """The whole configuration."""

    box: BoxSettings = Field(default_factory=BoxSettings)
    mqtt: MqttSettings = MqttSettings()
    home_assistant: HomeAssistantSettings = HomeAssistantSettings()
    model: ModelSettings
    detect: DetectSettings = DetectSettings()
    track: TrackSettings = TrackSettings()
    http: HttpSettings = HttpSettings()
    control: ControlSettings = ControlSettings()
    webrtc: WebRtcSettings = WebRtcSettings()
    log: LogSettings = LogSettings()
    cameras: dict[Id, CameraSettings] = Field(default_factory=dict)

    @property
    def base_topic(self) -> str:
        """What every topic of this box begins with."""
        return self.mqtt.base_topic or f"edged/{self.box.id}"

    @property
    def client_id(self) -> str:
        """What the broker knows this box by."""
        return self.mqtt.client_id or f"edged-{self.box.id}"


def fields_at(path: tuple[str, ...]) -> Mapping[str, FieldInfo]:
    """Every setting that may stand in the table at ``path``; none where no such table is known."""
    model: type[BaseModel] = Settings
    parts = iter(path)
    for part in parts:
        field = model.model_fields.get(part)
        kind = field.annotation if field else None
        if get_origin(kind) is dict:  # of tables with names of the owner's choice
            if next(parts, None) is None:
                return {}
            kind = get_args(kind)[1]
        if not (isinstance(kind, type) and issubclass(kind, BaseModel)):
            return {}
        model = kind
    return model.model_fields
