"""What tracking brings into memory, in a process of its own: this one has imported everything already."""

from __future__ import annotations

import subprocess
import sys

FOLLOW = """
import sys
import numpy as np
from edged.core.types import Detections
from edged.track.bytetrack import ByteTrack

tracker = ByteTrack(
    track_activation_threshold=0.4,
    lost_track_buffer_s=2.0,
    minimum_matching_threshold=0.8,
    minimum_consecutive_frames=1,
)
box = np.array([[10, 10, 50, 90]], np.float32)
one = Detections(box, np.array([0.9], np.float32), np.zeros(1, np.intp), ("person",))
ids = [tracker.update(one, 1000 + n / 5).track_ids.tolist() for n in range(3)]
"""
WASTE = ("supervision.annotators.core", "scipy.sparse", "scipy.interpolate", "requests")


def run(script: str) -> str:
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_only_what_follows_is_imported() -> None:
    found = run(f"{FOLLOW}\nprint(ids, [name for name in {WASTE} if name in sys.modules])")
    assert found == "[[], [1], [1]] []"


def test_the_whole_packages_can_be_had_afterwards() -> None:
    more = "import scipy.optimize, supervision; print(scipy.optimize.minimize, supervision.BoxAnnotator)"
    found = run(f"{FOLLOW}\n{more}")
    assert "function minimize" in found
    assert "BoxAnnotator" in found


def test_where_a_part_has_moved_everything_is_imported() -> None:
    moved = """
import edged.track.lean
def fail():
    raise ImportError
edged.track.lean._import_the_least = fail
"""
    found = run(f"{moved}\n{FOLLOW}\nprint(ids, 'supervision.annotators.core' in sys.modules)")
    assert found == "[[], [1], [1]] True"
