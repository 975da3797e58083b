"""Every device and entity of a box, as Home Assistant is to see them; pure, one dictionary for each entity.

The keys are those of https://www.home-assistant.io/integrations/mqtt/. What changes all the time stays out of
attributes, for Home Assistant's recorder would write each change down.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from edged.core.types import Quality
from edged.publish.homeassistant.templates import (
    camera_health,
    camera_reason,
    count,
    crossing_event,
    health,
    occupancy,
    setting,
    total,
    visit_event,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from edged.config import CameraSettings, LineSettings, ZoneSettings
    from edged.publish.topics import Topics

Config = dict[str, Any]

MEBIBYTES = "{{ (value_json.box.memory_bytes / 1048576) | round(0) | int }}"
HEALTH_EXPIRES_S = 60  # it comes every ten seconds
DIAGNOSTIC = {"entity_category": "diagnostic"}
CONFIG = {"entity_category": "config"}
MEASUREMENT = {"state_class": "measurement"}


@dataclass(frozen=True, slots=True)
class Installation:
    """What there is to be discovered."""

    box_id: str
    version: str
    configuration_url: str | None
    has_temperature: bool
    cameras: Mapping[str, CameraSettings]


@dataclass(frozen=True, slots=True)
class Entity:
    """One entity: ``key`` names it within its device, ``component`` is Home Assistant's kind of it."""

    key: str
    component: str
    config: Config


@dataclass(frozen=True, slots=True)
class Device:
    """A device with its entities; ``camera_id`` is None for the box itself."""

    camera_id: str | None
    info: Config
    entities: tuple[Entity, ...]


def devices(there: Installation, topics: Topics) -> tuple[Device, ...]:
    """Return the box and then its cameras, which refer to it."""
    return (_box(there, topics), *(_camera(there, topics, camera_id) for camera_id in there.cameras))


def _box(there: Installation, topics: Topics) -> Device:
    info: Config = {
        "identifiers": [f"edged/{there.box_id}"],
        "name": f"edged {there.box_id}",
        "manufacturer": "edged",
        "model": "Camera box",
        "sw_version": there.version,
    }
    if there.configuration_url:
        info["configuration_url"] = there.configuration_url
    found = list(_box_entities(topics))
    if not there.has_temperature:
        found = [entity for entity in found if entity.key != "temperature"]
    return Device(None, info, tuple(_identified(each, there.box_id, None) for each in found))


def _box_entities(topics: Topics) -> Iterator[Entity]:
    available = {"availability": [{"topic": topics.status}]}
    measured = {**available, **DIAGNOSTIC, "state_topic": topics.health, "expire_after": HEALTH_EXPIRES_S}
    connected = {"device_class": "connectivity", "payload_on": "online", "payload_off": "offline"}
    yield Entity(
        "connectivity",
        "binary_sensor",
        {"name": "Connectivity", "state_topic": topics.status, **connected, **DIAGNOSTIC},
    )
    for key, name, template, more in (
        ("cpu", "CPU", health("box.cpu_percent"), {"unit_of_measurement": "%", **MEASUREMENT}),
        ("memory", "Memory", MEBIBYTES, _unit("MiB", "data_size")),
        ("temperature", "Temperature", health("box.temperature_c"), _unit("°C", "temperature")),
        ("inference_time", "Inference time", health("inference.inference_ms"), _unit("ms", "duration")),
        ("detections", "Detections", health("inference.fps"), {"unit_of_measurement": "1/s", **MEASUREMENT}),
    ):
        yield Entity(key, "sensor", {"name": name, **measured, "value_template": template, **more})
    started = "{{ value_json.box.started | int | as_datetime }}"
    yield Entity(
        "last_start",
        "sensor",
        {
            "name": "Last start",
            **available,
            **DIAGNOSTIC,
            "state_topic": topics.health,
            "device_class": "timestamp",
            "value_template": started,
        },
    )
    version = (
        "{% set v = value_json.box.version %}{{ {'installed_version': v, 'latest_version': v} | tojson }}"
    )
    yield Entity(
        "version",
        "update",
        {
            "name": "Version",
            **available,
            **DIAGNOSTIC,
            "state_topic": topics.health,
            "value_template": version,
        },
    )
    yield Entity("restart", "button", {**_button("Restart", topics.set_box("restart")), **available})


def _camera(there: Installation, topics: Topics, camera_id: str) -> Device:
    settings = there.cameras[camera_id]
    info: Config = {
        "identifiers": [f"edged/{there.box_id}/{camera_id}"],
        "name": settings.name or camera_id,
        "manufacturer": "edged",
        "model": "Camera",
        "via_device": f"edged/{there.box_id}",
    }
    if settings.area:
        info["suggested_area"] = settings.area
    box_only = {"availability": [{"topic": topics.status}]}
    both = {
        "availability": [{"topic": topics.status}, {"topic": topics.camera_status(camera_id)}],
        "availability_mode": "all",
    }
    found = [
        *(_with(entity, both) for entity in _pictures(topics, camera_id)),
        *(_with(entity, both) for entity in _sights(topics.state(camera_id), settings)),
        *(_with(entity, both) for entity in _crossings(topics, camera_id, settings.lines)),
        *(_with(entity, both) for entity in _visits(topics, camera_id, settings)),
        *(_with(entity, box_only) for entity in _camera_health(topics, camera_id)),
        *(_with(entity, box_only) for entity in _controls(topics, camera_id)),
    ]
    return Device(camera_id, info, tuple(_identified(each, there.box_id, camera_id) for each in found))


def _pictures(topics: Topics, camera_id: str) -> Iterator[Entity]:
    snapshot = topics.snapshot(camera_id)
    yield Entity("camera", "camera", {"name": None, "topic": snapshot})
    yield Entity(
        "snapshot", "image", {"name": "Snapshot", "image_topic": snapshot, "content_type": "image/jpeg"}
    )
    yield Entity(
        "take_snapshot", "button", _button("Take snapshot", topics.set_camera(camera_id, "snapshot"))
    )


def _sights(state: str, settings: CameraSettings) -> Iterator[Entity]:
    """Who is in the whole picture."""
    yield _occupancy("motion", "Motion", state, "value_json.motion", "motion")
    yield from _presence("", "", state, "value_json", settings.detect.labels)


def _visits(topics: Topics, camera_id: str, settings: CameraSettings) -> Iterator[Entity]:
    """Who is in each zone, comes and goes."""
    state = topics.state(camera_id)
    for name, zone in settings.zones.items():
        place = f"value_json.zones.get({json.dumps(name)}, {{}})"
        yield _occupancy(f"zone.{name}", _title(name), state, f"{place}.get('occupied')", "occupancy")
        yield from _presence(f"zone.{name}.", f"{_title(name)} ", state, place, _labels(zone, settings))
        yield _event(
            f"zone.{name}.events",
            f"{_title(name)} visits",
            ["entered", "left"],
            visit_event(name),
            topics.events(camera_id),
        )


def _crossings(topics: Topics, camera_id: str, lines: Mapping[str, LineSettings]) -> Iterator[Entity]:
    """How often each line was crossed, and each time that it is."""
    for name, line in lines.items():
        directions = [line.to_right, line.to_left]
        for direction in directions:
            yield Entity(
                f"line.{name}.{direction}",
                "sensor",
                {
                    "name": f"{_title(name)} {direction}",
                    "state_topic": topics.state(camera_id),
                    "value_template": total(name, direction),
                    "state_class": "total_increasing",
                },
            )
        yield _event(
            f"line.{name}.events",
            f"{_title(name)} crossings",
            directions,
            crossing_event(name),
            topics.events(camera_id),
        )


def _presence(
    prefix: str, place_name: str, state: str, place: str, labels: tuple[str, ...]
) -> Iterator[Entity]:
    """Whether each of ``labels`` is in a place, and how many are; ``place`` is where the state tells it."""
    for label in labels:
        name = f"{place_name}{label}".capitalize() if not place_name else f"{place_name}{label}"
        yield _occupancy(f"{prefix}{label}", name, state, occupancy(place, label), "occupancy")
        yield Entity(
            f"{prefix}{label}.count",
            "sensor",
            {
                "name": f"{name} count",
                "state_topic": state,
                "value_template": count(place, label),
                **MEASUREMENT,
            },
        )


def _camera_health(topics: Topics, camera_id: str) -> Iterator[Entity]:
    connected = {"device_class": "connectivity", "payload_on": "online", "payload_off": "offline"}
    reason = {"json_attributes_topic": topics.health, "json_attributes_template": camera_reason(camera_id)}
    state = {"state_topic": topics.camera_status(camera_id)}
    yield Entity(
        "connectivity",
        "binary_sensor",
        {"name": "Connectivity", **state, **connected, **reason, **DIAGNOSTIC},
    )
    for key, fact, name, more in (
        ("fps", "fps_detected", "Detections", {"unit_of_measurement": "1/s", **MEASUREMENT}),
        ("latency", "latency_ms", "Latency", _unit("ms", "duration")),
        ("viewers", "viewers", "Viewers", MEASUREMENT),
        ("drops", "drops", "Frames dropped", {"state_class": "total_increasing"}),
    ):
        measured = {"state_topic": topics.health, "expire_after": HEALTH_EXPIRES_S, **DIAGNOSTIC}
        template = camera_health(camera_id, fact)
        yield Entity(key, "sensor", {"name": name, **measured, "value_template": template, **more})


def _controls(topics: Topics, camera_id: str) -> Iterator[Entity]:
    state = {"state_topic": topics.state(camera_id), **CONFIG}
    yield Entity(
        "detect",
        "switch",
        {
            "name": "Detection",
            **state,
            "value_template": "{{ 'ON' if value_json.settings.detect else 'OFF' }}",
            "command_topic": topics.set_camera(camera_id, "detect"),
        },
    )
    for key, name, low, high, step in (
        ("confidence", "Confidence", 0.01, 1.0, 0.01),
        ("fps", "Detections wanted", 0.1, 30.0, 0.1),
    ):
        yield Entity(
            f"set_{key}",
            "number",
            {
                "name": name,
                **state,
                "value_template": setting(key),
                "command_topic": topics.set_camera(camera_id, key),
                "min": low,
                "max": high,
                "step": step,
                "mode": "box",
            },
        )
    yield Entity(
        "quality",
        "select",
        {
            "name": "Live quality",
            **state,
            "value_template": setting("quality"),
            "command_topic": topics.set_camera(camera_id, "quality"),
            "options": list(Quality),
        },
    )
    yield Entity("restart", "button", _button("Restart", topics.set_camera(camera_id, "restart")))


def _occupancy(key: str, name: str, state: str, fact: str, device_class: str) -> Entity:
    template = f"{{{{ 'ON' if {fact} else 'OFF' }}}}"
    config = {"name": name, "state_topic": state, "value_template": template, "device_class": device_class}
    return Entity(key, "binary_sensor", config)


def _event(key: str, name: str, types: list[str], template: str, topic: str) -> Entity:
    config = {"name": name, "state_topic": topic, "value_template": template}
    return Entity(key, "event", {**config, "event_types": types})


def _button(name: str, command_topic: str) -> Config:
    kind = {"device_class": "restart"} if name == "Restart" else {}
    return {"name": name, "command_topic": command_topic, **kind, **CONFIG}


def _unit(unit: str, device_class: str) -> Config:
    return {"unit_of_measurement": unit, "device_class": device_class, **MEASUREMENT}


def _with(entity: Entity, more: Config) -> Entity:
    return Entity(entity.key, entity.component, {**entity.config, **more})


def _identified(entity: Entity, box_id: str, camera_id: str | None) -> Entity:
    """Give an entity the id that Home Assistant knows it by, and the name that its people will."""
    path = "/".join(filter(None, ("edged", box_id, camera_id, entity.key)))
    suggested = slug(f"{box_id}_{camera_id or 'box'}_{entity.key}")
    named = {"object_id": suggested, "default_entity_id": f"{entity.component}.{suggested}"}
    return _with(entity, {"unique_id": path, **named})


def slug(text: str) -> str:
    """Leave what Home Assistant lets an entity id consist of."""
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")


def _labels(zone: ZoneSettings, settings: CameraSettings) -> tuple[str, ...]:
    return zone.labels or settings.detect.labels


def _title(name: str) -> str:
    """Write an id as people would."""
    return name.replace("_", " ").replace("-", " ").capitalize()
