"""The tracker on people of the real world: MOT17 from its public detections, at detection rate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from edged.config import TrackSettings
from edged.core.types import Detections, Frame, Size
from edged.track import Tracker
from tests.track.world import NoPicture

if TYPE_CHECKING:
    from pathlib import Path

SEQUENCE = "MOT17-11-FRCNN"
FRAMES_PER_S = 30
EVERY = 5
# Measured: MOTA 0.505, IDF1 0.537. The floors leave room for another rounding, not for another tracker.
MOTA_FLOOR = 0.48
IDF1_FLOOR = 0.50


def test_people_keep_their_ids_at_every_fifth_frame(test_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    motmetrics = pytest.importorskip("motmetrics", reason="part of the bench extra")
    folder = test_data / "mot" / SEQUENCE
    if not folder.is_dir():
        pytest.skip(f"no {SEQUENCE} in {test_data}")
    if not hasattr(np, "asfarray"):  # motmetrics still calls what numpy 2 took away
        monkeypatch.setattr(np, "asfarray", lambda each: np.asarray(each, dtype=float), raising=False)
    found = np.loadtxt(folder / "det" / "det.txt", delimiter=",")
    truth = np.loadtxt(folder / "gt" / "gt.txt", delimiter=",")
    truth = truth[(truth[:, 6] == 1) & (truth[:, 7] == 1)]
    tracker = Tracker(TrackSettings(lost_track_buffer_s=1.0), confidence=0.25)
    result = motmetrics.MOTAccumulator(auto_id=True)
    for number in range(1, int(truth[:, 0].max()) + 1, EVERY):
        rows = found[found[:, 0] == number]
        active = tracker.update(detections_of(rows), frame_at(number / FRAMES_PER_S)).active
        boxes = np.array([track.box_px for track in active]).reshape(-1, 4)
        wanted = truth[truth[:, 0] == number]
        distances = motmetrics.distances.iou_matrix(
            wanted[:, 2:6], np.c_[boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], max_iou=0.5
        )
        result.update(wanted[:, 1].astype(int), [track.track_id for track in active], distances)
    scores = motmetrics.metrics.create().compute(result, metrics=["mota", "idf1"]).iloc[0]
    assert tracker.failures == 0
    assert scores.mota > MOTA_FLOOR
    assert scores.idf1 > IDF1_FLOOR


def detections_of(rows: np.ndarray) -> Detections:
    """Rows of a det.txt (frame, id, left, top, width, height, score) as a detector would give them."""
    rows = rows[np.argsort(-rows[:, 6])].astype(np.float32)
    boxes = np.c_[rows[:, 2:4], rows[:, 2:4] + rows[:, 4:6]]
    return Detections(boxes, rows[:, 6], np.zeros(len(rows), np.intp), ("person",))


def frame_at(time_s: float) -> Frame:
    return Frame(NoPicture(Size(1920, 1080)), 1, time_s, time_s)
