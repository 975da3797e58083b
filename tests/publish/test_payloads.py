from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np

from edged.core.types import (
    BrokerHealth,
    CameraState,
    CameraStatus,
    Crossing,
    Event,
    EventKind,
    HomeAssistant,
    Size,
    Snapshot,
    Visit,
)
from edged.publish import payloads
from tests.publish.facts import a_frame, a_health, a_track, an_event, some_facts


def test_tracks_are_the_contract_to_the_byte() -> None:
    assert payloads.tracks(a_frame(a_track())) == (
        b'{"camera_id":"front","timestamp":1763600000.123,'
        b'"frame":{"width":1280,"height":720,"number":1523},'
        b'"tracks":[{"track_id":17,"label":"person","confidence":0.912,"bbox":[412,190,498,431],'
        b'"center":[455,310],"source":"bytetrack","age":12.4,"motion":"horizontal_movement","zones":[]}],'
        b'"stats":{"fps":5.0,"active_tracks":1,"frame_count":1523,"latency_ms":38.2}}'
    )


def test_numbers_of_numpy_are_numbers() -> None:
    box = np.array([1.5, 2.5, 3.5, 4.5], np.float32)
    track = a_track(box_px=tuple(box), confidence=np.float32(0.5))
    assert json.loads(payloads.tracks(a_frame(track)))["tracks"][0]["bbox"] == [2, 2, 4, 4]


def test_what_is_no_number_is_null() -> None:
    track = a_track(confidence=math.nan, box_px=(math.inf, 0.0, 1.0, 2.0))
    sent = json.loads(payloads.tracks(a_frame(track)))["tracks"][0]
    assert sent["confidence"] is None
    assert sent["bbox"] == [None, 0, 1, 2]


def test_labels_keep_their_own_letters() -> None:
    assert "Fußgänger".encode() in payloads.tracks(a_frame(a_track(label="Fußgänger")))


def test_an_event_has_the_facts_of_its_track() -> None:
    assert payloads.event(an_event(17)) == (
        b'{"id":"event-00017","type":"track_started","camera_id":"front","timestamp":1763600017.0,'
        b'"track":{"track_id":17,"label":"person","confidence":0.912,"bbox":[412,190,498,431],'
        b'"center":[455,310],"source":"bytetrack","age":12.4,"motion":"horizontal_movement","zones":[],'
        b'"first_seen":1763600000.0,"last_seen":1763600012.44}}'
    )


def test_an_event_of_a_camera_has_a_reason_instead() -> None:
    lost = Event("e1", EventKind.CAMERA_LOST, "front", 1763600000.0, reason="no packets for 10 s")
    assert payloads.event(lost) == (
        b'{"id":"e1","type":"camera_lost","camera_id":"front","timestamp":1763600000.0,'
        b'"reason":"no packets for 10 s"}'
    )


def test_a_visit_and_a_crossing_say_where_and_when() -> None:
    visit = Visit("porch", 1763600001.25, 1763600013.5)
    left = replace(an_event(17, EventKind.ZONE_LEFT), visit=visit, frame_size=Size(1280, 720))
    seen = Snapshot(1763600009.5, (412.4, 189.6, 498.2, 431.0))
    sent = json.loads(payloads.event(replace(left, snapshot=seen)))
    assert sent["snapshot"] == {
        "id": "event-00017",
        "timestamp": 1763600009.5,
        "bbox": [412, 190, 498, 431],
    }
    assert (sent["type"], sent["zone"], sent["entered"], sent["left"], sent["dwell_s"]) == (
        "zone_left",
        "porch",
        1763600001.25,
        1763600013.5,
        12.2,
    )
    assert sent["frame"] == {"width": 1280, "height": 720}
    staying = replace(left, kind=EventKind.ZONE_ENTERED, visit=replace(visit, left_s=None))
    assert json.loads(payloads.event(staying))["dwell_s"] is None
    crossed = replace(an_event(17, EventKind.LINE_CROSSED), crossing=Crossing("gate", "in", 1763600016.8))
    sent = json.loads(payloads.event(crossed))
    assert (sent["line"], sent["direction"], sent["crossed"]) == ("gate", "in", 1763600016.8)


def test_state_has_counts_occupancy_and_settings() -> None:
    assert payloads.camera_state(some_facts(people=2)) == (
        b'{"camera_id":"front","motion":true,"counts":{"person":2,"car":0},"occupancy":{"person":true,"car":false},'
        b'"zones":{"porch":{"occupied":true,"counts":{"person":1},"occupancy":{"person":true}}},'
        b'"lines":{"gate":{"in":12,"out":9}},'
        b'"settings":{"detect":true,"confidence":0.4,"fps":5.0,"quality":"auto"}}'
    )


def test_health_says_how_the_box_and_each_camera_do() -> None:
    assert json.loads(payloads.health(a_health())) == {
        "timestamp": 1763600100.0,
        "box": {
            "version": "0.1.0",
            "started": 1763600000.0,
            "uptime_s": 3600,
            "cpu_percent": 41.2,
            "memory_bytes": 123456789,
            "temperature_c": 55.0,
            "loop_lag_ms": 0.4,
        },
        "inference": {
            "model": "yolox_nano.onnx",
            "provider": "cpu",
            "layout": "yolox",
            "inference_ms": 18.3,
            "fps": 4.98,
            "overloaded": False,
        },
        "broker": None,
        "cameras": {
            "front": {
                "state": "streaming",
                "why": "frames arrive",
                "since": 1763600000.5,
                "next_try": None,
                "codec": "h264",
                "size": "1280x720",
                "decoder": "h264",
                "fps_in": 24.99,
                "fps_wanted": 5.0,
                "fps_detected": 5.0,
                "latency_ms": 41.3,
                "drops": 3,
                "decode_errors": 0,
                "tracker_failures": 0,
                "reconnects": 1,
                "viewers": 0,
                "live": None,
                "tracks": 2,
                "detect": True,
                "overloaded": False,
            }
        },
    }


def test_health_of_a_camera_that_is_away_knows_no_stream() -> None:
    known = a_health(latency_ms=None)
    away = replace(
        known.cameras[0], stream=None, status=CameraStatus(CameraState.WAITING, "refused", 1.0, 9.5)
    )
    sent = json.loads(payloads.health(replace(known, cameras=(away,), inference=None)))
    camera = sent["cameras"]["front"]
    assert (camera["codec"], camera["size"], camera["latency_ms"], camera["next_try"]) == (
        None,
        None,
        None,
        9.5,
    )
    assert sent["inference"] is None


def test_health_of_the_broker_is_said_too() -> None:
    broker = BrokerHealth(
        connected=True,
        reason="connected",
        address="localhost:1883",
        protocol="MQTT 5",
        events_waiting=1,
        events_dropped=2,
        tracks_dropped=3,
        commands_refused=4,
        home_assistant=HomeAssistant.TOLD,
    )
    assert json.loads(payloads.health(replace(a_health(), broker=broker)))["broker"] == {
        "connected": True,
        "reason": "connected",
        "address": "localhost:1883",
        "protocol": "MQTT 5",
        "events_waiting": 1,
        "events_dropped": 2,
        "tracks_dropped": 3,
        "commands_refused": 4,
    }
