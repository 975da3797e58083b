from __future__ import annotations

import logging
import math
from typing import TYPE_CHECKING, Never

import numpy as np
import pytest

from edged.config import TrackSettings
from edged.core.types import Motion, Size, TrackSource, TrackState
from edged.track import Tracker, TrackerUpdate
from edged.track.bytetrack import ByteTrack
from tests.track.world import Scene, Seen, Walker, ids

if TYPE_CHECKING:
    from edged.core.types import Detections

STANDING = Walker(100, 100)
CROSSING = (Walker(50, 80, vx=60), Walker(1100, 300, vx=-75), Walker(400, 500, vx=30, vy=-20))


def scene_with(confidence: float = 0.4, **settings: float) -> Scene:
    return Scene(Tracker(TrackSettings.model_validate(settings), confidence))


def test_a_track_starts_at_the_second_sight_and_says_so_once() -> None:
    scene = Scene()
    assert scene.see(STANDING.at(0)) == TrackerUpdate()
    second = scene.see(STANDING.at(0))
    assert ids(second) == [1]
    assert second.started == second.active
    assert scene.see(STANDING.at(0)).started == ()


def test_what_a_track_tells() -> None:
    scene = Scene()
    scene.watch(STANDING, passes=3)
    (track,) = scene.see(STANDING.at(0, score=0.75)).active
    assert track.track_id == 1
    assert track.label == "person"
    assert track.confidence == pytest.approx(0.75)
    assert track.box_px == (100.0, 100.0, 160.0, 220.0)
    assert track.center_px == (130.0, 160.0)
    assert track.source is TrackSource.BYTETRACK
    assert track.state is TrackState.ACTIVE
    assert track.first_seen_s == pytest.approx(1000.4)
    assert track.last_seen_s == pytest.approx(1000.8)
    assert track.age_s == pytest.approx(0.4)


@pytest.mark.parametrize("rates", [(5,), (10, 5, 2.5, 10), (2.5, 10, 2.5), (7.3, 5, 12)])
def test_walkers_keep_their_ids_when_the_rate_changes(rates: tuple[float, ...]) -> None:
    scene = Scene()
    first = scene.watch(*CROSSING, passes=4, after_s=1 / rates[0])
    places = {track.track_id: track.box_px for track in first.active}
    assert len(places) == len(CROSSING)
    for rate in rates:
        last = scene.watch(*CROSSING, passes=12, after_s=1 / rate)
        assert sorted(places) == ids(last)
    for track in last.active:  # and each id is still with the walker that it began with
        was_x, now_x = places[track.track_id][0], track.box_px[0]
        (walker,) = (each for each in CROSSING if abs(each.at(scene.time_s).box_px[0] - now_x) < 1)
        assert math.copysign(1, now_x - was_x) == math.copysign(1, walker.vx)


def test_a_fast_walker_is_found_where_the_slower_rate_lets_it_be() -> None:
    """At 2.5 fps it moves a whole width between passes: only the prediction over the time can find it."""
    scene, walker = Scene(), Walker(20, 100, vx=150)
    before = scene.watch(walker, passes=12, after_s=0.1)
    assert ids(scene.watch(walker, passes=6, after_s=0.4)) == ids(before) == [1]


@pytest.mark.parametrize("after_s", [0.2, 1 / 7.3, 1 / 12, 0.5])
def test_a_gap_shorter_than_the_buffer_keeps_the_id(after_s: float) -> None:
    scene = Scene()
    scene.watch(STANDING, passes=5, after_s=after_s)
    last_seen_s = scene.time_s
    while scene.time_s + 2 * after_s < last_seen_s + 2.0:
        assert scene.see(after_s=after_s) == TrackerUpdate()
    back = scene.watch(STANDING, passes=1, after_s=after_s)
    assert ids(back) == [1]
    assert back.started == ()


@pytest.mark.parametrize("after_s", [0.2, 1 / 7.3, 1 / 12, 0.5])
def test_a_gap_longer_than_the_buffer_ends_the_track_in_the_first_pass_after_it(after_s: float) -> None:
    scene = Scene()
    scene.watch(STANDING, passes=5, after_s=after_s)
    last_seen_s = scene.time_s
    ended = scene.see(after_s=after_s).ended
    while not ended:
        ended = scene.see(after_s=after_s).ended
    assert last_seen_s + 2.0 - 1 / 30 <= scene.time_s <= last_seen_s + 2.0 + after_s + 1 / 30
    (track,) = ended
    assert track.state is TrackState.REMOVED
    assert track.last_seen_s == pytest.approx(1000 + last_seen_s)
    assert ids(scene.watch(STANDING, passes=2, after_s=after_s)) == [2]


def test_who_is_back_in_the_very_pass_that_ends_the_track_is_new() -> None:
    scene = Scene()
    scene.watch(STANDING, passes=3)
    scene.see()
    late = scene.watch(STANDING, passes=1, after_s=2.0)
    assert [track.track_id for track in late.ended] == [1]
    assert late.active == ()
    assert ids(scene.watch(STANDING, passes=1)) == [2]


def test_a_long_pause_between_two_passes_ends_the_track() -> None:
    scene = Scene()
    scene.watch(STANDING, passes=3)
    late = scene.watch(STANDING, passes=1, after_s=60)
    assert [track.track_id for track in late.ended] == [1]


def test_an_ended_track_is_ended_once() -> None:
    scene = Scene()
    scene.watch(STANDING, passes=3)
    ended = [track for _ in range(30) for track in scene.see().ended]
    assert [track.track_id for track in ended] == [1]


@pytest.mark.parametrize(("passes", "first"), [(1, 2), (2, 2), (3, 3), (6, 6)])
def test_minimum_consecutive_frames(passes: int, first: int) -> None:
    scene = scene_with(minimum_consecutive_frames=passes)
    seen = [bool(scene.watch(STANDING, passes=1).active) for _ in range(8)]
    assert seen.index(True) + 1 == first


def test_a_weak_detection_keeps_a_track_alive() -> None:
    scene = Scene()
    scene.watch(STANDING, passes=3)
    weak = scene.watch(STANDING, passes=40, score=0.15)
    assert ids(weak) == [1]
    assert weak.active[0].confidence == pytest.approx(0.15)


def test_a_weak_detection_never_starts_a_track() -> None:
    scene = Scene()
    for _ in range(20):
        assert scene.watch(STANDING, passes=1, score=0.39) == TrackerUpdate()


def test_below_the_low_threshold_a_detection_does_not_count() -> None:
    scene = scene_with(low_threshold=0.3)
    scene.watch(STANDING, passes=3)
    assert scene.watch(STANDING, passes=1, score=0.29).active == ()
    assert ids(scene.watch(STANDING, passes=1, score=0.31)) == []  # lost ones come back on good scores only
    assert ids(scene.watch(STANDING, passes=1)) == [1]


@pytest.mark.parametrize("threshold", [0.4, 0.9, 0.95])
def test_a_high_threshold_can_be_reached(threshold: float) -> None:
    assert ids(scene_with(track_activation_threshold=threshold).watch(STANDING, passes=2, score=0.98)) == [1]


def test_set_confidence_changes_what_starts_a_track_and_keeps_those_that_live() -> None:
    scene, second = Scene(), Walker(600, 300)
    scene.watch(STANDING, passes=3, score=0.6)
    scene.tracker.set_confidence(0.7)
    assert ids(scene.watch(STANDING, second, passes=3, score=0.6)) == [1]
    scene.tracker.set_confidence(0.3)
    assert ids(scene.watch(STANDING, second, passes=3, score=0.6)) == [1, 2]


def test_set_confidence_leaves_a_threshold_of_its_own_alone() -> None:
    scene = scene_with(track_activation_threshold=0.5)
    scene.tracker.set_confidence(0.95)
    assert ids(scene.watch(STANDING, passes=2, score=0.7)) == [1]


def test_the_label_that_it_has_been_surest_of_stays() -> None:
    scene = Scene()
    labels = [("car", 0.8), ("car", 0.8), ("car", 0.8), ("truck", 0.9), ("car", 0.5), ("truck", 0.9)]
    shown = [
        track.label
        for label, score in labels
        for track in scene.see(STANDING.at(0, score=score, label=label)).active
    ]
    assert shown == ["car"] * 5
    scene.see(STANDING.at(0, score=0.95, label="truck"))
    (track,) = scene.see(STANDING.at(0, score=0.95, label="truck")).active
    assert track.label == "truck"


def test_a_track_has_its_last_thirty_points_in_order() -> None:
    scene, walker = Scene(), Walker(10, 100, vx=50)
    (track,) = scene.watch(walker, passes=80).active
    assert len(track.trajectory_px) == 30
    assert list(track.trajectory_px) == sorted(track.trajectory_px)
    assert track.trajectory_px[-1] == pytest.approx(track.center_px, abs=0.01)
    assert track.trajectory_px[0][0] == pytest.approx(track.center_px[0] - 29 * 10, abs=0.01)


@pytest.mark.parametrize(
    ("walker", "motion"),
    [
        (STANDING, Motion.STATIONARY),
        (Walker(10, 100, vx=50), Motion.HORIZONTAL),
        (Walker(400, 550, vy=-50), Motion.VERTICAL),
    ],
)
def test_a_track_knows_how_it_moves(walker: Walker, motion: Motion) -> None:
    scene = Scene()
    assert scene.watch(walker, passes=3).active[0].motion is Motion.UNKNOWN
    assert scene.watch(walker, passes=20).active[0].motion is motion


def test_a_change_of_size_ends_every_track() -> None:
    scene = Scene()
    scene.watch(*CROSSING, passes=4)
    scene.size = Size(640, 360)
    cut = scene.watch(*CROSSING, passes=1)
    assert [track.track_id for track in cut.ended] == [1, 2, 3]
    assert {track.state for track in cut.ended} == {TrackState.REMOVED}
    assert cut.active == ()
    assert ids(scene.watch(*CROSSING, passes=2)) == [4, 5, 6]


def test_reset_ends_every_track_also_the_lost_ones_and_ids_go_on() -> None:
    scene, gone = Scene(), Walker(700, 300)
    scene.watch(STANDING, gone, passes=3)
    scene.watch(STANDING, passes=2)
    assert [track.track_id for track in scene.tracker.reset()] == [1, 2]
    assert scene.tracker.reset() == ()
    after = scene.watch(STANDING, passes=2)
    assert ids(after) == [3]
    assert after.ended == ()


def test_nothing_to_see_is_fine_from_the_first_pass_on() -> None:
    scene = Scene()
    assert [scene.see() for _ in range(5)] == [TrackerUpdate()] * 5
    assert scene.tracker.failures == 0


@pytest.mark.parametrize(
    "box",
    [
        (math.nan, 0, 10, 10),
        (math.nan, math.nan, math.nan, math.nan),
        (0, 0, math.inf, 10),
        (50, 50, 50, 90),
        (90, 90, 10, 10),
    ],
)
def test_a_senseless_box_harms_no_other(box: tuple[float, float, float, float]) -> None:
    scene = Scene()
    scene.watch(STANDING, passes=3)
    update = scene.see(Seen(box), STANDING.at(0), Seen((0, 0, 9, 9), score=math.nan))
    assert ids(update) == [1]
    assert scene.tracker.failures == 0


class BreaksByteTrack:
    """Lets every pass of ByteTrack fail while it is on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._patch = monkeypatch

    def __enter__(self) -> None:
        def fail(tracker: ByteTrack, detections: Detections, at_s: float) -> Never:
            raise np.linalg.LinAlgError(tracker, detections, at_s)

        self._patch.setattr(ByteTrack, "update", fail)

    def __exit__(self, *_: object) -> None:
        self._patch.undo()


def test_where_bytetrack_fails_detections_go_out_untracked(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene()
    scene.watch(STANDING, passes=3)
    with BreaksByteTrack(monkeypatch):
        failed = scene.see(STANDING.at(0), Seen((300, 100, 360, 220), score=0.39))
    assert [track.track_id for track in failed.ended] == [1]
    (track,) = failed.active  # what is too weak stays out
    assert track.source is TrackSource.DETECTION
    assert track.track_id == 0
    assert track.box_px == STANDING.at(0).box_px
    assert track.first_seen_s == track.last_seen_s == pytest.approx(1000 + scene.time_s)
    assert track.motion is Motion.UNKNOWN
    assert failed.started == ()
    assert scene.tracker.failures == 1


def test_the_tracker_recovers_and_never_gives_an_id_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene()
    given: list[int] = []
    for _ in range(3):
        update = scene.watch(*CROSSING, passes=3)
        assert {track.source for track in update.active} == {TrackSource.BYTETRACK}
        given += ids(update)
        with BreaksByteTrack(monkeypatch):
            scene.watch(*CROSSING, passes=2)
    assert given == list(range(1, 10))
    assert scene.tracker.failures == 6


def test_a_failure_is_logged_once_and_so_is_its_end(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "edged.track.tracker")
    scene = Scene()
    with BreaksByteTrack(monkeypatch):
        scene.watch(STANDING, passes=5)
    scene.watch(STANDING, passes=5)
    assert [record.levelname for record in caplog.records] == ["ERROR", "INFO"]


def test_confidence_set_before_a_failure_holds_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene()
    scene.tracker.set_confidence(0.8)
    with BreaksByteTrack(monkeypatch):
        scene.watch(STANDING, passes=1)
    assert scene.watch(STANDING, passes=4, score=0.7).active == ()


def test_memory_stays_bounded_over_thousands_of_ids() -> None:
    """Passers-by without end, each gone after two passes."""
    scene = Scene()
    started = ended = most = 0
    for turn in range(1000):
        passer_by = Walker(100 + turn % 7 * 150, 100 + turn % 3 * 180)
        for _ in range(2):
            update = scene.see(passer_by.at(0))
            started, ended = started + len(update.started), ended + len(update.ended)
        inside = scene.tracker._bytetrack._tracker
        kept = len(inside.tracked_tracks) + len(inside.lost_tracks) + len(inside.removed_tracks)
        most = max(most, kept, len(scene.tracker._records))
    assert started == 1000
    assert most <= 10
    assert started - ended == len(scene.tracker._records)
