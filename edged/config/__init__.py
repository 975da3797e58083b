"""TOML and environment in, typed settings out; whatever is wrong is said all at once."""

from edged.config.load import load, load_text
from edged.config.settings import (
    CameraSettings,
    ControlSettings,
    DetectSettings,
    HomeAssistantSettings,
    HttpSettings,
    LineSettings,
    LogSettings,
    ModelSettings,
    MqttSettings,
    Settings,
    TrackSettings,
    WebRtcSettings,
    ZoneSettings,
)

__all__ = [
    "CameraSettings",
    "ControlSettings",
    "DetectSettings",
    "HomeAssistantSettings",
    "HttpSettings",
    "LineSettings",
    "LogSettings",
    "ModelSettings",
    "MqttSettings",
    "Settings",
    "TrackSettings",
    "WebRtcSettings",
    "ZoneSettings",
    "load",
    "load_text",
]
