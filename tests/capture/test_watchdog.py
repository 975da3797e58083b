from __future__ import annotations

from dataclasses import replace

import pytest

from edged.capture import CaptureOptions
from edged.capture.watchdog import KEY_FRAME_PATIENCE_S, Progress, Verdict, judge
from edged.core.errors import CaptureFault

OPTIONS = CaptureOptions("rtsp://camera/x", open_timeout_s=5, read_timeout_s=4, frozen_after_s=60)
GOOD = Progress(started_s=0, opened_s=1, packet_s=100, key_frame_s=1.5, picture_s=100, unchanged_since_s=99.5)


def test_a_good_stream_is_looked_at_again_when_it_could_first_fail() -> None:
    assert judge(GOOD, OPTIONS, 101) == 3


def test_a_watch_that_begins_after_a_look_is_seen_before_it_is_over() -> None:
    opening = Progress(started_s=0)
    assert judge(opening, replace(OPTIONS, open_timeout_s=30), 0) == OPTIONS.read_timeout_s
    assert judge(opening, replace(OPTIONS, open_timeout_s=30, frozen_after_s=2), 0) == 2


@pytest.mark.parametrize(
    ("progress", "now_s", "fault", "reason"),
    [
        (Progress(started_s=0), 5, CaptureFault.SILENT, "no answer within 5 s"),
        (Progress(started_s=0, opened_s=1), 5, CaptureFault.SILENT, "nothing came for 4 s"),
        (GOOD, 104, CaptureFault.SILENT, "nothing came for 4 s"),
        (
            Progress(started_s=0, opened_s=1, packet_s=31),
            1 + KEY_FRAME_PATIENCE_S,
            CaptureFault.BROKEN,
            "no key frame within 30 s",
        ),
        (
            replace(GOOD, undecoded_since_s=97),
            101,
            CaptureFault.BROKEN,
            "the picture cannot be decoded for 4 s, though data arrives",
        ),
        (replace(GOOD, unchanged_since_s=40), 100, CaptureFault.BROKEN, "the picture is frozen for 60 s"),
    ],
)
def test_what_fails(progress: Progress, now_s: float, fault: CaptureFault, reason: str) -> None:
    assert judge(progress, OPTIONS, now_s) == Verdict(fault, reason)
    assert not isinstance(judge(progress, OPTIONS, now_s - 0.001), Verdict)


def test_frozen_after_zero_is_off() -> None:
    still = replace(GOOD, unchanged_since_s=-1000)
    assert judge(still, replace(OPTIONS, frozen_after_s=0), 101) == 3
