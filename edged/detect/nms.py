"""Of several boxes on one thing, keeping the best."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from edged.detect.layouts import Candidates

MOST_CANDIDATES = 1000  # suppression is quadratic; a crowd has a few hundred


def best_first(candidates: Candidates) -> Candidates:
    """Sorted by score, only as many as suppression can bear."""
    order = np.argsort(-candidates.scores, kind="stable")
    return candidates.select(order[:MOST_CANDIDATES])


def suppress(candidates: Candidates, iou_threshold: float) -> Candidates:
    """Drop every box that overlaps a better one of its class by more than ``iou_threshold``; best first."""
    if len(candidates.scores) <= 1:
        return candidates
    boxes = candidates.boxes.copy()
    boxes[:, 2:] -= boxes[:, :2]
    # The binding keeps classes apart by moving them along the diagonal, which only works above zero.
    boxes[:, :2] -= boxes[:, :2].min()
    # Lists, because the binding takes arrays apart element by element and is then three times slower.
    kept = cv2.dnn.NMSBoxesBatched(
        boxes.tolist(), candidates.scores.tolist(), candidates.class_ids.tolist(), 0.0, iou_threshold
    )
    return candidates.select(np.sort(np.asarray(kept, np.intp)))
