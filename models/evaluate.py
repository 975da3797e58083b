"""How good the demo's model is on scenes that it has never seen.

    python -m models.evaluate

Encodes scenes of held-out seeds as H.264, decodes them, runs the ONNX file through onnxruntime on one core
and prints AP50 per class. Who is seen to less than 40 % need not be found; finding one is not a fault either.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import onnxruntime as ort
from rich.console import Console
from rich.progress import track

from edged.core.types import Size
from edged.demo.scene import renderer
from models.dataset import FIRST_HELD_OUT_SEED, box_row, letterbox, random_spec, through_h264
from models.network import LABELS, STRIDES
from models.train import BUNDLED_MODEL

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edged.core.types import Bgr

    Floats = NDArray[np.float32]

CLEAR = 0.4
LEAST_SCORE = 0.01
NMS_OVERLAP = 0.6
SAME_OVERLAP = 0.5
GOAL = 0.90


class Detector:
    """The ONNX file and a plain decoder of its output."""

    def __init__(self, path: Path) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        self._session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        _, _, height, width = self._session.get_inputs()[0].shape
        grids = [
            np.stack(np.meshgrid(np.arange(width // s), np.arange(height // s)), 2).reshape(-1, 2)
            for s in STRIDES
        ]
        self._places = np.concatenate(grids)
        self._strides = np.concatenate([np.full((len(g), 1), s) for g, s in zip(grids, STRIDES, strict=True)])
        self.spent_ms: list[float] = []

    def __call__(self, letterboxed: Bgr) -> Floats:
        """Rows of x1, y1, x2, y2, score, class, best first."""
        images = letterboxed.transpose(2, 0, 1)[None].astype(np.float32)
        begin_s = time.perf_counter()
        raw = self._session.run(None, {"images": images})[0][0]
        self.spent_ms.append(1e3 * (time.perf_counter() - begin_s))
        scores = raw[:, 4:5] * raw[:, 5:]
        labels, best = scores.argmax(1), scores.max(1)
        keep = best > LEAST_SCORE
        centre = (raw[keep, :2] + self._places[keep]) * self._strides[keep]
        side = np.exp(raw[keep, 2:4]) * self._strides[keep]
        boxes = np.concatenate([centre - side / 2, side], axis=1)
        chosen = cv2.dnn.NMSBoxesBatched(
            boxes.tolist(), best[keep].tolist(), labels[keep].tolist(), LEAST_SCORE, NMS_OVERLAP
        )
        rows = np.column_stack([boxes[:, :2], boxes[:, :2] + boxes[:, 2:], best[keep], labels[keep]])
        found: Floats = rows[np.asarray(chosen, int)].astype(np.float32)
        return found[np.argsort(-found[:, 4])]


@dataclass(frozen=True, slots=True)
class Judged:
    """One detection of a class: its score, and whether it was right."""

    score: float
    right: bool


def judge(found: Floats, truth: Floats) -> list[Judged]:
    """Match detections of one class in one frame, best first; those of hardly visible ones are left out."""
    judged, taken = [], np.zeros(len(truth), bool)
    clear = truth[:, 5] >= CLEAR
    for row in found:
        overlap = _overlaps(row[:4], truth[:, :4])
        hit = np.where((overlap >= SAME_OVERLAP) & clear & ~taken, overlap, 0)
        if hit.size and hit.max() > 0:
            taken[hit.argmax()] = True
            judged.append(Judged(float(row[4]), right=True))
        elif not np.any((overlap >= SAME_OVERLAP) & ~clear):
            judged.append(Judged(float(row[4]), right=False))
    return judged


def _overlaps(box: Floats, others: Floats) -> Floats:
    low, high = np.maximum(box[:2], others[:, :2]), np.minimum(box[2:], others[:, 2:])
    shared = np.prod(np.clip(high - low, 0, None), axis=1)
    areas = np.prod(others[:, 2:] - others[:, :2], axis=1) + np.prod(box[2:] - box[:2])
    return np.asarray(shared / (areas - shared), np.float32)


def average_precision(judged: list[Judged], wanted: int) -> float:
    """Area under the precision-recall curve, precision made monotone (all-point interpolation)."""
    right = np.array([j.right for j in sorted(judged, key=lambda j: -j.score)], float)
    recall = np.concatenate([[0.0], np.cumsum(right) / max(wanted, 1)])
    precision = np.concatenate([[1.0], np.cumsum(right) / np.arange(1, len(right) + 1)])
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.sum(np.diff(recall) * precision[1:]))


def evaluate(detector: Detector, scenes: int, frames: int) -> dict[str, float]:
    """AP50 per class over held-out scenes."""
    judged: dict[str, list[Judged]] = {label: [] for label in LABELS}
    wanted = dict.fromkeys(LABELS, 0)
    for seed in track(
        range(FIRST_HELD_OUT_SEED, FIRST_HELD_OUT_SEED + scenes), "held-out scenes", transient=True
    ):
        drawn = renderer(random_spec(seed, Size(960, 540)))
        moments = [drawn.frame(n * 36.0 / frames) for n in range(frames)]
        for picture, (_, boxes) in zip(through_h264([p for p, _ in moments], crf=27), moments, strict=True):
            letterboxed, scale = letterbox(picture)
            truth = np.array([box_row(box, scale) for box in boxes], np.float32).reshape(-1, 6)
            found = detector(letterboxed)
            for number, label in enumerate(LABELS):
                mine = truth[truth[:, 4] == number]
                judged[label] += judge(found[found[:, 5] == number], mine)
                wanted[label] += int(np.sum(mine[:, 5] >= CLEAR))
    return {label: average_precision(judged[label], wanted[label]) for label in LABELS}


def main(argv: list[str] | None = None) -> int:
    """Print AP50 per class and the time of a run; 1 where a class misses the goal."""
    parser = argparse.ArgumentParser(
        prog="python -m models.evaluate", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument(
        "--model", type=Path, default=BUNDLED_MODEL, help="ONNX file (default: the bundled one)"
    )
    parser.add_argument("--scenes", type=int, default=24, help="held-out seeds (default %(default)s)")
    parser.add_argument("--frames", type=int, default=24, help="frames of each (default %(default)s)")
    arguments = parser.parse_args(argv)
    detector = Detector(arguments.model)
    results = evaluate(detector, arguments.scenes, arguments.frames)
    console = Console()
    for label, precision in results.items():
        console.print(f"AP50 {label}: {precision:.3f}")
    console.print(f"one run: {np.median(detector.spent_ms):.1f} ms on one core (median)")
    return int(min(results.values()) < GOAL)


if __name__ == "__main__":
    sys.exit(main())
