"""edged against what one would pick instead: ultralytics' own tracking loop over the same ONNX file.

    python -m benchmarks.peer [--model FILE] [--clip FILE] [--frames N] [--rounds N] [--json]

Both decode the same clip, detect and track on every frame, and are asked in turns. The peer lives in a
virtual environment of its own, made at the first run. Needs a model that ultralytics knows, such as
yolov8n.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
import venv
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Self

import av
import cv2
from rich.console import Console
from rich.progress import track as progress
from rich.table import Table

from benchmarks.clip import street_clip
from edged.capture.decoder import Decoder, Encoding
from edged.capture.picture import VideoPicture
from edged.config import DetectSettings, TrackSettings
from edged.core.types import Frame
from edged.detect import ModelOptions, load_model
from edged.track import Tracker

if TYPE_CHECKING:
    from collections.abc import Iterator

DEFAULT_DATA = Path(__file__).parents[2] / "shared" / "data"
PACKAGES = ("torch==2.13.0", "ultralytics==8.4.190", "onnxruntime==1.31.1", "lap==0.5.13")
LOOP = Path(__file__).with_name("peer_loop.py")
WARM_UP = 10
# It must not install, ask or tell anything while it is measured.
QUIET = {"YOLO_AUTOINSTALL": "false", "YOLO_OFFLINE": "true", "YOLO_VERBOSE": "false"}


@dataclass(frozen=True, slots=True)
class Turn:
    """Some frames."""

    cpu_s: float
    tracks: int


class Edged:
    """Our capture, detection and tracking on every frame of a clip, round and round."""

    def __init__(self, model: Path, clip: Path) -> None:
        self._detector = load_model(ModelOptions(model))
        self._detect, self._track = DetectSettings(), TrackSettings()
        self._tracker = Tracker(self._track, self._detect.confidence)
        self._frames = _frames(clip)

    def run(self, frames: int) -> Turn:
        """Track so many more frames."""
        begun_s = time.process_time()
        tracks = sum(self._follow(frame) for frame in itertools.islice(self._frames, frames))
        return Turn(time.process_time() - begun_s, tracks)

    def _follow(self, frame: Frame) -> int:
        found = self._detector.detect(
            frame.picture,
            min_score=min(self._track.low_threshold, self._detect.confidence),
            iou_threshold=self._detect.iou_threshold,
            labels=frozenset(self._detect.labels),
        )
        return len(self._tracker.update(found, frame).active)


class Peer:
    """Ultralytics in a process of its own. A context manager."""

    def __init__(self, python: Path, model: Path, clip: Path, scratch: Path) -> None:
        environ = {**os.environ, **QUIET, "YOLO_CONFIG_DIR": str(scratch)}
        self._process = subprocess.Popen(
            [str(python), str(LOOP), str(model.absolute()), str(clip.absolute())],
            cwd=scratch,
            env=environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()

    def run(self, frames: int) -> Turn:
        """Have it track so many more frames."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{frames}\n")
        self._process.stdin.flush()
        for line in self._process.stdout:
            if line.startswith("edged-peer"):
                _, cpu_s, tracks = line.split()
                return Turn(float(cpu_s), int(tracks))
        msg = "the peer has ended: what it said stands above"
        raise SystemExit(msg)


def peer_python() -> Path:
    """The Python of the peer's environment, which is made where it is not there yet."""
    folder = Path(tempfile.gettempdir(), "edged-benchmark-peer")
    python, done = folder / "bin" / "python", folder / "edged-complete"
    if not done.is_file() or done.read_text() != " ".join(PACKAGES):
        print(f"installing {', '.join(PACKAGES)} into {folder} (once)", file=sys.stderr)
        venv.create(folder, clear=True, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
        done.write_text(" ".join(PACKAGES))
    return python


def _frames(clip: Path) -> Iterator[Frame]:
    """Every picture of the clip, again and again, on a time line that goes on."""
    numbers = itertools.count(1)
    while True:
        with av.open(str(clip)) as container:
            video = container.streams.video[0]
            context = video.codec_context
            decoder = Decoder(Encoding(context.name, context.extradata or b""))
            rate = float(video.average_rate or 25)
            for packet in container.demux(video):
                for picture in decoder.decode(packet) if packet.size else []:
                    number = next(numbers)
                    yield Frame(VideoPicture(picture), number, number / rate, number / rate)


def main() -> int:
    """Print frames per CPU-second of both."""
    data = Path(os.environ.get("EDGED_TEST_DATA", DEFAULT_DATA))
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, default=data / "models" / "yolov8n_640.onnx")
    parser.add_argument("--clip", type=Path, help="default: the demo's street at 720p25")
    parser.add_argument("--frames", type=int, default=50, help="of each turn")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each")
    parser.add_argument("--json", action="store_true", help="for scripts")
    options = parser.parse_args()
    if not options.model.is_file():
        print(f"{options.model}: no such model; name one with --model", file=sys.stderr)
        return 1
    cv2.setNumThreads(1)  # as the daemon does
    clip, python = options.clip or street_clip(), peer_python()
    ours = Edged(options.model, clip)
    with tempfile.TemporaryDirectory() as scratch, Peer(python, options.model, clip, Path(scratch)) as peer:
        for side in (ours, peer):
            side.run(WARM_UP)
        turns = [
            (ours.run(options.frames), peer.run(options.frames))
            for _ in progress(range(options.rounds), "in turns", console=Console(stderr=True), transient=True)
        ]
    show(turns, options.frames, as_json=options.json)
    return 0


def show(turns: list[tuple[Turn, Turn]], frames: int, *, as_json: bool) -> None:
    """Print the outcome."""
    rates = [median(frames / turn.cpu_s for turn in side) for side in zip(*turns, strict=True)]
    ratio = median(peer.cpu_s / ours.cpu_s for ours, peer in turns)
    tracks = [sum(turn.tracks for turn in side) / frames / len(turns) for side in zip(*turns, strict=True)]
    names = ("edged", "ultralytics")
    if as_json:
        sides = {
            name: {"frames_per_cpu_s": round(rate, 2), "tracks_per_frame": round(seen, 2)}
            for name, rate, seen in zip(names, rates, tracks, strict=True)
        }
        print(json.dumps({**sides, "ratio": round(ratio, 3)}, indent=2))
        return
    table = Table("", "frames per CPU-second", "tracks per frame")
    for name, rate, seen in zip(names, rates, tracks, strict=True):
        table.add_row(name, f"{rate:.1f}", f"{seen:.1f}")
    table.caption = f"edged does {ratio:.2f} times the frames"
    Console().print(table)


if __name__ == "__main__":
    sys.exit(main())
