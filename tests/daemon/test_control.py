"""What changes while the daemon runs: commands from the broker, and its configuration file."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from tests.daemon.conftest import BASE, config
from tests.parts.daemon import EdgedProcess
from tests.parts.waiting import wait_for

if TYPE_CHECKING:
    from pathlib import Path

    from tests.parts.broker import Broker
    from tests.parts.rtsp_server import RtspServer
    from tests.parts.subscriber import Subscriber

STATE = f"{BASE}/front/state"


def settings(subscriber: Subscriber) -> dict[str, object]:
    states = subscriber.all_of(STATE)
    return dict(states[-1].json["settings"]) if states else {}


def set_to(*, detect: bool, fps: float) -> dict[str, object]:
    return {"detect": detect, "confidence": 0.6, "fps": fps, "quality": "low"}


def test_commands_act_answer_with_the_state_and_outlive_a_restart(
    tmp_path: Path, broker: Broker, subscriber: Subscriber, small_camera: RtspServer
) -> None:
    text = config(broker.port, {"front": f'url = "{small_camera.url("cam")}"'})
    with EdgedProcess(tmp_path, text) as daemon:
        wait_for(lambda: daemon.camera("front")["fps_detected"] > 3, 20)
        for key, value in (("fps", b"10"), ("confidence", b"0.6"), ("quality", b"low")):
            subscriber.publish(f"{BASE}/front/set/{key}", value)
        subscriber.wait_for(lambda: settings(subscriber) == set_to(detect=True, fps=10.0))
        wait_for(lambda: daemon.camera("front")["fps_detected"] > 8, 20)
        subscriber.publish(f"{BASE}/front/set/detect", b"OFF")
        subscriber.wait_for(lambda: settings(subscriber)["detect"] is False)
        wait_for(lambda: daemon.camera("front")["fps_detected"] == 0, 20)
        assert daemon.camera("front")["state"] == "streaming"
        assert daemon.stop() == 0

        daemon.start()
        subscriber.wait_for(lambda: settings(subscriber) == set_to(detect=False, fps=10.0))
        # Who edits the file means it: a new value there ends what the command has set.
        daemon.reload(text + "\n[cameras.front.detect]\nfps = 2\n")
        subscriber.wait_for(lambda: settings(subscriber) == set_to(detect=False, fps=2.0))


def test_a_restart_of_a_camera_by_command(
    tmp_path: Path, broker: Broker, subscriber: Subscriber, small_camera: RtspServer
) -> None:
    with EdgedProcess(
        tmp_path, config(broker.port, {"front": f'url = "{small_camera.url("cam")}"'})
    ) as daemon:
        daemon.wait_for_camera("front", state="streaming")
        subscriber.publish(f"{BASE}/front/set/restart", b"PRESS")
        daemon.wait_for_camera("front", reconnects=1)
        daemon.wait_for_camera("front", state="streaming")
        assert small_camera.clients == 2


def test_reload_touches_only_what_changed(
    tmp_path: Path, broker: Broker, subscriber: Subscriber, small_camera: RtspServer
) -> None:
    url = f'url = "{small_camera.url("cam")}"'
    with EdgedProcess(
        tmp_path, config(broker.port, {"front": url, "old": f"{url}\nopen_timeout_s = 9"})
    ) as daemon:
        before = daemon.wait_for_camera("front", state="streaming")
        daemon.wait_for_camera("old", state="streaming")
        daemon.reload(
            config(broker.port, {"front": url, "new": f"{url}\nopen_timeout_s = 8"}, "[detect]\nfps = 2\n")
        )
        daemon.wait_for_camera("new", state="streaming")
        after = daemon.wait_for_camera("front", fps_wanted=2.0)
        assert (after["since"], after["reconnects"]) == (before["since"], 0)
        assert set(daemon.health()["cameras"]) == {"front", "new"}
        for topic in ("status", "state"):  # a broker keeps nothing of a camera that is gone
            subscriber.wait_for(lambda topic=topic: subscriber.payloads(f"{BASE}/old/{topic}")[-1:] == [b""])  # type: ignore[misc]


def test_a_broken_file_leaves_the_old_configuration_in_force(
    tmp_path: Path, broker: Broker, small_camera: RtspServer
) -> None:
    text = config(broker.port, {"front": f'url = "{small_camera.url("cam")}"'})
    with EdgedProcess(tmp_path, text) as daemon:
        before = daemon.wait_for_camera("front", state="streaming")
        daemon.reload(text + "\n[cameras.front.detect]\nfsp = 2\n")
        daemon.wait_for_line("cameras.front.detect.fsp: unknown key; did you mean fps?")
        daemon.wait_for_line("reload refused: the old configuration stays in force")
        corrupt = tmp_path / "corrupt.onnx"
        corrupt.write_bytes(b"not a model")
        daemon.reload(config(broker.port, {}, model=corrupt))
        daemon.wait_for_line("corrupt.onnx: onnxruntime cannot use this file")
        daemon.write(text)
        daemon.signal(signal.SIGHUP)
        daemon.wait_for_line("reloaded")
        assert daemon.camera("front")["since"] == before["since"]
