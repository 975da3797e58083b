"""How well edged's tracker follows people: MOTA and IDF1 on MOT17 from the public FRCNN detections.

    python -m benchmarks.tracking [--data DIR] [--every 1 5]

The peer in the same run is supervision's ByteTrack as it comes, called frame by frame. Scored are the
pedestrians that the ground truth asks to consider.
"""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console
from rich.progress import track as progress
from rich.table import Table

from benchmarks.scoring import Match, score
from edged.config import TrackSettings
from edged.core.types import Detections, Frame, Size
from edged.track import Tracker

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from edged.core.types import Bgr

    Boxes = np.ndarray[Any, Any]
    Follow = Callable[[Boxes, float], tuple[list[int], Boxes]]

SEQUENCES = tuple(f"MOT17-{number}-FRCNN" for number in ("02", "04", "05", "10", "11"))
ACTIVATION = 0.25
LOST_BUFFER_S = 1.0
DEFAULT_DATA = Path(__file__).parents[2] / "shared" / "data"


class NoPicture:
    """Stands where only the size of a picture matters."""

    size = Size(1920, 1080)

    def bgr(self, size: Size | None = None) -> Bgr:
        """Nobody looks at the pixels of a benchmark of tracking."""
        raise NotImplementedError

    def luma(self) -> NDArray[np.uint8]:
        """Nor at these."""
        raise NotImplementedError


def edged_tracker() -> Follow:
    """Our tracker, fed like the daemon feeds it."""
    settings = TrackSettings(lost_track_buffer_s=LOST_BUFFER_S)
    tracker = Tracker(settings, confidence=ACTIVATION)

    def follow(rows: Boxes, at_s: float) -> tuple[list[int], Boxes]:
        frame = Frame(NoPicture(), 0, at_s, at_s)
        order = np.argsort(-rows[:, 4])
        found = Detections(
            rows[order, :4].astype(np.float32),
            rows[order, 4].astype(np.float32),
            np.zeros(len(rows), np.intp),
            ("person",),
        )
        active = tracker.update(found, frame).active
        return [each.track_id for each in active], np.array([each.box_px for each in active]).reshape(-1, 4)

    return follow


def plain_bytetrack(passes_per_s: float) -> Follow:
    """The peer: supervision's own call, one step for each pass, buffer scaled by its frame_rate."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import supervision  # noqa: PLC0415 - the deprecation it announces is known

        tracker = supervision.ByteTrack(
            track_activation_threshold=ACTIVATION,
            lost_track_buffer=round(LOST_BUFFER_S * 30),
            frame_rate=passes_per_s,
        )

    def follow(rows: Boxes, at_s: float) -> tuple[list[int], Boxes]:
        del at_s
        seen = supervision.Detections(
            xyxy=rows[:, :4], confidence=rows[:, 4], class_id=np.zeros(len(rows), int)
        )
        found = tracker.update_with_detections(seen)
        return np.asarray(found.tracker_id, int).tolist(), found.xyxy.reshape(-1, 4)

    return follow


def play(folder: Path, every: int, follow: Follow) -> Match:
    """Feed every ``every``-th frame of a sequence and hold what is followed against the truth."""
    found = np.loadtxt(folder / "det/det.txt", delimiter=",")
    truth = np.loadtxt(folder / "gt/gt.txt", delimiter=",")
    truth = truth[(truth[:, 6] == 1) & (truth[:, 7] == 1)]
    rate = frame_rate(folder)
    match = Match()
    for number in range(1, int(truth[:, 0].max()) + 1, every):
        rows = found[found[:, 0] == number]
        boxes = np.c_[rows[:, 2:4], rows[:, 2:4] + rows[:, 4:6], rows[:, 6]]
        ids, tracked = follow(boxes, number / rate)
        wanted = truth[truth[:, 0] == number]
        tracked_ltwh = np.c_[tracked[:, :2], tracked[:, 2:] - tracked[:, :2]]
        match.add(wanted[:, 1].astype(int).tolist(), wanted[:, 2:6], ids, tracked_ltwh)
    return match


def frame_rate(folder: Path) -> float:
    """The sequence's own frame rate, from its seqinfo.ini."""
    lines = (folder / "seqinfo.ini").read_text().splitlines()
    return next(float(line.split("=")[1]) for line in lines if line.lower().startswith("framerate"))


def main() -> int:
    """Print one row for each tracker and rate."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("EDGED_TEST_DATA", DEFAULT_DATA)))
    parser.add_argument("--every", type=int, nargs="+", default=[1, 5])
    options = parser.parse_args()
    folders = [options.data / "mot" / name for name in SEQUENCES]
    if missing := [str(folder) for folder in folders if not folder.is_dir()]:
        print(f"no MOT17 here: {', '.join(missing)}; name the folder with --data", file=sys.stderr)
        return 1
    table = Table("tracker", "frames", "MOTA", "IDF1", "switches")
    for every in options.every:
        runs: list[tuple[str, Callable[[float], Follow]]] = [
            ("edged", lambda _rate: edged_tracker()),
            ("supervision", plain_bytetrack),
        ]
        for name, make in runs:
            played = [
                play(folder, every, make(frame_rate(folder) / every))
                for folder in progress(folders, description=f"{name}, every {every}", transient=True)
            ]
            result = score(played)
            table.add_row(
                name,
                "all" if every == 1 else f"every {every}th",
                f"{result.mota:.3f}",
                f"{result.idf1:.3f}",
                str(result.switches),
            )
    Console().print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
