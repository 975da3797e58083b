"""What goes out on the topics, as bytes: pure functions, so that a test can say every byte.

Times are seconds since the epoch, boxes and centres whole pixels, and NaN never leaves the house.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from edged.core.types import (
        BoxHealth,
        BrokerHealth,
        CameraHealth,
        Event,
        Health,
        InferenceHealth,
        Presence,
        Quality,
        Track,
        TrackedFrame,
    )

ONLINE = b"online"
OFFLINE = b"offline"

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class CameraFacts:
    """What is true of a camera until it changes; counts name every label looked for, also at 0."""

    camera_id: str
    presence: Presence
    is_moving: bool
    zones: Mapping[str, Presence]
    lines: Mapping[str, Mapping[str, int]]  # crossings ever, by line and direction
    detect_enabled: bool
    confidence: float
    fps: float
    quality: Quality


def status(*, online: bool) -> bytes:
    """Payload of both kinds of status topic."""
    return ONLINE if online else OFFLINE


def tracks(tracked: TrackedFrame) -> bytes:
    """Every track of one frame."""
    frame = tracked.frame
    return _encode(
        {
            "camera_id": tracked.camera_id,
            "timestamp": _number(frame.captured_s, 3),
            "frame": {"width": frame.size.width, "height": frame.size.height, "number": frame.number},
            "tracks": [track_facts(track) for track in tracked.tracks],
            "stats": {
                "fps": _number(tracked.fps, 2),
                "active_tracks": len(tracked.tracks),
                "frame_count": frame.number,
                "latency_ms": _number(tracked.latency_ms, 1),
            },
        }
    )


def event(happened: Event) -> bytes:
    """One event with the facts of its track, and those of its kind beside them."""
    return _encode(event_facts(happened))


def event_facts(happened: Event) -> Json:
    """What is told of an event."""
    facts: Json = {
        "id": happened.event_id,
        "type": happened.kind.value,
        "camera_id": happened.camera_id,
        "timestamp": _number(happened.timestamp_s, 3),
    }
    if happened.visit is not None:
        facts |= {
            "zone": happened.visit.zone,
            "entered": _number(happened.visit.entered_s, 3),
            "left": _number(happened.visit.left_s, 3),
            "dwell_s": _number(happened.visit.dwell_s, 1),
        }
    if happened.crossing is not None:
        facts |= {
            "line": happened.crossing.line,
            "direction": happened.crossing.direction,
            "crossed": _number(happened.crossing.crossed_s, 3),
        }
    if happened.track is not None:
        facts["track"] = _track_history(happened.track)
    if happened.frame_size is not None:
        facts["frame"] = {"width": happened.frame_size.width, "height": happened.frame_size.height}
    if happened.snapshot is not None:
        facts["snapshot"] = {
            "id": happened.event_id,
            "timestamp": _number(happened.snapshot.captured_s, 3),
            "bbox": _pixels(happened.snapshot.box_px),
        }
    if happened.reason is not None:
        facts["reason"] = happened.reason
    return facts


def answer(topic: str, refusal: str | None) -> bytes:
    """What became of a command."""
    return _encode({"topic": topic, "accepted": refusal is None, "error": refusal})


def camera_state(facts: CameraFacts) -> bytes:
    """Counts, occupancy and settings; it holds no time, so that equal facts are equal bytes."""
    return _encode(
        {
            "camera_id": facts.camera_id,
            "motion": facts.is_moving,
            **_presence(facts.presence),
            "zones": {
                name: {"occupied": bool(presence.occupied), **_presence(presence)}
                for name, presence in facts.zones.items()
            },
            "lines": {name: dict(counts) for name, counts in facts.lines.items()},
            "settings": {
                "detect": facts.detect_enabled,
                "confidence": _number(facts.confidence, 3),
                "fps": _number(facts.fps, 2),
                "quality": facts.quality,
            },
        }
    )


def health(known: Health) -> bytes:
    """Everything somebody at night wants to know."""
    return _encode(health_facts(known))


def health_facts(known: Health) -> Json:
    """What health consists of."""
    return {
        "timestamp": _number(known.timestamp_s, 3),
        "box": _box_health(known.box),
        "inference": _inference_health(known.inference) if known.inference else None,
        "broker": _broker_health(known.broker) if known.broker else None,
        "cameras": {camera.camera_id: _camera_health(camera) for camera in known.cameras},
    }


def _presence(presence: Presence) -> Json:
    return {
        "counts": dict(presence.counts),
        "occupancy": {label: label in presence.occupied for label in presence.counts},
    }


def track_facts(track: Track) -> Json:
    """What is told of a track at each pass."""
    return {
        "track_id": track.track_id,
        "label": track.label,
        "confidence": _number(track.confidence, 3),
        "bbox": _pixels(track.box_px),
        "center": _pixels(track.center_px),
        "source": track.source.value,
        "age": _number(track.age_s, 1),
        "motion": track.motion.value,
        "zones": list(track.zones),
    }


def _track_history(track: Track) -> Json:
    """Facts of a track in an event: those of the tracks topic, and when it was seen first and last."""
    return track_facts(track) | {
        "first_seen": _number(track.first_seen_s, 3),
        "last_seen": _number(track.last_seen_s, 3),
    }


def _box_health(box: BoxHealth) -> Json:
    return {
        "version": box.version,
        "started": _number(box.started_s, 3),
        "uptime_s": _number(box.uptime_s, 0),
        "cpu_percent": _number(box.cpu_percent, 1),
        "memory_bytes": box.memory_bytes,
        "temperature_c": _number(box.temperature_c, 1),
        "loop_lag_ms": _number(box.loop_lag_ms, 1),
    }


def _inference_health(inference: InferenceHealth) -> Json:
    return {
        "model": inference.model,
        "provider": inference.provider,
        "layout": inference.layout,
        "inference_ms": _number(inference.inference_ms, 1),
        "fps": _number(inference.fps, 2),
        "overloaded": inference.overloaded,
    }


def _broker_health(broker: BrokerHealth) -> Json:
    return {
        "connected": broker.connected,
        "reason": broker.reason,
        "address": broker.address,
        "protocol": broker.protocol,
        "events_waiting": broker.events_waiting,
        "events_dropped": broker.events_dropped,
        "tracks_dropped": broker.tracks_dropped,
        "commands_refused": broker.commands_refused,
    }


def _camera_health(camera: CameraHealth) -> Json:
    return {
        "state": camera.status.state.value,
        "why": camera.status.reason,
        "since": _number(camera.status.since_s, 3),
        "next_try": _number(camera.status.next_try_s, 3),
        "codec": camera.stream.codec if camera.stream else None,
        "size": str(camera.stream.size) if camera.stream else None,
        "decoder": camera.decoder,
        "fps_in": _number(camera.fps_in, 2),
        "fps_wanted": _number(camera.fps_wanted, 2),
        "fps_detected": _number(camera.fps_detected, 2),
        "latency_ms": _number(camera.latency_ms, 1),
        "drops": camera.frames_dropped,
        "decode_errors": camera.decode_errors,
        "tracker_failures": camera.tracker_failures,
        "reconnects": camera.reconnects,
        "viewers": camera.viewers,
        "live": camera.live,
        "tracks": camera.tracks,
        "detect": camera.detect_enabled,
        "overloaded": camera.overloaded,
    }


def _number(value: float | None, digits: int) -> float | int | None:
    """Round for a reader; what is no number at all (NaN, infinity) is null, for JSON has no word for it."""
    if value is None or not math.isfinite(value):
        return None
    rounded = round(float(value), digits)
    return rounded if digits else int(rounded)


def _pixels(values: Iterable[float]) -> list[int | None]:
    return [round(float(value)) if math.isfinite(value) else None for value in values]


def _encode(facts: Json) -> bytes:
    return json.dumps(facts, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
