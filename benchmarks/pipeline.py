"""What the daemon costs above the floor: RTSP cameras in, tracks out at a broker.

    python -m benchmarks.pipeline [--cameras 1 4 8] [--seconds 60] [--model FILE] [--clip FILE] [--json]

``edged run`` as it is installed, a real RTSP server and a real mosquitto. The floor is the decoding of the
same stream and the bare model, one thread each, measured in turns with the daemon.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import sys
import tempfile
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks.clip import street_clip
from edged.bench.daemon import MeasuredDaemon
from edged.bench.recording import record
from edged.bench.rounds import measure_rounds, median_round
from edged.capture import CaptureOptions
from edged.detect import ModelOptions, load_model
from tests.parts.broker import Broker
from tests.parts.rtsp_server import RtspServer

if TYPE_CHECKING:
    from collections.abc import Callable

    from paho.mqtt.client import MQTTMessage

DEFAULT_DATA = Path(__file__).parents[2] / "shared" / "data"
ROUND_S = 6.0
FPS = 5.0
MB = 1_000_000
RATIO_MOST, RSS_MOST_MB, RSS_CAMERAS = 1.25, 300, 4


@dataclass(frozen=True, slots=True)
class Result:
    """One row: medians over the rounds."""

    cameras: int
    cpu_ms_per_camera_s: float
    floor_ms_per_camera_s: float
    ratio: float
    ratio_least: float
    ratio_most: float
    rss_mb: float
    fps_in: float
    fps_detected: float
    latency_p50_ms: float
    latency_p95_ms: float
    daemon_latency_p95_ms: float  # by its own account: capture to tracks, without broker and network


class Audience:
    """Subscribes to all tracks and notes when each message comes. A context manager."""

    def __init__(self, port: int) -> None:
        self._lock = threading.Lock()
        self._heard: list[tuple[float, float, bytes]] = []  # monotonic, epoch, payload
        self._client = Client(CallbackAPIVersion.VERSION2)
        self._client.on_connect = lambda client, *_: client.subscribe("edged/benchmark/+/tracks")
        self._client.on_message = self._on_message
        self._client.connect("127.0.0.1", port)

    def __enter__(self) -> Self:
        self._client.loop_start()
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def latencies_ms(self, begun_s: float, ended_s: float) -> list[tuple[float, float]]:
        """Of each message captured and heard within a span: its latency, and that by its own account."""
        with self._lock:
            heard = [(now_s, at_s, json.loads(payload)) for now_s, at_s, payload in self._heard]
        took = [(now_s, at_s - said["timestamp"], said["stats"]["latency_ms"]) for now_s, at_s, said in heard]
        return [
            (took_s * 1000, own_ms)
            for now_s, took_s, own_ms in took
            if begun_s <= now_s - took_s and now_s <= ended_s
        ]

    def _on_message(self, _client: Client, _userdata: object, message: MQTTMessage) -> None:
        with self._lock:
            self._heard.append((time.monotonic(), time.time(), bytes(message.payload)))


@dataclass(frozen=True, slots=True)
class Bench:
    """The parts that every run has in common."""

    model: Path
    server: RtspServer
    broker: Broker
    seconds: float

    def run(self, cameras: int, folder: Path, advance: Callable[[float], None]) -> Result:
        """Measure the daemon on ``cameras``."""
        detector = load_model(ModelOptions(self.model))
        names = [f"cam{number}" for number in range(cameras)]
        recording = record(CaptureOptions(self.server.url(names[0])), 4)
        config = folder / "edged.toml"
        config.write_text(self._config(names))
        with Audience(self.broker.port) as audience, MeasuredDaemon(config, folder) as daemon:
            daemon.wait_until_steady(names)
            rounds = measure_rounds(
                daemon,
                dict.fromkeys(names, recording),
                detector,
                count=max(1, round(self.seconds / ROUND_S)),
                round_s=ROUND_S,
                advance=advance,
            )
            # While the floor is measured the daemon has a core less, which is none of its doing.
            heard = [
                latency for each in rounds for latency in audience.latencies_ms(each.begun_s, each.ended_s)
            ]
            latencies = np.array(heard or [(np.nan, np.nan)])
        typical = median_round(rounds)
        work = [each for one in rounds for each in one.work.values()]
        ratios = [each.ratio for each in rounds]
        return Result(
            cameras=cameras,
            cpu_ms_per_camera_s=typical.daemon_ms_per_s / cameras,
            floor_ms_per_camera_s=typical.floor_ms_per_s / cameras,
            ratio=typical.ratio,
            ratio_least=min(ratios),
            ratio_most=max(ratios),
            rss_mb=max(each.rss_bytes for each in rounds) / MB,
            fps_in=float(np.mean([each.fps_in for each in work])),
            fps_detected=float(
                np.mean([work.fps_detected for each in rounds for work in each.work.values()])
            ),
            latency_p50_ms=float(np.percentile(latencies[:, 0], 50)),
            latency_p95_ms=float(np.percentile(latencies[:, 0], 95)),
            daemon_latency_p95_ms=float(np.percentile(latencies[:, 1], 95)),
        )

    def _config(self, names: list[str]) -> str:
        cameras = "\n".join(f'[cameras.{name}]\nurl = "{self.server.url(name)}"' for name in names)
        return f"""
[box]
id = "benchmark"
[mqtt]
host = "127.0.0.1"
port = {self.broker.port}
[model]
file = "{self.model}"
[detect]
fps = {FPS}
{cameras}
"""


def show(results: list[Result]) -> Table:
    """The results for people, with what they are to be."""
    title = f"ms of CPU per camera-second at {FPS:g} fps detection"
    table = Table(
        *("cameras", "CPU", "floor", "ratio", "rounds", "MB", "fps", "p50 ms", "p95 ms"), title=title
    )
    for each in results:
        is_small = each.cameras != RSS_CAMERAS or each.rss_mb <= RSS_MOST_MB
        table.add_row(
            str(each.cameras),
            f"{each.cpu_ms_per_camera_s:.1f}",
            f"{each.floor_ms_per_camera_s:.1f}",
            _marked(f"{each.ratio:.2f}", each.ratio <= RATIO_MOST),
            f"{each.ratio_least:.2f}-{each.ratio_most:.2f}",
            _marked(f"{each.rss_mb:.0f}", is_small),
            f"{each.fps_detected:.1f}",
            f"{each.latency_p50_ms:.0f}",
            _marked(f"{each.latency_p95_ms:.0f}", each.latency_p95_ms <= 1000 / FPS),
        )
    table.caption = (
        f"wanted: ratio <= {RATIO_MOST}, {RSS_CAMERAS} cameras in <= {RSS_MOST_MB} MB,"
        f" from capture to subscriber p95 <= {1000 / FPS:.0f} ms"
    )
    return table


def _marked(text: str, is_good: bool) -> str:  # noqa: FBT001 - the text and whether it is good
    return f"[green]{text}[/]" if is_good else f"[red]{text}[/]"


def main() -> int:
    """Print one row for each number of cameras."""
    data = Path(os.environ.get("EDGED_TEST_DATA", DEFAULT_DATA))
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cameras", type=int, nargs="+", default=[1, 4, 8])
    parser.add_argument("--seconds", type=float, default=60.0, help="of measuring, for each row")
    parser.add_argument("--model", type=Path, default=data / "models" / "yolox_nano_416.onnx")
    parser.add_argument("--clip", type=Path, help="H.264 or H.265; default: the demo's street at 720p25")
    parser.add_argument("--json", action="store_true", help="for scripts")
    options = parser.parse_args()
    if not options.model.is_file():
        print(f"{options.model}: no such model; name one with --model", file=sys.stderr)
        return 1
    clip = options.clip or street_clip()
    results = []
    with tempfile.TemporaryDirectory(prefix="edged-benchmark-") as scratch:
        folder = Path(scratch)
        mounts = {f"cam{number}": clip for number in range(max(options.cameras))}
        broker = Broker(folder)
        broker.start()
        try:
            with RtspServer(mounts, folder) as server, Progress(console=Console(stderr=True)) as bar:
                bench = Bench(options.model.absolute(), server, broker, options.seconds)
                for cameras in options.cameras:
                    run = folder / str(cameras)
                    run.mkdir()
                    task = bar.add_task(f"{cameras} cameras", total=options.seconds)
                    results.append(bench.run(cameras, run, functools.partial(bar.advance, task)))
        finally:
            broker.kill()
    if options.json:
        print(json.dumps([asdict(each) for each in results], indent=2))
    else:
        Console().print(show(results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
