"""What serving live video costs, side by side with Debian's Janus on the same camera and receivers.

    python -m benchmarks.webrtc [--viewers 1 4 16] [--seconds 8]

Needs: apt-get install janus, and what the RTSP server of the tests needs. Receivers run in a process of their
own and only count packets; server CPU is that of the server's process alone, in percent of one core.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import av
import numpy as np
import psutil

from tests.parts.broker import free_port
from tests.parts.daemon import EdgedProcess
from tests.parts.rtsp_server import RtspServer
from tests.parts.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
MODEL = ROOT / "edged" / "demo" / "data" / "edged-demo.onnx"
WIDTH, HEIGHT, FPS, BITRATE_BPS, GOP_S, LENGTH_S = 1280, 720, 25, 2_000_000, 2, 8
READY_S = 40.0
CONFIG = """
[mqtt]
enabled = false
[model]
file = "{model}"
[detect]
enabled = false
[webrtc]
max_viewers_per_camera = 100
max_viewers = 100
"""
JANUS = """
general: {{ plugins_folder = "{plugins}" transports_folder = "{transports}" configs_folder = "{folder}"
  server_name = "benchmark" debug_level = 2 }}
nat: {{ }}
media: {{ rtp_port_range = "20000-40000" }}
"""
JANUS_HTTP = """
general: {{ json = "compact" base_path = "/janus" http = true port = {port} ip = "127.0.0.1" https = false }}
admin: {{ admin_http = false }}
"""
JANUS_STREAMING = """
cam: {{ type = "rtsp" id = 1 audio = false video = true videopt = 96 videocodec = "h264"
  videortpmap = "H264/90000" videofmtp = "profile-level-id=42e01f;packetization-mode=1"
  url = "{url}" rtsp_reconnect_delay = 1 }}
"""


@dataclass(frozen=True, slots=True)
class Server:
    """Something that serves, and how receivers reach it."""

    name: str
    kind: str  # "whep" or "janus"
    url: str
    pid: int


@dataclass(frozen=True, slots=True)
class Cost:
    """What so many viewers cost."""

    viewers: int
    cpu_percent: float
    memory_mb: float
    packets_per_viewer: float
    packets_missing: int  # of all viewers together
    receivers_cpu_percent: float


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--viewers", type=int, nargs="+", default=[1, 4, 16])
    parser.add_argument("--seconds", type=float, default=8.0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name:
        folder = Path(name)
        clip = make_clip(folder / "clip.mp4")
        with RtspServer({"cam": clip}, folder) as camera:
            compare(folder, camera.url("cam"), options.viewers, options.seconds)


def compare(folder: Path, url: str, viewers: list[int], seconds: float) -> None:
    """Measure and print."""
    print(
        f"{WIDTH}x{HEIGHT} {FPS} fps, {BITRATE_BPS / 1e6:g} Mbit/s, {seconds:g} s each; CPU: 100 is one core"
    )
    costs: dict[str, list[Cost]] = {}
    with edged(folder, url) as served:
        for server in served:
            costs[server.name] = [measure(server, number, seconds) for number in [0, *viewers]]
            show(server.name, costs[server.name])
    if shutil.which("janus"):
        with janus(folder, url) as server:
            costs["janus"] = [measure(server, number, seconds) for number in [0, *viewers]]
            show("janus", costs["janus"])
        for ours, theirs in zip(costs["edged"], costs["janus"], strict=True):
            if ours.viewers:
                print(f"{ours.viewers:3} viewers: {ours.cpu_percent / theirs.cpu_percent:.2f} x Janus")


def show(name: str, costs: list[Cost]) -> None:
    """Print one server's lines."""
    idle = costs[0]
    for cost in costs:
        each = (cost.memory_mb - idle.memory_mb) / cost.viewers if cost.viewers else 0.0
        print(
            f"{name:14} {cost.viewers:3} viewers  {cost.cpu_percent:6.1f} %  {cost.memory_mb:6.1f} MB"
            f" ({each:4.1f} MB each)  {cost.packets_per_viewer:5.0f} packets/s each"
            f"  receivers {cost.receivers_cpu_percent:5.1f} %",
            flush=True,
        )


def measure(server: Server, viewers: int, seconds: float) -> Cost:
    """Watch the server's process while so many receive."""
    process = psutil.Process(server.pid)
    if not viewers:
        return _observed(process, None, seconds)
    command = [sys.executable, "-m", "benchmarks.webrtc_receivers", server.kind, server.url, str(viewers)]
    receivers = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True)
    try:
        assert receivers.stdout
        line = receivers.stdout.readline()
        if not line:
            sys.exit(f"{server.name}: the receivers did not start")
        time.sleep(2)  # the pictures sent at once to who has just come are no steady state
        return _observed(process, receivers, seconds, viewers)
    finally:
        if receivers.stdin:
            receivers.stdin.close()  # they hang up, as viewers do
        receivers.wait(20)
        time.sleep(1)


def _observed(
    process: psutil.Process, receivers: subprocess.Popen[str] | None, seconds: float, viewers: int = 0
) -> Cost:
    (before_packets, before_missing), before_s = _packets(receivers), time.monotonic()
    watched = [process, *([psutil.Process(receivers.pid)] if receivers else [])]
    before = [sum(each.cpu_times()[:2]) for each in watched]
    time.sleep(seconds)
    spent = [sum(each.cpu_times()[:2]) - was for each, was in zip(watched, before, strict=True)]
    elapsed_s = time.monotonic() - before_s
    packets, missing = _packets(receivers)
    rate = (packets - before_packets) / elapsed_s
    return Cost(
        viewers=viewers,
        cpu_percent=spent[0] / elapsed_s * 100,
        memory_mb=process.memory_info().rss / 1e6,
        packets_per_viewer=rate / viewers if viewers else 0.0,
        packets_missing=missing - before_missing,
        receivers_cpu_percent=spent[1] / elapsed_s * 100 if receivers else 0.0,
    )


def _packets(receivers: subprocess.Popen[str] | None) -> tuple[int, int]:
    """How many came, and how many did not."""
    if receivers is None:
        return 0, 0
    assert receivers.stdin
    assert receivers.stdout
    receivers.stdin.write("?\n")
    receivers.stdin.flush()
    facts = json.loads(receivers.stdout.readline())
    return facts["packets"], facts["missing"]


@contextmanager
def edged(folder: Path, url: str) -> Iterator[list[Server]]:
    """The daemon without detection: what is measured is serving alone."""
    config = f'{CONFIG.format(model=MODEL)}\n[cameras.cam]\nurl = "{url}"'
    with EdgedProcess(folder, config) as daemon:
        daemon.wait_for_camera("cam", state="streaming", timeout_s=READY_S)
        address = f"http://127.0.0.1:{daemon.http_port}/whep/cam"
        yield [
            Server("edged", "whep", address, daemon.pid),
            Server("edged, medium", "whep", f"{address}?quality=medium", daemon.pid),
        ]


@contextmanager
def janus(folder: Path, url: str) -> Iterator[Server]:
    """Debian's Janus with its streaming plugin on the same camera."""
    home = next(Path("/usr/lib").glob("*/janus"))
    port = free_port()
    for name in ("plugins", "transports"):
        (folder / name).mkdir()
    (folder / "plugins" / "libjanus_streaming.so").symlink_to(home / "plugins" / "libjanus_streaming.so")
    (folder / "transports" / "libjanus_http.so").symlink_to(home / "transports" / "libjanus_http.so")
    main_text = JANUS.format(plugins=folder / "plugins", transports=folder / "transports", folder=folder)
    (folder / "janus.jcfg").write_text(main_text)
    (folder / "janus.transport.http.jcfg").write_text(JANUS_HTTP.format(port=port))
    (folder / "janus.plugin.streaming.jcfg").write_text(JANUS_STREAMING.format(url=url))
    with (folder / "janus.log").open("w") as log:
        process = subprocess.Popen(
            ["janus", "--config", str(folder / "janus.jcfg"), "--configs-folder", str(folder)],
            stdout=log,
            stderr=log,
        )
    try:
        address = f"http://127.0.0.1:{port}/janus"
        wait_for(lambda: _answers(f"{address}/info"), READY_S, "Janus answers")
        time.sleep(3)  # its first connection to the camera may need a second try
        yield Server("janus", "janus", address, process.pid)
    finally:
        process.terminate()
        process.wait(10)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2):  # noqa: S310 - our own address
            return True
    except (urllib.error.URLError, OSError):
        return False


def make_clip(file: Path) -> Path:
    """A moving texture at a steady bit rate."""
    rng = np.random.default_rng(1)
    texture = rng.integers(0, 256, (HEIGHT // 8 + 64, WIDTH // 8 + 256), np.uint8).repeat(8, 0).repeat(8, 1)
    with av.open(str(file), "w") as container:
        rate = str(BITRATE_BPS)
        options = {"preset": "veryfast", "bf": "0", "maxrate": rate, "bufsize": rate}
        video = container.add_stream("libx264", rate=FPS, options=options)
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        video.codec_context.bit_rate = BITRATE_BPS
        video.codec_context.gop_size = GOP_S * FPS
        video.codec_context.max_b_frames = 0
        for index in range(FPS * LENGTH_S):
            left = index * 5
            # Noise, or everything could be predicted and the bit rate would not be reached.
            luma = texture[:HEIGHT, left : left + WIDTH] // 2 + rng.integers(0, 60, (HEIGHT, WIDTH), np.uint8)
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(luma), format="gray").reformat(
                format="yuv420p"
            )
            frame.pts, frame.time_base = index, Fraction(1, FPS)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
    return file


if __name__ == "__main__":
    main()
