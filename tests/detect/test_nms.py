from __future__ import annotations

import numpy as np
import pytest

from edged.detect.layouts import Candidates
from edged.detect.nms import MOST_CANDIDATES, best_first, suppress


def candidates(*rows: tuple[tuple[float, float, float, float], float, int]) -> Candidates:
    boxes, scores, class_ids = zip(*rows, strict=True) if rows else ((), (), ())
    return Candidates(
        np.array(boxes, np.float32).reshape(-1, 4), np.array(scores, np.float32), np.array(class_ids, np.intp)
    )


def test_the_best_of_overlapping_boxes_of_one_class_stays() -> None:
    kept = suppress(
        best_first(
            candidates(
                ((0, 0, 10, 10), 0.5, 0),
                ((1, 0, 11, 10), 0.9, 0),
                ((0, 0, 10, 10), 0.7, 1),
                ((50, 50, 60, 60), 0.6, 0),
            )
        ),
        0.5,
    )
    assert kept.scores.tolist() == pytest.approx([0.9, 0.7, 0.6])
    assert kept.class_ids.tolist() == [0, 1, 0]
    assert kept.boxes[0].tolist() == [1, 0, 11, 10]


def test_overlap_up_to_the_threshold_is_borne() -> None:
    pair = candidates(((0, 0, 10, 10), 0.9, 0), ((0, 0, 10, 6), 0.8, 0))  # IoU 0.6
    assert len(suppress(pair, 0.65).scores) == 2
    assert len(suppress(pair, 0.55).scores) == 1


def test_classes_stay_apart_also_where_boxes_reach_beyond_the_edge() -> None:
    pair = candidates(((-100, -100, 0, 0), 0.9, 1), ((-101, -101, 1, 1), 0.8, 0))
    assert len(suppress(pair, 0.5).scores) == 2
    # Moved along the diagonal by class, these two would fall on each other.
    pair = candidates(((-102, -102, -2, -2), 0.9, 1), ((0, 0, 100, 100), 0.8, 0))
    assert len(suppress(pair, 0.5).scores) == 2
    pair = candidates(((-101, -101, -1, -1), 0.9, 1), ((0, 0, 100, 100), 0.8, 0))
    assert len(suppress(pair, 0.5).scores) == 2


def test_none_and_one_are_left_alone() -> None:
    assert len(suppress(candidates(), 0.5).scores) == 0
    assert len(suppress(candidates(((0, 0, 1, 1), 0.5, 3)), 0.5).scores) == 1


def test_a_flood_is_bounded_and_the_best_stay() -> None:
    rng = np.random.default_rng(3)
    flood = Candidates(
        rng.random((5000, 4), np.float32), rng.random(5000, np.float32), np.zeros(5000, np.intp)
    )
    best = best_first(flood)
    assert len(best.scores) == MOST_CANDIDATES
    assert best.scores[0] == flood.scores.max()
    assert (np.diff(best.scores) <= 0).all()
