"""Zones, lines and discovery of the whole daemon on the demo's street."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from tests.daemon.conftest import BASE, config
from tests.parts.daemon import EdgedProcess
from tests.parts.subscriber import Subscriber

if TYPE_CHECKING:
    from pathlib import Path

    from tests.parts.broker import Broker
    from tests.parts.rtsp_server import RtspServer

STATE = f"{BASE}/front/state"
EVENTS = f"{BASE}/front/events"
PLACES = """
[cameras.front.zones.middle]
polygon = [[0.3, 0.0], [0.7, 0.0], [0.7, 1.0], [0.3, 1.0]]
enter_after_s = 0.0
[cameras.front.lines.here]
start = [0.5, 0.0]
end = [0.5, 1.0]
to_right = "west"
to_left = "east"
"""
RESTART_ASKED_FOR = 75


def crossings(subscriber: Subscriber) -> list[str]:
    """The direction of each crossing that was told so far."""
    events = [message.json for message in subscriber.all_of(EVENTS)]
    return [event["direction"] for event in events if event["type"] == "line_crossed"]


def test_places_events_pictures_and_totals_that_outlive_a_restart(
    tmp_path: Path, broker: Broker, subscriber: Subscriber, street: RtspServer
) -> None:
    text = config(broker.port, {"front": f'url = "{street.url("cam")}"'}, "") + PLACES
    discovery = Subscriber(broker.port, "homeassistant/#")
    with EdgedProcess(tmp_path, text) as daemon:
        subscriber.wait_for(lambda: len(crossings(subscriber)) >= 2, 60)
        told = [message.json for message in subscriber.all_of(EVENTS)]
        crossed = next(event for event in told if event["type"] == "line_crossed")
        entered = next(event for event in told if event["type"] == "zone_entered")
        assert entered["zone"] == "middle"
        assert entered["track"]["zones"] == ["middle"]
        assert 0 <= crossed["timestamp"] - crossed["crossed"] <= 2
        picture = f"{EVENTS}/{crossed['id']}/snapshot"
        subscriber.wait_for(lambda: subscriber.payloads(picture))
        image = cv2.imdecode(np.frombuffer(subscriber.payloads(picture)[0], np.uint8), cv2.IMREAD_COLOR)
        assert image is not None
        assert (image.shape[1], image.shape[0]) == (crossed["frame"]["width"], crossed["frame"]["height"])
        assert discovery.payloads("homeassistant/device/edged_test/camera_front/config")
        subscriber.publish(f"{BASE}/front/set/snapshot", b"PRESS")
        subscriber.publish(f"{BASE}/set/restart", b"PRESS")
        assert daemon.wait() == RESTART_ASKED_FOR
        total = len(crossings(subscriber))
        subscriber.wait_payload(f"{BASE}/status", b"offline")
        before = len(subscriber.all_of(STATE))
        daemon.start()
        subscriber.wait_for(lambda: len(subscriber.all_of(STATE)) > before)
        lines = subscriber.all_of(STATE)[before].json["lines"]
        assert sum(lines["here"].values()) == total
    discovery.close()


def test_another_way_to_the_broker_is_told_of_cameras_that_run_on(
    tmp_path: Path, broker: Broker, subscriber: Subscriber, small_camera: RtspServer
) -> None:
    text = config(broker.port, {"front": f'url = "{small_camera.url("cam")}"'})
    with EdgedProcess(tmp_path, text) as daemon:
        subscriber.wait_payload(f"{BASE}/front/status", b"online", 15)
        discovery = Subscriber(broker.port, "homeassistant/#")
        discovery.wait_for(lambda: discovery.payloads("homeassistant/device/edged_test/box/config"))
        daemon.reload(text + "\n[home_assistant]\nenabled = false\n")
        subscriber.wait_for(lambda: b"offline" in subscriber.payloads(f"{BASE}/front/status")[1:])
        subscriber.wait_payload(f"{BASE}/front/status", b"online")
        discovery.wait_payload("homeassistant/device/edged_test/box/config", b"")
        discovery.close()
