"""What goes wrong around the daemon, and that nothing else does then."""

from __future__ import annotations

import signal
import socket
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from tests.daemon.conftest import BASE, config
from tests.detect.synthetic import slow_model
from tests.parts.clips import ClipSpec
from tests.parts.daemon import EdgedProcess
from tests.parts.fault_proxy import FaultProxy
from tests.parts.rtsp_server import RtspServer
from tests.parts.subscriber import Subscriber
from tests.parts.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.parts.broker import Broker

QUICK = "read_timeout_s = 2\nopen_timeout_s = 5"


def camera(server: RtspServer, port: int | None = None) -> str:
    return f'url = "{server.url("cam", port=port)}"\n{QUICK}'


def events(subscriber: Subscriber, camera_id: str = "front") -> list[str]:
    return [message.json["type"] for message in subscriber.all_of(f"{BASE}/{camera_id}/events")]


def test_a_camera_that_loses_its_power_comes_back_by_itself(
    tmp_path: Path, broker: Broker, subscriber: Subscriber, small_camera: RtspServer
) -> None:
    with EdgedProcess(tmp_path, config(broker.port, {"front": camera(small_camera)})) as daemon:
        subscriber.wait_payload(f"{BASE}/front/status", b"online", 15)
        assert daemon.get("/health")[0] == 200
        small_camera.kill()
        subscriber.wait_payload(f"{BASE}/front/status", b"offline")
        waiting = daemon.wait_for_camera("front", state="waiting")
        assert daemon.get("/health")[0] == 503
        small_camera.start()
        subscriber.wait_payload(f"{BASE}/front/status", b"online", 20)
        subscriber.wait_for(lambda: events(subscriber) == ["camera_lost", "camera_back"])
        assert daemon.camera("front")["reconnects"] >= 1
    assert waiting["next_try"] > waiting["since"]
    assert waiting["why"]


def test_a_camera_that_falls_silent_is_found_within_its_time_and_others_go_on(
    tmp_path: Path, broker: Broker, subscriber: Subscriber, small_camera: RtspServer
) -> None:
    with FaultProxy(small_camera.port) as proxy:
        cameras = {"front": camera(small_camera, proxy.port), "yard": camera(small_camera)}
        with EdgedProcess(tmp_path, config(broker.port, cameras)) as daemon:
            subscriber.wait_payload(f"{BASE}/front/status", b"online", 15)
            daemon.wait_for_camera("yard", state="streaming")
            proxy.faults.is_black_hole = True
            silent_s = time.monotonic()
            subscriber.wait_payload(f"{BASE}/front/status", b"offline")
            assert time.monotonic() - silent_s < 3.0  # read_timeout_s = 2, and one second to say it
            assert "nothing came for 2 s" in daemon.camera("front")["why"]
            yard = daemon.camera("yard")
            assert (yard["state"], yard["reconnects"]) == ("streaming", 0)
            wait_for(lambda: daemon.camera("yard")["fps_in"] == pytest.approx(25, abs=3), 5)


def test_a_wrong_password_is_said(tmp_path: Path, broker: Broker, clip: Callable[[ClipSpec], Path]) -> None:
    with RtspServer({"cam": clip(ClipSpec())}, tmp_path, credentials=("admin", "right")) as server:
        url = server.url("cam").replace("right", "sesame")
        with EdgedProcess(tmp_path, config(broker.port, {"front": f'url = "{url}"'})) as daemon:
            camera = daemon.wait_for_camera("front", state="waiting")
            assert "password" in camera["why"]
            assert camera["next_try"] - camera["since"] >= 29  # soon would help nobody
            assert "sesame" not in daemon.output


def test_a_name_that_is_not_known_is_said(tmp_path: Path, broker: Broker) -> None:
    text = config(broker.port, {"front": 'url = "rtsp://camera.invalid/live"'})
    with EdgedProcess(tmp_path, text) as daemon:
        assert "camera.invalid" in daemon.wait_for_camera("front", 30, state="waiting")["why"]


def test_another_size_in_mid_stream_is_followed(
    tmp_path: Path, broker: Broker, clip: Callable[[ClipSpec], Path]
) -> None:
    clips = [clip(ClipSpec()), clip(ClipSpec(width=640, height=360))]
    with (
        RtspServer({"cam": clips}, tmp_path) as server,
        EdgedProcess(tmp_path, config(broker.port, {"front": camera(server)})) as daemon,
    ):
        for size in ("320x180", "640x360", "320x180"):
            daemon.wait_for_camera("front", size=size)
        assert daemon.camera("front")["reconnects"] == 0


def test_a_broker_that_dies_is_told_everything_again(
    tmp_path: Path, broker: Broker, small_camera: RtspServer
) -> None:
    with EdgedProcess(tmp_path, config(broker.port, {"front": camera(small_camera)})) as daemon:
        daemon.wait_for_camera("front", state="streaming")
        broker.kill()
        wait_for(lambda: not daemon.health()["broker"]["connected"], 5)
        assert daemon.get("/health")[0] == 503
        broker.start()
        wait_for(lambda: daemon.health()["broker"]["connected"], 10)
        late = Subscriber(broker.port, f"{BASE}/#")
        for topic in ("status", "front/status"):
            late.wait_for(lambda topic=topic: late.payloads(f"{BASE}/{topic}")[-1:] == [b"online"])  # type: ignore[misc]
        late.wait_for(lambda: late.all_of(f"{BASE}/health") and late.all_of(f"{BASE}/front/state"))
        late.close()
        assert daemon.camera("front")["reconnects"] == 0


def test_the_broker_says_that_a_killed_daemon_is_gone(
    tmp_path: Path, broker: Broker, subscriber: Subscriber, small_camera: RtspServer
) -> None:
    with EdgedProcess(tmp_path, config(broker.port, {"front": camera(small_camera)})) as daemon:
        subscriber.wait_payload(f"{BASE}/front/status", b"online", 15)
        daemon.signal(signal.SIGKILL)
        subscriber.wait_payload(f"{BASE}/status", b"offline")
        daemon.wait()
        daemon.start()
        subscriber.wait_payload(f"{BASE}/status", b"online")
        subscriber.wait_for(
            lambda: subscriber.payloads(f"{BASE}/front/status")[-2:] == [b"offline", b"online"], 15
        )


def test_a_frozen_broker_slows_nothing(tmp_path: Path, broker: Broker, small_camera: RtspServer) -> None:
    with EdgedProcess(tmp_path, config(broker.port, {"front": camera(small_camera)})) as daemon:
        wait_for(lambda: daemon.camera("front")["fps_detected"] > 4, 20)
        broker.freeze()
        before = daemon.health()
        wait_for(lambda: daemon.health()["box"]["uptime_s"] >= before["box"]["uptime_s"] + 5, 10)
        assert daemon.camera("front")["fps_detected"] > 4
        assert daemon.stop() == 0  # within five seconds, though nobody listens to our goodbye
        broker.thaw()


@pytest.mark.parametrize("address", ["rtsp://127.0.0.1:{}/cam", "http://127.0.0.1:{}/cam"])
def test_sigterm_while_connecting_ends_it_in_time(tmp_path: Path, address: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = address.format(mute.getsockname()[1])
        with EdgedProcess(tmp_path, config(1, {"front": f'url = "{url}"'})) as daemon:
            assert daemon.camera("front")["state"] == "connecting"
            assert daemon.stop() == 0


def test_sigterm_before_it_runs_ends_it_in_time(tmp_path: Path) -> None:
    daemon = EdgedProcess(
        tmp_path, config(1, {"front": 'url = "rtsp://127.0.0.1:1/"'}, '[log]\nlevel = "debug"')
    )
    with ExitStack() as stack:
        stack.push(daemon)  # it ends with the test, whatever comes of it
        daemon.launch()
        daemon.wait_for_line("starting")
        daemon.signal(signal.SIGTERM)
        assert daemon.wait() == 0


def test_sigterm_with_many_cameras_that_hang_ends_it_in_time(tmp_path: Path) -> None:
    many = 30
    with socket.create_server(("127.0.0.1", 0), backlog=many) as mute:
        url = f"rtsp://127.0.0.1:{mute.getsockname()[1]}"
        cameras = {f"c{n}": f'url = "{url}/{n}"' for n in range(many)}
        with EdgedProcess(tmp_path, config(1, cameras)) as daemon:
            for camera_id in cameras:
                assert daemon.camera(camera_id)["state"] == "connecting"
            assert daemon.stop() == 0


def test_sigterm_while_a_model_takes_its_time_to_load_ends_it_in_time(tmp_path: Path) -> None:
    model = slow_model(tmp_path / "slow.onnx")
    text = config(1, {"front": 'url = "rtsp://127.0.0.1:1/"'}, '[log]\nlevel = "debug"', model=model)
    daemon = EdgedProcess(tmp_path, text)
    with ExitStack() as stack:
        stack.push(daemon)  # it ends with the test, whatever comes of it
        daemon.launch()
        daemon.wait_for_line("starting")
        daemon.signal(signal.SIGTERM)
        assert daemon.wait() == 0
