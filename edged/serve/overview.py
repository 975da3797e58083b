"""What the live page shows around the pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edged.camera import Camera
    from edged.config import WebRtcSettings
    from edged.core.types import CameraHealth, Health


def overview(
    health: Health, cameras: Mapping[str, Camera], webrtc: WebRtcSettings, *, needs_token: bool
) -> dict[str, Any]:
    """Every camera in the order of the configuration, and what a browser needs to reach us."""
    return {
        "version": health.box.version,
        "now": health.timestamp_s,
        "started": health.box.started_s,
        "needs_token": needs_token,
        "ice_servers": _ice_servers(webrtc),
        "cameras": [_camera(each, cameras[each.camera_id]) for each in health.cameras],
    }


def _camera(health: CameraHealth, camera: Camera) -> dict[str, Any]:
    status = health.status
    return {
        "id": health.camera_id,
        "name": camera.settings.name or health.camera_id,
        "state": status.state.value,
        "why": status.reason,
        "next_try": status.next_try_s,
        "detect": health.detect_enabled,
        "overloaded": health.overloaded,
        "fps_detected": round(health.fps_detected, 1),
        "latency_ms": None if health.latency_ms is None else round(health.latency_ms),
        "viewers": health.viewers,
        "live": health.live,
        "zones": [
            {"name": name, "points": zone.polygon, "is_closed": True}
            for name, zone in camera.settings.zones.items()
        ]
        + [
            {"name": name, "points": (line.start, line.end), "is_closed": False}
            for name, line in camera.settings.lines.items()
        ],
    }


def _ice_servers(webrtc: WebRtcSettings) -> list[dict[str, str]]:
    servers: list[dict[str, str]] = []
    if webrtc.stun_server:
        servers.append({"urls": webrtc.stun_server})
    if webrtc.turn_server and webrtc.turn_username and webrtc.turn_password:
        secret = webrtc.turn_password.get_secret_value()
        servers.append({"urls": webrtc.turn_server, "username": webrtc.turn_username, "credential": secret})
    return servers
