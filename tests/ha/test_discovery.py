"""What of discovery arrives at a real broker, and what stays there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from edged.publish.homeassistant.entities import devices
from edged.publish.homeassistant.forms import MIGRATE, Node, component_form, device_form
from edged.publish.topics import Topics
from tests.ha.conftest import Box, a_camera, an_installation, retained
from tests.parts.broker import Broker
from tests.parts.subscriber import Subscriber
from tests.publish.facts import some_facts

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from edged.publish import Installation
    from edged.publish.homeassistant.entities import Device

    StartBox = Callable[..., Box]

HUB = "homeassistant/device/edged_porch/box/config"
FRONT = "homeassistant/device/edged_porch/camera_front/config"
YARD = "homeassistant/device/edged_porch/camera_yard/config"
NODE = Node("homeassistant", "porch")


def found(there: Installation | None = None) -> tuple[Device, ...]:
    return devices(there or an_installation(), Topics("edged/porch"))


def components(listener: Subscriber, topic: str) -> dict[str, Any]:
    """The entities of the newest payload on a topic of the device form."""
    payloads = [payload for payload in listener.payloads(topic) if payload]
    result: dict[str, Any] = json.loads(payloads[-1])["components"] if payloads else {}
    return result


def test_a_camera_says_where_everything_stands() -> None:
    payload = json.loads(device_form(found(), NODE, {})[FRONT])
    assert payload["device"] == {
        "identifiers": ["edged/porch/front"],
        "name": "Front door",
        "manufacturer": "edged",
        "model": "Camera",
        "via_device": "edged/porch",
        "suggested_area": "Garden",
    }
    assert payload["origin"]["name"] == "edged"
    assert payload["components"]["zone.porch.person.count"] == {
        "platform": "sensor",
        "name": "Porch person count",
        "state_topic": "edged/porch/front/state",
        "value_template": '{{ value_json.zones.get("porch", {}).get(\'counts\', {}).get("person") }}',
        "state_class": "measurement",
        "availability": [{"topic": "edged/porch/status"}, {"topic": "edged/porch/front/status"}],
        "availability_mode": "all",
        "unique_id": "edged/porch/front/zone.porch.person.count",
        "object_id": "porch_front_zone_porch_person_count",
        "default_entity_id": "sensor.porch_front_zone_porch_person_count",
    }


def test_every_entity_has_an_id_of_its_own_and_the_box_comes_first() -> None:
    labels = {"labels": ["person", "traffic light", "traffic_light"]}
    there = an_installation({"front": a_camera(detect=labels), "box": a_camera()})
    entities = [entity for device in found(there) for entity in device.entities]
    assert len({entity.config["unique_id"] for entity in entities}) == len(entities)
    assert len(component_form(found(there), NODE)) == len(entities)
    assert next(iter(device_form(found(there), NODE, {}))) == HUB
    assert all(
        " " not in key
        for p in device_form(found(there), NODE, {}).values()
        for key in json.loads(p)["components"]
    )


def test_what_a_machine_does_not_have_is_not_promised() -> None:
    (hub, *_) = found(
        an_installation({}).__class__("porch", "0.1.0", None, has_temperature=False, cameras={})
    )
    assert "temperature" not in {entity.key for entity in hub.entities}
    assert "configuration_url" not in hub.info


@pytest.mark.parametrize("form", ["device", "component"])
def test_discovery_is_retained_and_ghosts_of_an_earlier_life_are_driven_out(
    broker: Broker, box: StartBox, listener: Subscriber, form: str
) -> None:
    ghosts = (
        "homeassistant/device/edged_porch/camera_old/config",
        "homeassistant/sensor/edged_porch/camera_old_person_count/config",
    )
    others = ("homeassistant/device/edged_porch2/box/config", "homeassistant/sensor/thermometer/config")
    for topic in (*ghosts, *others):
        listener.publish(topic, b'{"name":"ghost"}', retain=True)
    box(discovery=form)
    wanted = device_form(found(), NODE, {}) if form == "device" else component_form(found(), NODE)
    listener.wait_for(lambda: all(listener.payloads(topic)[-1:] == [b""] for topic in ghosts), 10)
    listener.wait_for(lambda: all(listener.payloads(topic) for topic in wanted), 10)
    assert retained(broker.port) == {**wanted, **dict.fromkeys(others, b'{"name":"ghost"}')}


def test_an_entity_that_goes_is_taken_away_by_name_and_then_forgotten(
    broker: Broker, box: StartBox, listener: Subscriber
) -> None:
    first = box()
    listener.wait_for(lambda: "zone.porch" in components(listener, FRONT))
    first.set(an_installation({"front": a_camera(zones={})}))
    listener.wait_for(lambda: components(listener, FRONT)["zone.porch"] == {"platform": "binary_sensor"})
    first.publisher.stop()
    second = box(an_installation({"front": a_camera(zones={}, lines={})}))  # a line went meanwhile
    listener.wait_for(lambda: components(listener, FRONT).get("line.gate.in") == {"platform": "sensor"})
    assert "zone.porch" not in components(listener, FRONT)
    second.publisher.stop()
    box(an_installation({"front": a_camera(zones={}, lines={})}))
    listener.wait_for(lambda: "line.gate.in" not in components(listener, FRONT))
    assert retained(broker.port).keys() == {HUB, FRONT}


def test_a_camera_that_goes_and_everything_when_switched_off(
    broker: Broker, box: StartBox, listener: Subscriber
) -> None:
    first = box(an_installation({"front": a_camera(), "yard": a_camera()}))
    listener.wait_for(lambda: components(listener, YARD))
    first.set(an_installation({"front": a_camera()}))
    listener.wait_payload(YARD, b"")
    first.publisher.stop()
    box(enabled=False)
    listener.wait_payload(HUB, b"")
    listener.wait_payload(FRONT, b"")
    assert retained(broker.port) == {}


@pytest.mark.parametrize(("old", "new"), [("component", "device"), ("device", "component")])
def test_a_change_of_form_is_announced_before_and_cleaned_up_after(
    broker: Broker, box: StartBox, listener: Subscriber, old: str, new: str
) -> None:
    forms = {"device": device_form(found(), NODE, {}), "component": component_form(found(), NODE)}
    first = box(discovery=old)
    listener.wait_for(lambda: all(listener.payloads(topic) for topic in forms[old]), 10)
    first.publisher.stop()
    box(discovery=new)
    listener.wait_for(lambda: all(listener.payloads(topic)[-1:] == [b""] for topic in forms[old]), 10)
    assert all(listener.payloads(topic)[-2] == MIGRATE for topic in forms[old])
    order = [(each.topic, each.payload) for each in listener.everything()]
    moving = max(order.index((topic, MIGRATE)) for topic in forms[old])
    told = [order.index((topic, forms[new][topic])) for topic in forms[new]]
    gone = min(order.index((topic, b"")) for topic in forms[old])
    assert moving < min(told)
    assert max(told) < gone
    assert retained(broker.port) == forms[new]


def test_a_birth_is_answered_with_everything(broker: Broker, box: StartBox, listener: Subscriber) -> None:
    there = box()
    there.publisher.camera_state(some_facts(2))
    everything = Subscriber(broker.port, "#")
    everything.wait_for(lambda: everything.payloads(HUB))
    before = len(everything.all_of(HUB))
    listener.publish("homeassistant/status", b"offline")
    listener.publish("homeassistant/status", b"online")
    listener.publish("homeassistant/status", b"online")
    everything.wait_for(lambda: len(everything.all_of(HUB)) > before, 6)
    everything.wait_for(lambda: len(everything.all_of("edged/porch/front/state")) > 1)
    assert len(everything.all_of(HUB)) == before + 1, "answered once"
    everything.close()


def test_two_boxes_leave_each_other_alone(broker: Broker, box: StartBox, listener: Subscriber) -> None:
    box()
    box(an_installation(box_id="porch2"))
    box(an_installation({}, box_id="por"))
    listener.wait_for(lambda: listener.payloads("homeassistant/device/edged_porch2/camera_front/config"))
    listener.wait_for(lambda: listener.payloads("homeassistant/device/edged_por/box/config"))
    listener.wait_for(lambda: listener.payloads(FRONT))
    assert len(retained(broker.port)) == 5


def test_sixteen_cameras_are_no_flood(broker: Broker, box: StartBox, listener: Subscriber) -> None:
    box(an_installation({f"cam{n}": a_camera() for n in range(16)}))
    listener.wait_for(lambda: len(listener.everything()) == 17, 10)
    assert max(len(each.payload) for each in listener.everything()) < 64 * 1024
    assert len(retained(broker.port)) == 17


def test_a_broker_that_forgets_is_told_again(broker: Broker, box: StartBox, listener: Subscriber) -> None:
    box()
    listener.wait_for(lambda: listener.payloads(FRONT))
    listener.close()
    broker.kill()
    broker.start()
    late = Subscriber(broker.port, "homeassistant/#")
    late.wait_for(lambda: components(late, FRONT) and components(late, HUB), 10)
    late.close()


def test_a_broker_that_lets_nobody_listen_is_told_all_the_same(tmp_path: Path) -> None:
    """Nothing of what was retained comes, and no own word comes back: after five seconds that is that."""
    acl = "user box\ntopic write #\nuser reader\ntopic read #\n"
    broker = Broker(tmp_path, users={"box": "secret", "reader": "secret"}, acl=acl)
    broker.start()
    reader = Subscriber(broker.port, "homeassistant/#", user="reader", password="secret")
    box = Box(broker.port, mqtt={"username": "box", "password": "secret"})
    reader.wait_for(lambda: components(reader, FRONT), 10)
    box.publisher.stop()
    reader.close()
    broker.kill()
