"""Zones, lines and discovery of the whole daemon on the demo's street."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import av
import cv2
import numpy as np
import pytest

from tests.daemon.conftest import BASE, STREET, config
from tests.parts.daemon import EdgedProcess
from tests.parts.subscriber import Subscriber

if TYPE_CHECKING:
    from collections.abc import Iterator
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
FPS = 25


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
        assert crossed["snapshot"] == {
            "id": crossed["id"],
            "timestamp": crossed["timestamp"],
            "bbox": crossed["track"]["bbox"],
        }
        assert daemon.get_bytes(f"/api/v1/events/{crossed['id']}/snapshot.jpg") == (
            200,
            subscriber.payloads(picture)[0],
        )
        assert daemon.get(f"/api/v1/events/{'0' * 32}/snapshot.jpg")[0] == 404
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


def test_the_picture_of_an_event_is_the_very_frame_of_it(
    tmp_path: Path, broker: Broker, subscriber: Subscriber, street: RtspServer
) -> None:
    """As many frames of the film lie between two pictures as the times of their events say."""
    film = [cv2.resize(frame, (240, 135)).astype(np.int16) for frame in frames_of(STREET)]

    def number(jpeg: bytes) -> int:
        image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE)
        assert image is not None
        small = cv2.resize(image, (240, 135)).astype(np.int16)
        return int(np.argmin([np.abs(frame - small).mean() for frame in film]))

    text = config(broker.port, {"front": f'url = "{street.url("cam")}"'}, "") + PLACES
    with EdgedProcess(tmp_path, text):
        subscriber.wait_for(lambda: len(shown(subscriber)) >= 6, 60)
    pictures = [
        (event["snapshot"]["timestamp"], number(subscriber.payloads(f"{EVENTS}/{event['id']}/snapshot")[0]))
        for event in shown(subscriber)
    ]
    (first_s, first), *others = pictures
    for at_s, found in others:
        between = (found - first) % len(film)
        assert ((at_s - first_s) * FPS) % len(film) == pytest.approx(between, abs=1.5), pictures


def shown(subscriber: Subscriber) -> list[Any]:
    """Every event whose picture has come, too."""
    events = [message.json for message in subscriber.all_of(EVENTS)]
    return [each for each in events if subscriber.all_of(f"{EVENTS}/{each['id']}/snapshot")]


def frames_of(clip: Path) -> Iterator[Any]:
    with av.open(str(clip)) as film:
        for frame in film.decode(video=0):
            yield frame.to_ndarray(format="gray")


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
