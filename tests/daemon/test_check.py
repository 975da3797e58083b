"""``edged check``, as somebody types it: what it says, where, and with which exit code."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.daemon.conftest import config
from tests.parts.broker import free_port
from tests.parts.clips import ClipSpec
from tests.parts.rtsp_server import RtspServer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.parts.broker import Broker


def check(file: Path, text: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    file.write_text(text)
    command = [sys.executable, "-m", "edged", "check", "--config", str(file), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_a_right_file_is_called_right(tmp_path: Path) -> None:
    done = check(tmp_path / "edged.toml", config(1883, {"front": 'url = "rtsp://camera/s"'}))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{tmp_path}/edged.toml: right; 1 camera\n"


def test_every_mistake_is_said_at_once_and_ends_with_78(tmp_path: Path) -> None:
    cameras = {"front": 'url = "rtps://viewer:s3cret@camera/s"\ntransport = "tpc"', "back": 'nmae = "Back"'}
    done = check(tmp_path / "edged.toml", config(99999, cameras))
    assert (done.returncode, done.stdout) == (78, "")
    assert [line.split(" = ")[0] for line in done.stderr.splitlines()] == [
        f"edged: {tmp_path}/edged.toml: mqtt.port",
        f"edged: {tmp_path}/edged.toml: cameras.front.url",
        f"edged: {tmp_path}/edged.toml: cameras.front.transport",
        f"edged: {tmp_path}/edged.toml: cameras.back.url: missing: give url",
        f"edged: {tmp_path}/edged.toml: cameras.back.nmae: unknown key; did you mean name?",
    ]
    assert "s3cret" not in done.stderr


@pytest.mark.slow
def test_probe_says_what_each_camera_sends(
    tmp_path: Path, broker: Broker, clip: Callable[[ClipSpec], Path]
) -> None:
    mounts = {
        "plain": clip(ClipSpec()),
        "b": clip(ClipSpec(b_frames=2)),
        "h265": clip(ClipSpec(codec="libx265")),
    }
    with RtspServer(mounts, tmp_path, credentials=("viewer", "s3cret")) as server:
        cameras = {
            "front": f'url = "{server.url("plain")}"\ndetect_url = "{server.url("b")}"',
            "yard": f'url = "{server.url("h265")}"',
            "gone": f'url = "{server.url("nothing")}"',
            "off": 'url = "rtsp://camera.invalid/s"\nenabled = false',
        }
        done = check(tmp_path / "edged.toml", config(broker.port, cameras), "--probe")
    assert (done.returncode, done.stderr) == (1, "")
    said = dict(line.split(": ", 1) for line in done.stdout.splitlines() if "browser" not in line)
    assert said["broker"].endswith("speaks MQTT 5")
    front, substream, yard = said["camera front"], said["camera front, detect_url"], said["camera yard"]
    for part in (
        "h264 Constrained Baseline, 320x180, 25.",
        "a key frame every 1.0 s, no B-frames",
        "by h264,",
    ):
        assert part in front
    assert ", B-frames, " in substream
    assert yard.startswith("hevc Main, 320x180, ")
    assert "the camera has no such stream (404)" in said["camera gone"]
    assert "camera off" not in said
    browser = [line.partition(" can be sent to a browser unchanged: ") for line in done.stdout.splitlines()]
    assert [answer[:30] for _, _, answer in browser if answer] == [
        "yes",
        "no: it has B-frames, which bro",
        "no: browsers are sent H.264 on",
    ]
    assert "s3cret" not in done.stdout


def test_probe_says_that_the_broker_is_not_there(tmp_path: Path) -> None:
    done = check(tmp_path / "edged.toml", config(free_port(), {}), "--probe")
    assert (done.returncode, done.stderr) == (1, "")
    assert "\nbroker: connection refused by 127.0.0.1:" in done.stdout
