"""How much of the truth comes out of the whole daemon: MOTA and IDF1 on demo scenes that the model never saw.

    python -m benchmarks.accuracy [--seeds 1000031 …] [--seconds 36]

Each scene is drawn, encoded as H.264 and played in real time as a camera of ``edged run`` with the demo's
model, at 5 fps. What arrives on the ``tracks`` topic is held against the generator's truth of the same frame.
Who is hidden for the most part (``consider`` 0) is neither missed nor wrongly found. Needs mosquitto.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks.scoring import MATCH_IOU, Match, score
from edged.demo.clip import CLASS_NUMBERS
from edged.demo.scene import Kind, SceneSpec, write_clip
from tests.daemon.conftest import BASE, config
from tests.parts.broker import Broker
from tests.parts.daemon import EdgedProcess
from tests.parts.subscriber import Subscriber

if TYPE_CHECKING:
    Rows = np.ndarray[Any, Any]

GOAL = 0.85


def draw(spec: SceneSpec, folder: Path) -> Path:
    """Render a scene; returns the clip, with its truth beside it."""
    clip = folder / f"{spec.kind}-{spec.seed}.mp4"
    write_clip(spec, clip, clip.with_suffix(".mot.txt"))
    return clip


def watch(clip: Path, folder: Path, spec: SceneSpec) -> list[Any]:
    """Play ``clip`` once through the daemon; returns what came on the tracks topic."""
    broker = Broker(folder)
    broker.start()
    subscriber = Subscriber(broker.port, f"{BASE}/front/tracks")
    try:
        with EdgedProcess(folder, config(broker.port, {"front": f'url = "{clip}"'})) as daemon:
            daemon.wait_for_camera("front", state="streaming")
            time.sleep(spec.seconds)  # the clip plays in real time
            daemon.stop()
    finally:
        subscriber.close()
        broker.kill()
    return [message.json for message in subscriber.all_of(f"{BASE}/front/tracks")]


def compare(messages: list[Any], truth_file: Path, frames: int) -> list[Match]:
    """Hold each message against the truth of its frame, people and cars apart."""
    truth = np.loadtxt(truth_file, delimiter=",", ndmin=2)
    matches = [Match() for _ in CLASS_NUMBERS]
    for message in messages:
        number = message["frame"]["number"]
        if number > frames:  # the clip has begun again
            break
        rows = truth[truth[:, 0] == number]
        for match, (label, class_number) in zip(matches, CLASS_NUMBERS.items(), strict=True):
            tracks = [track for track in message["tracks"] if track["label"] == label]
            add_frame(match, rows[rows[:, 7] == class_number], tracks)
    return matches


def add_frame(match: Match, rows: Rows, tracks: list[Any]) -> None:
    """Compare one class in one frame; a track that sits on a hidden figure is left out."""
    counted, hidden = rows[rows[:, 6] == 1], rows[rows[:, 6] == 0]
    boxes = np.array([track["bbox"] for track in tracks], float).reshape(-1, 4)
    found = np.c_[boxes[:, :2], boxes[:, 2:] - boxes[:, :2]]
    is_fair = (overlap(found, hidden[:, 2:6]) < MATCH_IOU) | (overlap(found, counted[:, 2:6]) >= MATCH_IOU)
    ids = [track["track_id"] for track, fair in zip(tracks, is_fair, strict=True) if fair]
    match.add(counted[:, 1].astype(int).tolist(), counted[:, 2:6], ids, found[is_fair])


def overlap(boxes: Rows, others: Rows) -> Rows:
    """Best IoU of each box with any of ``others``; left, top, width, height."""
    if not len(others):
        return np.zeros(len(boxes))
    begin = np.maximum(boxes[:, None, :2], others[None, :, :2])
    end = np.minimum(boxes[:, None, :2] + boxes[:, None, 2:], others[None, :, :2] + others[None, :, 2:])
    shared = np.prod(np.clip(end - begin, 0, None), axis=2)
    either = np.prod(boxes[:, None, 2:], axis=2) + np.prod(others[None, :, 2:], axis=2) - shared
    best: Rows = (shared / either).max(axis=1)
    return best


def main() -> int:
    """Print one row for each scene and one for all; the exit code says whether the goal is met."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=range(1_000_031, 1_000_035))
    parser.add_argument("--seconds", type=float, default=36.0)
    options = parser.parse_args()
    table = Table("scene", "messages", "MOTA", "IDF1", "switches")
    every: list[Match] = []
    with Progress(transient=True) as progress, tempfile.TemporaryDirectory() as scratch:
        specs = [
            SceneSpec(kind, seconds=options.seconds, seed=seed)
            for seed in options.seeds
            for kind in get_args(Kind)
        ]
        for spec in progress.track(specs, description="drawing and watching"):
            folder = Path(scratch, f"{spec.kind}-{spec.seed}")
            folder.mkdir()
            clip = draw(spec, folder)
            messages = watch(clip, folder, spec)
            matches = compare(messages, clip.with_suffix(".mot.txt"), spec.frame_count)
            result = score(matches)
            table.add_row(
                clip.stem,
                str(len(messages)),
                f"{result.mota:.3f}",
                f"{result.idf1:.3f}",
                str(result.switches),
            )
            every += matches
    overall = score(every)
    table.add_section()
    table.add_row("all", "", f"{overall.mota:.3f}", f"{overall.idf1:.3f}", str(overall.switches))
    Console().print(table)
    return 0 if min(overall.mota, overall.idf1) >= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
