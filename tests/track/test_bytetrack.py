from __future__ import annotations

import numpy as np
import pytest
from supervision.tracker.byte_tracker.kalman_filter import KalmanFilter

from edged.track.bytetrack import _Motion


def states() -> tuple[np.ndarray, np.ndarray]:
    """Two boxes with some way behind them, as supervision's filter sees them; heights at rest."""
    kalman = KalmanFilter()
    pairs = []
    for x in (100.0, 700.0):
        mean, covariance = kalman.initiate(np.array([x, 200.0, 0.5, 120.0]))
        for step in range(1, 4):
            mean, covariance = kalman.predict(mean, covariance)
            mean, covariance = kalman.update(mean, covariance, np.array([x + 7 * step, 200.0, 0.5, 120.0]))
        mean[7] = 0
        pairs.append((mean, covariance))
    means, covariances = zip(*pairs, strict=True)
    return np.array(means), np.array(covariances)


@pytest.mark.parametrize("steps", [1, 2, 6, 30])
def test_many_steps_at_once_are_supervisions_single_steps(steps: int) -> None:
    means, covariances = states()
    motion = _Motion()
    motion.steps = steps
    found_means, found_covariances = motion.multi_predict(means, covariances)
    for _ in range(steps):
        means, covariances = KalmanFilter().multi_predict(means, covariances)
    np.testing.assert_allclose(found_means, means, rtol=1e-9)
    np.testing.assert_allclose(found_covariances, covariances, rtol=1e-9, atol=1e-12)


def test_a_correction_is_supervisions() -> None:
    measured = np.array([131.0, 195.0, 0.52, 117.0])
    for mean, covariance in zip(*states(), strict=True):
        found_mean, found_covariance = _Motion().correct(mean, covariance, measured)
        wanted_mean, wanted_covariance = KalmanFilter().update(mean, covariance, measured)
        np.testing.assert_allclose(found_mean, wanted_mean, rtol=1e-9)
        np.testing.assert_allclose(found_covariance, wanted_covariance, rtol=1e-9, atol=1e-12)
