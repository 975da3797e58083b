"""schemas/ against what really goes out: every key stands there, and nothing else."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from edged.core.types import BrokerHealth, Crossing, Event, EventKind, HomeAssistant, Size, Snapshot, Visit
from edged.publish import payloads
from tests.publish.facts import a_frame, a_health, a_track, an_event, some_facts

SCHEMAS = Path(__file__).parents[2] / "schemas"
HD = Size(1280, 720)
VISIT = Visit("porch", 1763600001.25, 1763600013.5)
PICTURE = Snapshot(1763600013.3, (412.4, 189.6, 498.2, 431.0))
BROKER = BrokerHealth(
    connected=True,
    reason="connected",
    address="localhost:1883",
    protocol="MQTT 5",
    events_waiting=0,
    events_dropped=0,
    tracks_dropped=0,
    commands_refused=0,
    home_assistant=HomeAssistant.TOLD,
)


def schema(name: str) -> Any:
    return json.loads((SCHEMAS / f"{name}.schema.json").read_text())


def event(kind: EventKind, **facts: Any) -> bytes:
    return payloads.event(replace(an_event(1, kind), frame_size=HD, **facts))


EVENTS = {
    EventKind.TRACK_STARTED: event(EventKind.TRACK_STARTED),
    EventKind.TRACK_ENDED: event(EventKind.TRACK_ENDED, snapshot=PICTURE),
    EventKind.ZONE_ENTERED: event(
        EventKind.ZONE_ENTERED, visit=replace(VISIT, left_s=None), snapshot=PICTURE
    ),
    EventKind.ZONE_LEFT: event(EventKind.ZONE_LEFT, visit=VISIT, snapshot=PICTURE),
    EventKind.LINE_CROSSED: event(
        EventKind.LINE_CROSSED, crossing=Crossing("gate", "in", 1763600016.8), snapshot=PICTURE
    ),
    EventKind.CAMERA_LOST: payloads.event(Event("e", EventKind.CAMERA_LOST, "front", 1.0, reason="gone")),
    EventKind.CAMERA_BACK: payloads.event(Event("e", EventKind.CAMERA_BACK, "front", 1.0, reason="back")),
}
SENT = [
    ("tracks", payloads.tracks(a_frame(a_track(zones=("porch",)), a_track(track_id=0)))),
    ("tracks", payloads.tracks(a_frame())),
    ("tracks", payloads.tracks(a_frame(a_track(confidence=math.nan)))),
    ("state", payloads.camera_state(some_facts(2))),
    ("health", payloads.health(a_health())),
    ("answer", payloads.answer("edged/porch/front/set/fps", None)),
    ("answer", payloads.answer("edged/porch/front/set/fps", "expected a number")),
    ("health", payloads.health(replace(a_health(latency_ms=None), broker=BROKER, inference=None))),
    *(("event", payload) for payload in EVENTS.values()),
]


@pytest.mark.parametrize("name", ["tracks", "state", "event", "health", "answer"])
def test_a_schema_is_one(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(schema(name))


@pytest.mark.parametrize(("name", "payload"), SENT)
def test_what_goes_out_is_as_its_schema_says(name: str, payload: bytes) -> None:
    jsonschema.validate(json.loads(payload), schema(name))


@pytest.mark.parametrize(("name", "payload"), SENT)
def test_a_key_more_or_less_is_noticed(name: str, payload: bytes) -> None:
    facts = json.loads(payload)
    for wrong in ({**facts, "more": 1}, {key: value for key, value in facts.items() if key != "timestamp"}):
        if wrong != facts:
            with pytest.raises(jsonschema.ValidationError):
                jsonschema.validate(wrong, schema(name))


def test_every_kind_of_event_has_its_schema() -> None:
    assert EVENTS.keys() == set(EventKind)
