"""What a real Home Assistant makes of it; optional, for it is large: ``make test-ha``."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from itertools import permutations
from typing import TYPE_CHECKING

import pytest

from edged.config.commands import (
    RestartBox,
    RestartCamera,
    SetConfidence,
    SetDetect,
    SetFps,
    SetQuality,
    TakeSnapshot,
)
from edged.core.types import Crossing, EventKind, Quality, Visit
from tests.ha.conftest import a_camera, an_installation
from tests.parts.waiting import wait_for
from tests.publish.facts import an_event, some_facts

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.ha.conftest import Box, HomeAssistant
    from tests.parts.broker import Broker

    MakeHass = Callable[[int], HomeAssistant]
    StartBox = Callable[..., Box]

STATES = {
    "binary_sensor.porch_box_connectivity": "on",
    "binary_sensor.porch_front_car": "off",
    "binary_sensor.porch_front_connectivity": "on",
    "binary_sensor.porch_front_motion": "on",
    "binary_sensor.porch_front_person": "on",
    "binary_sensor.porch_front_zone_porch": "on",
    "binary_sensor.porch_front_zone_porch_person": "on",
    "button.porch_box_restart": "unknown",  # which is how a button says that nobody has pressed it
    "button.porch_front_restart": "unknown",
    "button.porch_front_take_snapshot": "unknown",
    "camera.porch_front_camera": "idle",
    "event.porch_front_line_gate_events": "unknown",  # nothing has happened yet
    "event.porch_front_zone_porch_events": "unknown",
    "number.porch_front_set_confidence": "0.4",
    "number.porch_front_set_fps": "5.0",
    "select.porch_front_quality": "auto",
    "sensor.porch_box_cpu": "41.2",
    "sensor.porch_box_detections": "4.98",
    "sensor.porch_box_inference_time": "18.3",
    "sensor.porch_box_last_start": "2025-11-20T00:53:20+00:00",
    "sensor.porch_box_memory": "118",
    "sensor.porch_box_temperature": "55.0",
    "sensor.porch_front_car_count": "0",
    "sensor.porch_front_drops": "3",
    "sensor.porch_front_fps": "5.0",
    "sensor.porch_front_latency": "41.3",
    "sensor.porch_front_line_gate_in": "12",
    "sensor.porch_front_line_gate_out": "9",
    "sensor.porch_front_person_count": "1",
    "sensor.porch_front_viewers": "0",
    "sensor.porch_front_zone_porch_person_count": "1",
    "switch.porch_front_detect": "on",
    "update.porch_box_version": "off",
}
HASS_CONNECTS_S = 25.0  # ten of its own to try the broker again, and time to start on a busy machine
IMAGE = "image.porch_front_snapshot"  # its state is the time at which it came


@pytest.fixture
def form(understands_devices: bool) -> str:  # noqa: FBT001 - a fixture
    """The form of discovery that this Home Assistant is to be told."""
    return "device" if understands_devices else "component"


def settled(hass: HomeAssistant) -> dict[str, str]:
    """Its states as soon as everything has one."""
    wait_for(
        lambda: {**hass.states(), IMAGE: None} == {**STATES, IMAGE: None},
        20,
        lambda: f"{set(hass.states().items()) ^ set(STATES.items())} {hass.log}",
    )
    return hass.states()


def test_every_entity_is_available_and_sane(
    broker: Broker, box: StartBox, home_assistant: MakeHass, form: str
) -> None:
    box(discovery=form)
    with home_assistant(broker.port) as hass:
        assert settled(hass)[IMAGE].startswith("20")
        assert {(each["name"], each["via"]) for each in hass.devices()} == {
            ("edged porch", None),
            ("Front door", "edged porch"),
        }
        connectivity = hass.attributes("binary_sensor.porch_front_connectivity")
        assert (connectivity["stream"], connectivity["why"]) == ("streaming", "frames arrive")
    assert hass.complaints() == []


def test_commands_act_and_events_arrive(
    broker: Broker, box: StartBox, home_assistant: MakeHass, form: str
) -> None:
    porch = box(discovery=form)
    with home_assistant(broker.port) as hass:
        settled(hass)
        hass.call("switch.turn_off", entity_id="switch.porch_front_detect")
        hass.call("number.set_value", entity_id="number.porch_front_set_confidence", value=0.55)
        hass.call("number.set_value", entity_id="number.porch_front_set_fps", value=2.5)
        hass.call("select.select_option", entity_id="select.porch_front_quality", option="low")
        for button in ("porch_front_take_snapshot", "porch_front_restart", "porch_box_restart"):
            hass.call("button.press", entity_id=f"button.{button}")
        wait_for(lambda: len(porch.commands) == 7, 5, lambda: str(porch.commands))
        assert porch.commands == [
            SetDetect("front", enabled=False),
            SetConfidence("front", 0.55),
            SetFps("front", 2.5),
            SetQuality("front", Quality.LOW),
            TakeSnapshot("front"),
            RestartCamera("front"),
            RestartBox(),
        ]
        porch.publisher.event(an_event(1))
        porch.publisher.event(replace(an_event(2, EventKind.ZONE_LEFT), visit=Visit("porch", 1.0, 8.5)))
        porch.publisher.event(
            replace(an_event(3, EventKind.LINE_CROSSED), crossing=Crossing("gate", "in", 1.0))
        )
        wait_for(lambda: hass.states()["event.porch_front_line_gate_events"] != "unknown", 5)
        crossed = hass.attributes("event.porch_front_line_gate_events")
        assert (crossed["event_type"], crossed["label"], crossed["track_id"]) == ("in", "person", 3)
        left = hass.attributes("event.porch_front_zone_porch_events")
        assert (left["event_type"], left["dwell_s"]) == ("left", 7.5)
    assert hass.complaints() == []


def test_every_value_is_right_after_every_restart(
    broker: Broker, box: StartBox, home_assistant: MakeHass, form: str
) -> None:
    porch = box(discovery=form)
    with home_assistant(broker.port) as hass:
        settled(hass)
    porch.publisher.camera_state(some_facts(0))
    with home_assistant(broker.port) as hass:  # it comes back and has missed something
        hass.wait_state("binary_sensor.porch_front_person", "off")
        porch.publisher.camera_state(some_facts(1))
        settled(hass)
        broker.kill()
        broker.start()  # with nothing retained
        settled(hass)
        porch.publisher.stop()
        hass.wait_state("binary_sensor.porch_box_connectivity", "off")
        assert hass.states()["binary_sensor.porch_front_person"] == "unavailable"
        box(discovery=form)
        settled(hass)
        porch.lose_camera()
    assert [line for line in hass.complaints() if "mqtt.client" not in line] == []


@pytest.mark.parametrize("order", list(permutations(("Home Assistant", "broker", "box"))), ids="-".join)
def test_every_value_is_right_whatever_is_restarted_in_whatever_order(
    broker: Broker, box: StartBox, home_assistant: MakeHass, form: str, order: tuple[str, ...]
) -> None:
    """All three go at once, the count changes meanwhile, and they come back one after the other."""
    there = box(discovery=form)
    with home_assistant(broker.port) as hass:
        settled(hass)
    there.publisher.stop()
    broker.kill()
    with ExitStack() as running:
        for each in order:
            if each == "broker":
                broker.start()
            elif each == "box":
                box(discovery=form).publisher.camera_state(some_facts(2))
            else:
                hass = running.enter_context(home_assistant(broker.port))
        wanted = {**STATES, IMAGE: None, "sensor.porch_front_person_count": "2"}
        wait_for(
            lambda: {**hass.states(), IMAGE: None} == wanted,
            HASS_CONNECTS_S,
            lambda: str(set(hass.states().items()) ^ set(wanted.items())),
        )


def test_what_is_removed_leaves_no_ghost(
    broker: Broker, box: StartBox, home_assistant: MakeHass, form: str
) -> None:
    porch = box(an_installation({"front": a_camera(name="Front door"), "yard": a_camera()}), discovery=form)
    with home_assistant(broker.port) as hass:
        wait_for(lambda: hass.states().get("switch.porch_yard_detect") == "on" or hass.states(), 20)
        hass.wait_state("switch.porch_front_detect", "on", 20)
        wait_for(lambda: "switch.porch_yard_detect" in hass.states(), 20)
        porch.set(an_installation({"front": a_camera(name="Front door"), "yard": a_camera(zones={})}))
        wait_for(lambda: not any("yard_zone" in name for name in hass.states()), 10)
        assert "binary_sensor.porch_front_zone_porch" in hass.states()
        porch.publisher.stop()  # and what goes while nobody runs goes, too
        box(an_installation({"front": a_camera(name="Front door", lines={})}), discovery=form)
        wait_for(lambda: not any("yard" in name or "gate" in name for name in hass.states()), 10)
        assert {each["name"] for each in hass.devices()} == {"edged porch", "Front door"}
    assert hass.complaints() == []


def test_going_over_to_the_other_form_keeps_every_entity(
    broker: Broker,
    box: StartBox,
    home_assistant: MakeHass,
    understands_devices: bool,  # noqa: FBT001 - a fixture
) -> None:
    if not understands_devices:
        pytest.skip("this Home Assistant knows one form only")
    before = box(discovery="component")
    with home_assistant(broker.port) as hass:
        settled(hass)
        before.publisher.stop()
        there = box(discovery="device")
        hass.wait_state("binary_sensor.porch_box_connectivity", "on")
        settled(hass)
        there.publisher.stop()
        box(discovery="component")
        hass.wait_state("binary_sensor.porch_box_connectivity", "on")
        settled(hass)
    # It says so of every device that has moved away as its manual tells one to.
    assert [line for line in hass.complaints() if "No device components to cleanup" not in line] == []


def test_nothing_is_left_when_it_is_switched_off(
    broker: Broker, box: StartBox, home_assistant: MakeHass, form: str
) -> None:
    porch = box(discovery=form)
    with home_assistant(broker.port) as hass:
        settled(hass)
        porch.publisher.stop()
        box(enabled=False)
        wait_for(lambda: hass.states() == {} and hass.devices() == [], 10)
    assert hass.complaints() == []
