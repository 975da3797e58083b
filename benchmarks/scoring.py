"""MOTA and IDF1 by py-motmetrics (https://github.com/cheind/py-motmetrics), boxes matched at IoU 0.5."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import motmetrics
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    Rows = np.ndarray[Any, Any]

MATCH_IOU = 0.5


@dataclass(frozen=True, slots=True)
class Score:
    """How well objects were followed."""

    mota: float
    idf1: float
    switches: int


class Match:
    """What was found of one sequence, held against the truth; boxes are left, top, width, height."""

    def __init__(self) -> None:
        if not hasattr(np, "asfarray"):  # motmetrics still calls what numpy 2 took away
            np.asfarray = lambda values: np.asarray(values, float)  # type: ignore[attr-defined]  # noqa: NPY201
        self.accumulator = motmetrics.MOTAccumulator(auto_id=True)

    def add(self, truth_ids: Sequence[int], truth: Rows, found_ids: Sequence[int], found: Rows) -> None:
        """Take one frame of objects of one class."""
        distances = motmetrics.distances.iou_matrix(truth, found, max_iou=1 - MATCH_IOU)
        self.accumulator.update(truth_ids, found_ids, distances)


def score(matches: Sequence[Match]) -> Score:
    """Score all sequences together."""
    figures = motmetrics.metrics.create().compute_many(
        [match.accumulator for match in matches],
        metrics=["mota", "idf1", "num_switches"],
        generate_overall=True,
    )
    overall = figures.loc["OVERALL"]
    return Score(float(overall.mota), float(overall.idf1), int(overall.num_switches))
