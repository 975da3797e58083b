"""Zones and lines on the demo's scenes: what comes out is what the generator knows."""

from __future__ import annotations

import time
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import av
import numpy as np
import pytest

from edged.capture.picture import VideoPicture
from edged.config import CameraSettings, TrackSettings
from edged.core.types import (
    Crossing,
    Detections,
    Frame,
    Presence,
    Size,
    Track,
    TrackSource,
    TrackState,
    Visit,
)
from edged.demo.clip import LEAST_VISIBLE, read_truth
from edged.detect import ModelOptions, load_model
from edged.track import LineTotals, Places, Regions, Tracker, TrackerUpdate
from tests.track.world import NoPicture, Seen, detections

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edged.demo.render import TruthBox
    from edged.track import PlaceEvent

DATA = Path(str(files("edged.demo").joinpath("data")))
SIZE = Size(960, 540)
FPS = 25
EVERY = 5  # of the clip's frames is detected in: five a second
PERIOD_S = EVERY / FPS
FIRST_TRACKS_S = 2 * PERIOD_S  # a track begins at its second sight
LABELS = ("person", "car")


def settings(**places: object) -> CameraSettings:
    return CameraSettings.model_validate({"url": "rtsp://127.0.0.1/", **places})


def seen_in(boxes: list[TruthBox]) -> Detections:
    corners = [(b.left_px, b.top_px, b.left_px + b.width_px, b.top_px + b.height_px) for b in boxes]
    return Detections(
        np.array(corners, np.float32).reshape(-1, 4),
        np.full(len(boxes), 0.9, np.float32),
        np.array([LABELS.index(b.label) for b in boxes], np.intp),
        LABELS,
    )


def as_track(x_px: float, y_px: float, at_s: float) -> Track:
    """A person whose feet are there."""
    box = (x_px - 30, y_px - 120, x_px + 30, y_px)
    return Track(1, "person", 0.9, box, TrackSource.BYTETRACK, TrackState.ACTIVE, at_s, at_s)


def frames_of(kind: str) -> Iterator[tuple[Frame, list[TruthBox]]]:
    truth = read_truth(DATA / f"{kind}.mot.txt")
    for number in range(1, max(truth) + 1):
        at_s = number / FPS
        yield Frame(NoPicture(SIZE), number, at_s, at_s), truth.get(number, [])


def foot(box: TruthBox) -> tuple[float, float]:
    return (box.left_px + box.width_px / 2) / SIZE.width, (box.top_px + box.height_px) / SIZE.height


def watched(kind: str, places: Places) -> list[PlaceEvent]:
    """What a perfect detector and the real tracker make of a scene."""
    tracker = Tracker(TrackSettings(), confidence=0.4)
    events: list[PlaceEvent] = []
    for frame, boxes in frames_of(kind):
        if frame.number % EVERY == 0:
            update = tracker.update(seen_in([b for b in boxes if b.visibility >= LEAST_VISIBLE]), frame)
            events += places.update(update, frame).events
    return [*events, *places.close()]


def true_crossings(kind: str, at_x: float) -> list[tuple[float, str]]:
    """When each one's feet go over an upright line, from every frame of the clip, by arithmetic alone."""
    was: dict[int, float] = {}
    found: dict[int, list[tuple[float, str]]] = {}
    for frame, boxes in frames_of(kind):
        for box in boxes:
            x, _ = foot(box)
            if box.track_id in was and (was[box.track_id] < at_x) != (x < at_x):
                mine = found.setdefault(box.track_id, [])
                if mine and frame.captured_s - mine[-1][0] < PERIOD_S:
                    mine.pop()  # a swing of the legs: there and back between two passes
                else:
                    mine.append((frame.captured_s, "in" if x < at_x else "out"))
            was[box.track_id] = x
    return sorted(each for mine in found.values() for each in mine)


def true_stays(kind: str, left: float, right: float) -> list[tuple[float, float]]:
    """From when to when each one's feet are between two uprights while the figure can be seen."""
    inside: dict[int, list[float]] = {}
    for frame, boxes in frames_of(kind):
        for box in boxes:
            if left <= foot(box)[0] <= right and box.visibility >= LEAST_VISIBLE:
                inside.setdefault(box.track_id, []).append(frame.captured_s)
    return sorted((times[0], times[-1]) for times in inside.values())


@pytest.mark.parametrize("kind", ["yard", "street"])
@pytest.mark.parametrize("at_x", [0.4, 0.5, 0.6, 0.7])
def test_crossings_of_the_demo_are_those_of_its_generator(kind: str, at_x: float) -> None:
    line = {"start": (at_x, 0.0), "end": (at_x, 1.0)}
    events = watched(kind, Places(settings(lines={"middle": line})))
    crossings = [event.what for event in events if isinstance(event.what, Crossing)]
    truth = [each for each in true_crossings(kind, at_x) if each[0] > FIRST_TRACKS_S]
    assert len(truth) >= 5
    for direction in ("in", "out"):
        found_s = sorted(each.crossed_s for each in crossings if each.direction == direction)
        true_s = [when_s for when_s, way in truth if way == direction]
        assert len(found_s) == len(true_s)
        assert found_s == pytest.approx(true_s, abs=PERIOD_S)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["yard", "street"])
def test_what_the_demo_itself_counts_is_what_its_generator_knows(kind: str) -> None:
    """With the bundled model instead of a perfect detector, on the film itself."""
    detector = load_model(ModelOptions(path=DATA / "edged-demo.onnx"))
    places = Places(settings(lines={"middle": {"start": (0.5, 0.0), "end": (0.5, 1.0)}}))
    tracker = Tracker(TrackSettings(), confidence=0.4)
    crossings: list[Crossing] = []
    with av.open(str(DATA / f"{kind}.mp4")) as film:
        for number, picture in enumerate(film.decode(video=0), start=1):
            if number % EVERY == 0:
                frame = Frame(VideoPicture(picture), number, number / FPS, number / FPS)
                seen = detector.detect(
                    frame.picture, min_score=0.1, iou_threshold=0.5, labels=frozenset(LABELS)
                )
                events = places.update(tracker.update(seen, frame), frame).events
                crossings += [event.what for event in events if isinstance(event.what, Crossing)]
    truth = [each for each in true_crossings(kind, 0.5) if each[0] > FIRST_TRACKS_S]
    for direction in ("in", "out"):
        found_s = sorted(each.crossed_s for each in crossings if each.direction == direction)
        assert found_s == pytest.approx([at_s for at_s, way in truth if way == direction], abs=PERIOD_S)


@pytest.mark.parametrize("kind", ["yard", "street"])
def test_stays_in_a_zone_of_the_demo_are_those_of_its_generator(kind: str) -> None:
    middle = {"polygon": [(0.3, 0.0), (0.7, 0.0), (0.7, 1.0), (0.3, 1.0)], "enter_after_s": 0.0}
    events = watched(kind, Places(settings(zones={"middle": middle})))
    visits = [event.what for event in events if isinstance(event.what, Visit)]
    found = sorted((visit.entered_s, visit.left_s) for visit in visits if visit.left_s is not None)
    assert sorted(visit.entered_s for visit in visits if visit.left_s is None) == [
        begin for begin, _ in found
    ]
    truth = [(begin, end) for begin, end in true_stays(kind, 0.3, 0.7) if end - begin >= PERIOD_S]
    assert len(found) == len(truth) >= 5
    assert [begin for begin, _ in found] == pytest.approx(
        sorted(max(begin, FIRST_TRACKS_S) for begin, _ in truth), abs=PERIOD_S
    )
    assert sorted(end for _, end in found) == pytest.approx(sorted(end for _, end in truth), abs=PERIOD_S)


def test_a_track_tells_its_zones_and_a_missed_one_is_still_there() -> None:
    places = Places(settings(zones={"all": {"polygon": [(0, 0), (1, 0), (1, 1)], "enter_after_s": 0.0}}))
    frame = Frame(NoPicture(), 1, 1000.0, 0.0)
    track = as_track(600.0, 300.0, 1000.0)
    update = places.update(TrackerUpdate(active=(track,), started=(track,)), frame)
    assert update.active[0].zones == update.events[0].track.zones == ("all",)
    missed = places.update(TrackerUpdate(), Frame(NoPicture(), 2, 1000.2, 0.2))
    assert (missed.active, missed.presence.counts, missed.zones["all"].counts) == (
        (),
        {"person": 1},
        {"person": 1},
    )
    gone = places.update(TrackerUpdate(ended=(track,)), Frame(NoPicture(), 3, 1002.2, 2.2))
    assert [event.what.left_s for event in gone.events if isinstance(event.what, Visit)] == [1000.0]
    assert gone.presence == Presence({}, frozenset({"person"}))
    later = places.update(TrackerUpdate(), Frame(NoPicture(), 4, 1005.0, 5.0))
    assert later.presence.occupied == frozenset()


def test_what_the_tracker_could_not_follow_is_only_counted() -> None:
    places = Places(settings(zones={"all": {"polygon": [(0, 0), (1, 0), (1, 1)], "enter_after_s": 0.0}}))
    update = places.update(
        TrackerUpdate(active=(replace(as_track(600.0, 300.0, 1000.0), track_id=0),)),
        Frame(NoPicture(), 1, 1000.0, 0.0),
    )
    assert update.presence.counts == {"person": 1}
    assert update.events == ()


def test_everybody_leaves_when_the_picture_ends() -> None:
    places = Places(settings(zones={"all": {"polygon": [(0, 0), (1, 0), (1, 1)], "enter_after_s": 0.0}}))
    assert places.close() == ()
    track = as_track(600.0, 300.0, 1000.0)
    places.update(TrackerUpdate(active=(track,)), Frame(NoPicture(), 1, 1000.0, 0.0))
    (event,) = places.close()
    assert event.what == Visit("all", 1000.0, 1000.0)


def test_regions_keep_what_stands_in_them() -> None:
    left, top = [(0, 0), (0.5, 0), (0.5, 1), (0, 1)], [(0, 0), (1, 0), (1, 0.5), (0, 0.5)]
    seen = [Seen((x, y - 100, x + 50, y)) for x, y in ((100, 200), (100, 600), (1000, 200), (1000, 600))]
    hd = NoPicture().size

    def kept(include: list[object], exclude: list[object]) -> list[int]:
        regions = settings(include=include, exclude=exclude)
        detected = detections(*seen)
        after = Regions(regions.include, regions.exclude).kept(detected, hd)
        return [[each.box_px for each in seen].index(tuple(box)) for box in after.boxes_px.tolist()]

    assert kept([], []) == [0, 1, 2, 3]
    assert kept([left], []) == [0, 1]
    assert kept([], [top]) == [1, 3]
    assert kept([left], [top]) == [1]
    assert kept([left, top], []) == [0, 1, 2]


def test_who_trembles_at_the_edge_of_a_region_or_walks_behind_it_stays_one() -> None:
    """Two at once: one on the edge of what is not looked at, the other behind a post for a while."""
    post = [(0.4, 0.0), (0.45, 0.0), (0.45, 1.0), (0.4, 1.0)]
    right = [(0.9, 0.0), (1.0, 0.0), (1.0, 1.0), (0.9, 1.0)]
    regions, tracker = Regions([], [post, right]), Tracker(TrackSettings(), confidence=0.4)
    hd, ids, seen_of_both = NoPicture().size, set(), 0
    for number in range(40):
        walker_x, trembler_x = 420.0 + 5 * number, hd.width * 0.9 + (3 if number % 2 else -3)
        seen = [Seen((x - 30, 280.0, x + 30, 400.0)) for x in (walker_x, trembler_x)]
        frame = Frame(NoPicture(), number, 1000 + number * PERIOD_S, number * PERIOD_S)
        kept = regions.kept(detections(*seen), hd)
        seen_of_both += len(kept)
        ids |= {track.track_id for track in tracker.update(kept, frame).active}
    assert seen_of_both < 70  # of 80: the regions do hide something
    assert len(ids) == 2


def test_regions_are_where_they_are_in_a_picture_of_any_size() -> None:
    regions = Regions([[(0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0)]], [])
    for size in (Size(1280, 720), Size(640, 360), Size(1280, 720)):
        left, right = (Seen((x * size.width, 10, x * size.width + 20, 50)) for x in (0.4, 0.6))
        assert regions.kept(detections(left, right), size).boxes_px.tolist() == [list(left.box_px)]


def test_totals_survive_a_restart_and_a_broken_file(tmp_path: Path) -> None:
    gate = settings(lines={"gate": {"start": (0, 0), "end": (1, 1)}}).lines["gate"]
    file = tmp_path / "new" / "totals.json"
    totals = LineTotals(file)
    for direction in ("in", "in", "out"):
        totals.add("front", "gate", direction)
    totals.save()
    assert LineTotals(file).of("front", "gate", gate) == {"in": 2, "out": 1}
    assert LineTotals(file).of("front", "other", gate) == {"in": 0, "out": 0}
    file.write_text("[1]")
    assert LineTotals(file).of("front", "gate", gate) == {"in": 0, "out": 0}


def test_twenty_tracks_in_four_zones_cost_next_to_nothing() -> None:
    square = [(0.2, 0.2), (0.5, 0.1), (0.8, 0.2), (0.9, 0.5), (0.8, 0.8), (0.5, 0.9), (0.2, 0.8), (0.1, 0.5)]
    line = {"start": (0.1, 0.5), "end": (0.9, 0.5)}
    places = Places(
        settings(zones={f"z{n}": {"polygon": square} for n in range(4)}, lines={"a": line, "b": line})
    )
    times_s = []
    for n in range(100):
        frame = Frame(NoPicture(), n, 1000 + n / 5, n / 5)
        tracks = tuple(
            replace(as_track(60.0 * i, 300.0 + n, frame.captured_s), track_id=i + 1) for i in range(20)
        )
        began_s = time.perf_counter()
        places.update(TrackerUpdate(active=tracks), frame)
        times_s.append(time.perf_counter() - began_s)
    assert sorted(times_s)[len(times_s) // 4] < 0.002  # 0.2 ms on a quiet machine
