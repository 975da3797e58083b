"""The two forms of discovery: one message for each device, or one for each entity; pure.

Home Assistant understands the first since 2024.11; other programs that read discovery often only the second.
Our own topics are told from everybody else's by the node ``edged_<box>`` in them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from edged import __version__
from edged.publish.homeassistant.entities import slug

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from edged.publish.homeassistant.entities import Device, Entity

ORIGIN = {"name": "edged", "sw_version": __version__}
MIGRATE = b'{"migrate_discovery":true}'

Removed = dict[str, str]  # the components that a device had, by the key of the entity


@dataclass(frozen=True, slots=True)
class Node:
    """The part of the discovery topics that is this box's."""

    prefix: str
    box_id: str

    @property
    def filter(self) -> str:
        """Filter for every discovery topic of this box in either form, also of what it no longer has."""
        return f"{self.prefix}/+/edged_{self.box_id}/+/config"

    def device_topic(self, camera_id: str | None) -> str:
        """Where a whole device is told."""
        return self.entity_topic("device", _object_id(camera_id))

    def entity_topic(self, component: str, object_id: str) -> str:
        """Where one entity is told."""
        return f"{self.prefix}/{component}/edged_{self.box_id}/{object_id}/config"

    def is_device_topic(self, topic: str) -> bool:
        """Whether a discovery topic is one of the device form."""
        return topic.startswith(f"{self.prefix}/device/")


def device_form(found: Iterable[Device], node: Node, removed: Mapping[str, Removed]) -> dict[str, bytes]:
    """One payload for each device; ``removed`` names for each topic the entities to be taken away."""
    payloads = {}
    for device in found:
        topic = node.device_topic(device.camera_id)
        gone = {key: {"platform": component} for key, component in removed.get(topic, {}).items()}
        kept = {component_key(each): {"platform": each.component, **each.config} for each in device.entities}
        payloads[topic] = _encode({"device": device.info, "origin": ORIGIN, "components": {**gone, **kept}})
    return payloads


def component_key(entity: Entity) -> str:
    """What an entity is called within the payload of its device; Home Assistant cuts these up at spaces."""
    return entity.key.replace(" ", "_")


def component_form(found: Iterable[Device], node: Node) -> dict[str, bytes]:
    """One payload for each entity."""
    payloads: dict[str, bytes] = {}
    for device in found:
        for entity in device.entities:
            for object_id in _object_ids(device, entity):
                topic = node.entity_topic(entity.component, object_id)
                if topic not in payloads:  # ids that differ only in what a topic cannot carry
                    payloads[topic] = _encode({**entity.config, "device": device.info, "origin": ORIGIN})
                    break
    return payloads


def components_of(payload: bytes) -> Removed:
    """The entities that a payload of the device form tells of; none where it is not one."""
    try:
        components = json.loads(payload)["components"]
        # With nothing but its platform it is a word of farewell, not an entity.
        return {str(key): str(each["platform"]) for key, each in components.items() if len(each) > 1}
    except (ValueError, TypeError, KeyError, AttributeError):
        return {}


def _object_ids(device: Device, entity: Entity) -> Iterator[str]:
    wanted = f"{_object_id(device.camera_id)}_{slug(entity.key)}"
    yield wanted
    yield from (f"{wanted}_{number}" for number in range(2, 1000))


def _object_id(camera_id: str | None) -> str:
    return "box" if camera_id is None else f"camera_{camera_id}"


def _encode(facts: Any) -> bytes:  # noqa: ANN401 - whatever JSON holds
    return json.dumps(facts, separators=(",", ":"), ensure_ascii=False).encode()
