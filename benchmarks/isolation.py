"""Whether viewers, or one who sends rubbish, disturb detection, MQTT and the watchdog, and these the viewers.

    python -m benchmarks.isolation [--cameras 8] [--viewers 16] [--seconds 12]

The viewers watch a camera of 720p25 and 2 Mbit/s and look for gaps in the numbers of their packets; the other
cameras show the demo's street. The rubbish is offers, datagrams and messages without meaning, of one viewer.
"""

from __future__ import annotations

import argparse
import itertools
import socket
import subprocess
import sys
import tempfile
import threading
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.webrtc import MODEL, READY_S, ROOT, Server, make_clip, measure
from tests.parts.broker import Broker
from tests.parts.daemon import EdgedProcess
from tests.parts.rtsp_server import RtspServer
from tests.parts.subscriber import Subscriber

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.parts.subscriber import Received

STREET = MODEL.with_name("street.mp4")
WATCHDOG_S = 4
FPS = 5.0  # the default of detect.fps
CONFIG = f"""
[mqtt]
host = "127.0.0.1"
port = {{port}}
[model]
file = "{MODEL}"
[webrtc]
max_viewers_per_camera = 100
max_viewers = 100
"""


class Watchdog:
    """Counts how often it is fed, in the place of systemd."""

    def __init__(self, folder: Path) -> None:
        self.fed = 0
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(folder / "notify"))
        self.environ = {"NOTIFY_SOCKET": str(folder / "notify"), "WATCHDOG_USEC": str(WATCHDOG_S * 1_000_000)}
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            self.fed += self._socket.recv(4096) == b"WATCHDOG=1"


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--cameras", type=int, default=8)
    parser.add_argument("--viewers", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=12.0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name:
        folder = Path(name)
        watchdog, broker = Watchdog(folder), Broker(folder)
        broker.start()
        try:
            mounts = {"watched": make_clip(folder / "clip.mp4"), "street": STREET}
            with RtspServer(mounts, folder) as camera:
                urls = [camera.url("watched")]
                urls += [f"{camera.url('street')}?{number}" for number in range(1, options.cameras)]
                parts = [CONFIG.format(port=broker.port)]
                parts += [f'[cameras.cam{number}]\nurl = "{url}"' for number, url in enumerate(urls)]
                with EdgedProcess(folder, "\n".join(parts), environ=watchdog.environ) as daemon:
                    for number in range(options.cameras):
                        daemon.wait_for_camera(f"cam{number}", READY_S, state="streaming")
                    show(daemon, broker, watchdog, options)
        finally:
            broker.kill()


def show(daemon: EdgedProcess, broker: Broker, watchdog: Watchdog, options: argparse.Namespace) -> None:
    """Print a line without viewers, one with, and one with rubbish on top."""
    url = f"http://127.0.0.1:{daemon.http_port}/whep/cam0"
    server = Server("edged", "whep", url, daemon.pid)
    for viewers, has_rubbish in ((0, False), (options.viewers, False), (options.viewers, True)):
        with rubbish(url) if has_rubbish else nullcontext():
            fed, subscriber = watchdog.fed, Subscriber(broker.port, "edged/+/+/tracks")
            cost = measure(server, viewers, max(options.seconds, 12.0))  # as far back as the lag is known
            health, messages, fed = daemon.health(), subscriber.everything(), watchdog.fed - fed
            subscriber.close()
        cameras = health["cameras"].values()
        detected = sum(camera["fps_detected"] for camera in cameras)
        print(
            f"{len(cameras)} cameras, {viewers:2} viewers{' and rubbish' if has_rubbish else '':12}:"
            f" {detected:5.1f} of {len(cameras) * FPS:g} detections/s,"
            f" tracks over MQTT at most {longest_gap_s(messages):.1f} s apart, watchdog fed {fed} times,"
            f" loop at most {health['box']['loop_lag_ms']:.0f} ms late, {cost.cpu_percent:.0f} % CPU,"
            f" {cost.packets_per_viewer:.0f} packets/s each, {cost.packets_missing} missing",
            flush=True,
        )


def longest_gap_s(messages: list[Received]) -> float:
    """Between two passes of one camera of those that come over MQTT; somebody is always in the street."""
    times: dict[str, list[float]] = {}
    for message in messages:
        times.setdefault(message.topic, []).append(message.json["timestamp"])
    return max((b - a for each in times.values() for a, b in itertools.pairwise(each)), default=0.0)


@contextmanager
def rubbish(url: str) -> Iterator[None]:
    """Somebody in a process of his own who sends it as long as the context lasts."""
    command = [sys.executable, "-m", "benchmarks.webrtc_rubbish", url]
    sender = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert sender.stdin
    assert sender.stdout
    try:
        if not sender.stdout.readline():
            sys.exit("the sender of rubbish did not start")
        yield
    finally:
        sender.stdin.close()
        print(f"sent: {sender.stdout.read().strip()}")
        sender.wait(20)


if __name__ == "__main__":
    main()
