"""supervision's ByteTrack, told the time in seconds instead of in frames.

ByteTrack (Zhang et al., 2022, https://arxiv.org/abs/2110.06864) counts frames, and its motion model expects
them evenly spaced at video rate. Detection here runs at about 5 fps and at whatever rate the box can carry,
so time is cut into steps of ``STEP_S``: a pass that comes n steps after the last one is predicted n steps
ahead. On MOT17 at every fifth frame that saves an eighth of the identity switches (``benchmarks/tracking.py``).

This is the only module that imports supervision (100 MB), and only when the first tracker is made.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edged.core.types import Detections

STEP_S = 1 / 30
NEW_TRACK_MARGIN = 0.1  # supervision: a new track needs this much more than the activation threshold


@dataclass(frozen=True, slots=True)
class Assignment:
    """Which detections belong to which ids after a pass, and which ids may still come back."""

    rows: NDArray[np.intp]  # indexes into the detections
    track_ids: NDArray[np.intp]  # of those rows
    lost_ids: frozenset[int]


class ByteTrack:
    """One camera's ByteTrack; ids start at 1 and are never given twice."""

    def __init__(
        self,
        *,
        track_activation_threshold: float,
        lost_track_buffer_s: float,
        minimum_matching_threshold: float,
        minimum_consecutive_frames: int,
    ) -> None:
        # Imported late, so that a command line that only checks a file never pays for it.
        with warnings.catch_warnings():
            # 0.30 announces that ByteTrack leaves supervision in 0.31; the version is pinned below that.
            warnings.simplefilter("ignore")
            import supervision  # noqa: PLC0415

            self._tracker: Any = supervision.ByteTrack(
                track_activation_threshold=track_activation_threshold,
                lost_track_buffer=round(lost_track_buffer_s / STEP_S),
                minimum_matching_threshold=minimum_matching_threshold,
                minimum_consecutive_frames=minimum_consecutive_frames,
                frame_rate=30,  # the rate at which supervision takes lost_track_buffer as it is
            )
        self._sv = supervision
        self._lost_track_buffer_s = lost_track_buffer_s
        self._last_pass_s: float | None = None
        # supervision confirms whatever it sees in its very first frame at once; let that frame be empty.
        self._tracker.update_with_detections(supervision.Detections.empty())

    def update(self, detections: Detections, at_s: float) -> Assignment:
        """Follow ``detections`` seen at ``at_s`` (any clock that only goes forward)."""
        self._advance_to(at_s)
        tracked = self._tracker.update_with_detections(
            self._sv.Detections(
                xyxy=detections.boxes_px.reshape(-1, 4),
                confidence=detections.scores,
                class_id=np.arange(len(detections)),  # carried through: it tells which row became which track
            )
        )
        return Assignment(
            rows=np.asarray(tracked.class_id, dtype=np.intp),
            track_ids=np.asarray(tracked.tracker_id, dtype=np.intp),
            lost_ids=self._known_ids() - {int(track_id) for track_id in tracked.tracker_id},
        )

    def set_activation_threshold(self, threshold: float) -> None:
        """Change what starts a track; those that live are kept."""
        self._tracker.track_activation_threshold = threshold
        self._tracker.det_thresh = min(threshold + NEW_TRACK_MARGIN, 1.0)

    def forget(self) -> None:
        """Give up every track, as after a cut in the picture; ids go on counting."""
        self._tracker.tracked_tracks = []
        self._tracker.lost_tracks = []
        self._last_pass_s = None

    def _advance_to(self, at_s: float) -> None:
        """Predict over the steps since the last pass but one: supervision predicts that one itself."""
        elapsed_s = 0.0 if self._last_pass_s is None else at_s - self._last_pass_s
        if elapsed_s > self._lost_track_buffer_s:
            self.forget()
        for _ in range(round(min(elapsed_s, self._lost_track_buffer_s) / STEP_S) - 1):
            self._tracker.frame_id += 1
            confirmed = [track for track in self._tracker.tracked_tracks if track.is_activated]
            for track in (moving := confirmed + self._tracker.lost_tracks)[:1]:
                track.multi_predict(moving, self._tracker.shared_kalman)
        self._last_pass_s = at_s

    def _known_ids(self) -> frozenset[int]:
        tracks = self._tracker.tracked_tracks + self._tracker.lost_tracks
        return frozenset(int(track.external_track_id) for track in tracks if track.external_track_id > 0)
