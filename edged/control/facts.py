"""What the daemon tells of itself, as JSON with stable keys."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import threading
from typing import TYPE_CHECKING, Any, Protocol

import psutil

from edged import __version__
from edged.config import in_force
from edged.core.types import CameraState
from edged.health import problems
from edged.publish import payloads

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from edged.camera import Camera
    from edged.config import Settings
    from edged.config.commands import Command
    from edged.core.ring import Ring
    from edged.core.types import Event, Frame, Health
    from edged.detect import Detector

Json = dict[str, Any]

LIBRARIES = ("av", "onnxruntime", "opencv-python-headless", "numpy", "supervision", "aiohttp", "paho-mqtt")


class Controlled(Protocol):
    """What the verbs need of a daemon."""

    events: Ring[Event]

    @property
    def settings(self) -> Settings:
        """What the file said when it was last read."""

    @property
    def file(self) -> Path:
        """Where the settings are from."""

    @property
    def cameras(self) -> Mapping[str, Camera]:
        """Every camera of the configuration."""

    @property
    def detector(self) -> Detector | None:
        """What finds things."""

    def health(self) -> Health:
        """How everything does now."""

    async def obey(self, command: Command) -> None:
        """Do what somebody asks of a camera."""

    async def frame(self, camera_id: str, timeout_s: float) -> Frame | None:
        """Return a picture of now; None where none comes in time."""

    async def reload(self) -> None:
        """Read the file again; raises EdgedError and changes nothing when that fails."""


def version(daemon: Controlled) -> Json:
    """Who answers."""
    health = daemon.health()
    return {
        "version": __version__,
        "box": daemon.settings.box.id,
        "pid": os.getpid(),
        "started": round(health.box.started_s, 3),
        "uptime_s": int(health.box.uptime_s),
        "config": str(daemon.file),
    }


def status(daemon: Controlled) -> Json:
    """Everything somebody at night wants to know."""
    health = daemon.health()
    told = payloads.health_facts(health)
    told["box"]["id"] = daemon.settings.box.id
    told["problems"] = problems(health)
    if health.broker:
        told["broker"]["home_assistant"] = health.broker.home_assistant.value
    for camera_health in health.cameras:
        facts = told["cameras"][camera_health.camera_id]
        facts["age_s"] = None if camera_health.age_s is None else round(camera_health.age_s, 1)
        facts |= _camera_facts(daemon.cameras[camera_health.camera_id])
    return told


def camera(daemon: Controlled, camera_id: str) -> Json:
    """One camera of ``status``."""
    facts: Json = status(daemon)["cameras"].get(camera_id, {})
    return facts


def _camera_facts(each: Camera) -> Json:
    last = each.last if each.status.state is CameraState.STREAMING else None
    return {
        "name": each.settings.name or each.camera_id,
        "settings": {
            "detect": each.detect.enabled,
            "confidence": each.detect.confidence,
            "fps": each.detect.fps,
            "quality": each.quality,
            "labels": list(each.detect.labels),
        },
        "zones": {
            name: dict(last.zones[name].counts) if last and name in last.zones else {}
            for name in each.settings.zones
        },
        "objects": [payloads.track_facts(track) for track in last.tracks] if last else [],
    }


def model(daemon: Controlled) -> Json:
    """What detects."""
    detector, inference = daemon.detector, daemon.health().inference
    if detector is None or inference is None:
        return {}
    return {
        "file": str(daemon.settings.model.file),
        "name": detector.name,
        "layout": detector.layout,
        "provider": detector.provider,
        "input": str(detector.input_size),
        "input_type": detector.input_type,
        "labels": list(detector.labels),
        "workers": daemon.settings.model.workers,
        "inference_ms": inference.inference_ms and round(inference.inference_ms, 1),
        "fps": round(inference.fps, 2),
        "overloaded": inference.overloaded,
    }


def config(daemon: Controlled) -> Json:
    """Every setting in force."""
    cameras = {camera_id: camera.in_force for camera_id, camera in daemon.cameras.items()}
    found = in_force.rows(daemon.settings, cameras)
    return {"file": str(daemon.file), "settings": [row._asdict() for row in found]}


def system(daemon: Controlled) -> Json:
    """What is under the hood; reads /proc, so not for the loop."""
    health = daemon.health()
    queues: list[Json] = [
        {"name": f"{camera.camera_id}: frames to detect", "waiting": None, "dropped": camera.frames_dropped}
        for camera in health.cameras
    ]
    if broker := health.broker:
        queues += [
            {"name": "broker: events", "waiting": broker.events_waiting, "dropped": broker.events_dropped},
            {"name": "broker: tracks", "waiting": None, "dropped": broker.tracks_dropped},
        ]
    return {
        "threads": _threads(),
        "queues": queues,
        "machine": platform.platform(),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "libraries": {name: importlib.metadata.version(name) for name in LIBRARIES},
    }


def _threads() -> list[Json]:
    """List our threads, the busiest first; those that no Python started belong to a library."""
    names = {thread.native_id: thread.name for thread in threading.enumerate()}
    busiest = sorted(psutil.Process().threads(), key=lambda each: -each.user_time - each.system_time)
    return [
        {"name": names.get(each.id, "of a library"), "cpu_s": round(each.user_time + each.system_time, 2)}
        for each in busiest
    ]
