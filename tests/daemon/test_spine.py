"""The main job, end to end: a camera on the network in, tracks, events and health out."""

from __future__ import annotations

import itertools
import re
import signal
import socket
import subprocess
import sys
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.daemon.conftest import BASE, MODEL, config
from tests.parts.daemon import EdgedProcess
from tests.parts.rtsp_server import RtspServer
from tests.parts.waiting import wait_for

if TYPE_CHECKING:
    from pathlib import Path

    from tests.parts.broker import Broker
    from tests.parts.subscriber import Subscriber

TRACKS = f"{BASE}/front/tracks"
EVENTS = f"{BASE}/front/events"


def test_people_and_cars_of_the_street_come_out_at_five_a_second(
    tmp_path: Path, broker: Broker, subscriber: Subscriber, street: RtspServer
) -> None:
    with EdgedProcess(tmp_path, config(broker.port, {"front": f'url = "{street.url("cam")}"'})) as daemon:
        subscriber.wait_for(lambda: len(subscriber.all_of(TRACKS)) >= 30, 30)
        messages = [message.json for message in subscriber.all_of(TRACKS)]
        health = daemon.wait_for_camera("front", state="streaming")
        code, metrics = daemon.get("/metrics")
        assert daemon.stop() == 0
    gaps_s = [b["timestamp"] - a["timestamp"] for a, b in itertools.pairwise(messages)]
    assert sorted(gaps_s)[len(gaps_s) // 2] == pytest.approx(0.2, abs=0.02)
    labels = Counter(track["label"] for message in messages for track in message["tracks"])
    assert set(labels) <= {"person", "car"}
    ids = Counter(track["track_id"] for message in messages for track in message["tracks"])
    assert max(ids.values()) >= 20  # somebody is followed through most of the 30 passes under one id
    assert health["size"] == "x".join(str(messages[0]["frame"][side]) for side in ("width", "height"))
    assert code == 200
    assert 'edged_camera_state{camera="front",state="streaming"} 1.0' in metrics
    started = [
        message.json for message in subscriber.all_of(EVENTS) if message.json["type"] == "track_started"
    ]
    assert len({event["id"] for event in started}) == len(started) >= 1
    subscriber.wait_payload(f"{BASE}/status", b"offline")
    assert subscriber.payloads(f"{BASE}/front/status")[-1] == b"offline"


@pytest.mark.slow
def test_pets09_through_rtsp_and_yolox_nano(
    tmp_path: Path, broker: Broker, subscriber: Subscriber, test_data: Path
) -> None:
    clip, model = test_data / "videos/pets09_s2l1_vtest.h264.mp4", test_data / "models/yolox_nano_640.onnx"
    with RtspServer({"cam": clip}, tmp_path) as server:
        text = config(broker.port, {"front": f'url = "{server.url("cam")}"'}, model=model)
        with EdgedProcess(tmp_path, text):
            subscriber.wait_for(lambda: len(subscriber.all_of(TRACKS)) >= 60, 40)
    messages = [message.json for message in subscriber.all_of(TRACKS)][5:]
    gaps_s = [b["timestamp"] - a["timestamp"] for a, b in itertools.pairwise(messages)]
    assert sorted(gaps_s)[len(gaps_s) // 2] == pytest.approx(0.2, abs=0.02)
    people = [sum(track["label"] == "person" for track in message["tracks"]) for message in messages]
    assert 3 <= sum(people) / len(people) <= 9  # 6.2 a frame at score 0.3, over the whole clip
    ids = Counter(
        track["track_id"] for message in messages for track in message["tracks"] if track["label"] == "person"
    )
    assert sum(count >= 25 for count in ids.values()) >= 2  # followed for five seconds and more


def test_two_cameras_of_one_address_share_its_connection(
    tmp_path: Path, broker: Broker, small_camera: RtspServer
) -> None:
    url = f'url = "{small_camera.url("cam")}"'
    with EdgedProcess(tmp_path, config(broker.port, {"left": url, "right": url})) as daemon:
        daemon.wait_for_camera("left", state="streaming")
        daemon.wait_for_camera("right", state="streaming")
        wait_for(lambda: daemon.camera("right")["fps_detected"] > 0, 10)
        assert small_camera.clients == 1


def test_detection_uses_the_substream(
    tmp_path: Path, broker: Broker, street: RtspServer, small_camera: RtspServer
) -> None:
    lines = f'url = "{street.url("cam")}"\ndetect_url = "{small_camera.url("cam")}"'
    with EdgedProcess(tmp_path, config(broker.port, {"front": lines})) as daemon:
        assert daemon.wait_for_camera("front", state="streaming")["size"] == "320x180"
        assert street.clients == 0


def test_a_secret_is_nowhere(tmp_path: Path, broker: Broker, subscriber: Subscriber) -> None:
    (tmp_path / "url").write_text("rtsp://admin:sesame42@127.0.0.1:1/live?token=sesame43\n")
    text = config(broker.port, {"front": 'url_file = "url"'}, '[log]\nlevel = "debug"')
    with EdgedProcess(tmp_path, text) as daemon:
        daemon.wait_for_camera("front", state="waiting")
        subscriber.wait_for(lambda: subscriber.all_of(f"{BASE}/health"))
        everything = daemon.output + daemon.get("/health")[1] + daemon.get("/metrics")[1]
        daemon.stop()
    heard = b"".join(message.payload for message in subscriber.all_of(f"{BASE}/health")).decode()
    assert "127.0.0.1:1" in everything  # the address itself is said, or this test would prove nothing
    assert "sesame" not in everything + daemon.output + heard


@pytest.mark.parametrize(
    ("spoil", "wanted"),
    [
        (lambda text: text.replace("[box]", "[boxx]"), r"boxx: unknown key; did you mean box\?"),
        (
            lambda text: text.replace(str(MODEL), "nowhere.onnx"),
            r"model\.file = .*nowhere\.onnx.*no such file",
        ),
        (lambda text: text.replace(str(MODEL), "corrupt.onnx"), r"corrupt\.onnx: onnxruntime cannot use"),
    ],
)
def test_a_bad_configuration_ends_with_78_and_a_line(tmp_path: Path, spoil: object, wanted: str) -> None:
    assert callable(spoil)
    (tmp_path / "corrupt.onnx").write_bytes(MODEL.read_bytes()[:5000])
    file = tmp_path / "edged.toml"
    file.write_text(spoil(config(1, {"front": 'url = "rtsp://127.0.0.1/"'})))
    command = [sys.executable, "-m", "edged", "run", "--config", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 78
    assert re.search(wanted, done.stderr)
    assert "Traceback" not in done.stderr


def test_a_port_that_is_taken_ends_with_1_and_a_line(tmp_path: Path) -> None:
    daemon = EdgedProcess(tmp_path, config(1, {}))
    with socket.create_server(("127.0.0.1", daemon.http_port)):
        daemon.launch()
        assert daemon.wait(20) == 1
    assert f"cannot listen on http://127.0.0.1:{daemon.http_port}" in daemon.output


def test_systemd_is_told_where_the_daemon_stands(tmp_path: Path, broker: Broker) -> None:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listener.bind(str(tmp_path / "notify"))
    listener.settimeout(15)
    environ = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "2000000", "JOURNAL_STREAM": "8:1"}
    text = config(broker.port, {})

    def wait_until_told(part: str) -> None:
        while part not in listener.recv(4096).decode():
            pass

    with listener, EdgedProcess(tmp_path, text, environ=environ) as daemon:
        wait_until_told("READY=1")
        wait_until_told("STATUS=0/0 cameras, mqtt")
        wait_until_told("WATCHDOG=1")
        wait_until_told("WATCHDOG=1")
        daemon.signal(signal.SIGHUP)
        wait_until_told("RELOADING=1")
        wait_until_told("READY=1")
        daemon.signal(signal.SIGTERM)
        wait_until_told("STOPPING=1")
        assert daemon.wait() == 0
    assert all(re.match(r"<[2-7]>", line) for line in daemon.lines)
