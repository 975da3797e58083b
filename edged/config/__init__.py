"""TOML and environment in, typed settings out; whatever is wrong is said all at once."""

from edged.config.load import load, load_text
from edged.config.settings import (
    CameraSettings,
    DetectSettings,
    HttpSettings,
    LogSettings,
    ModelSettings,
    MqttSettings,
    Settings,
    TrackSettings,
    WebRtcSettings,
)

__all__ = [
    "CameraSettings",
    "DetectSettings",
    "HttpSettings",
    "LogSettings",
    "ModelSettings",
    "MqttSettings",
    "Settings",
    "TrackSettings",
    "WebRtcSettings",
    "load",
    "load_text",
]
