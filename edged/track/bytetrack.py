"""supervision's ByteTrack, told the time in seconds instead of in frames.

ByteTrack (Zhang et al., 2022, https://arxiv.org/abs/2110.06864) counts frames, and its motion model expects
them evenly spaced at video rate. Detection here runs at about 5 fps and at whatever rate the box can carry,
so time is cut into steps of ``STEP_S``: a pass that comes n steps after the last one is predicted n steps
ahead. On MOT17 at every fifth frame that saves a tenth of the identity switches
(``benchmarks/tracking.py``).
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from edged.track.lean import import_supervision

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edged.core.types import Detections

    Floats = NDArray[np.floating[Any]]

STEP_S = 1 / 30
NEW_TRACK_MARGIN = 0.1  # as in the paper: a new track needs this much more than the activation threshold


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
            supervision = import_supervision()
            self._tracker: Any = supervision.ByteTrack(
                track_activation_threshold=track_activation_threshold,
                lost_track_buffer=round(lost_track_buffer_s / STEP_S),
                minimum_matching_threshold=minimum_matching_threshold,
                minimum_consecutive_frames=minimum_consecutive_frames,
                frame_rate=30,  # the rate at which supervision takes lost_track_buffer as it is
            )
        self._sv = supervision
        self._motion = _Motion()
        self._tracker.shared_kalman = self._motion  # only multi_predict is called
        self._tracker.kalman_filter.update = self._motion.correct
        self._last_step = 0
        self.set_activation_threshold(track_activation_threshold)
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
            lost_ids=self._known_ids() - set(tracked.tracker_id.tolist()),
        )

    def set_activation_threshold(self, threshold: float) -> None:
        """Change what starts a track; those that live are kept."""
        self._tracker.track_activation_threshold = threshold
        # Half-way to 1 at most: with the whole margin a high threshold could never be reached.
        self._tracker.det_thresh = min(threshold + NEW_TRACK_MARGIN, (threshold + 1) / 2)

    def forget(self) -> None:
        """Give up every track, as after a cut in the picture; ids go on counting."""
        self._tracker.tracked_tracks = []
        self._tracker.lost_tracks = []

    def _advance_to(self, at_s: float) -> None:
        """Let supervision's next frame be the one at ``at_s``."""
        step = round(at_s / STEP_S)  # counted from a fixed moment: no rate of passes makes it drift
        self._motion.steps = max(step - self._last_step, 1)
        self._last_step = step
        self._tracker.frame_id += self._motion.steps - 1  # it counts the last one itself
        self._give_up_overdue()

    def _give_up_overdue(self) -> None:
        """Drop what is unseen for too long; supervision would do so a pass late, and might revive it."""
        oldest = self._tracker.frame_id + 1 - self._tracker.max_time_lost
        for name in ("tracked_tracks", "lost_tracks"):
            kept = [track for track in getattr(self._tracker, name) if track.frame_id >= oldest]
            setattr(self._tracker, name, kept)

    def _known_ids(self) -> frozenset[int]:
        tracks = self._tracker.tracked_tracks + self._tracker.lost_tracks
        return frozenset(int(track.external_track_id) for track in tracks if track.external_track_id > 0)


class _Motion:
    """ByteTrack's Kalman filter in closed form: ``steps`` predictions at once, corrections with no solver.

    A state is x, y, aspect and height, then the velocity of each; the noise grows with the height. The four
    are independent of each other.
    """

    POSITION_NOISE = np.array([1 / 20, 1 / 20, 0.0, 1 / 20])  # standard deviations per step, of the height
    VELOCITY_NOISE = np.array([1 / 160, 1 / 160, 0.0, 1 / 160])
    ASPECT_NOISE = np.array([0.0, 0.0, 1e-2, 0.0])  # absolute, like the next
    ASPECT_VELOCITY_NOISE = np.array([0.0, 0.0, 1e-5, 0.0])
    ASPECT_MEASURED_NOISE = np.array([0.0, 0.0, 1e-1, 0.0])

    def __init__(self) -> None:
        self.steps = 1

    def multi_predict(self, means: Floats, covariances: Floats) -> tuple[Floats, Floats]:
        """Move the states of several tracks on; supervision calls this once in each pass."""
        n, position, velocity = self.steps, np.arange(4), np.arange(4, 8)
        ahead = np.eye(8)
        ahead[position, velocity] = n
        heights = means[:, 3:4]
        position_noise = (heights * self.POSITION_NOISE + self.ASPECT_NOISE) ** 2
        velocity_noise = (heights * self.VELOCITY_NOISE + self.ASPECT_VELOCITY_NOISE) ** 2
        covariances = ahead @ covariances @ ahead.T
        covariances[:, position, position] += n * position_noise + _sum_of_squares(n) * velocity_noise
        covariances[:, position, velocity] += n * (n - 1) / 2 * velocity_noise
        covariances[:, velocity, position] += n * (n - 1) / 2 * velocity_noise
        covariances[:, velocity, velocity] += n * velocity_noise
        return means @ ahead.T, covariances

    def correct(self, mean: Floats, covariance: Floats, measured: Floats) -> tuple[Floats, Floats]:
        """Take what was measured into the state of one track."""
        noise = (mean[3] * self.POSITION_NOISE + self.ASPECT_MEASURED_NOISE) ** 2
        gain = covariance[:, :4] / (covariance.diagonal()[:4] + noise)
        return mean + gain @ (measured - mean[:4]), covariance - gain @ covariance[:4]


def _sum_of_squares(n: int) -> float:
    """0² + 1² + … + (n-1)²."""
    return (n - 1) * n * (2 * n - 1) / 6
