"""Crossings and a stay in real films, against what a person has counted in them, picture by picture."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

import av
import pytest

from edged.capture.picture import VideoPicture
from edged.config import CameraSettings, TrackSettings
from edged.core.types import Crossing, Frame, Visit
from edged.detect import ModelOptions, load_model
from edged.track import Places, Tracker

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from edged.track import PlaceEvent

PERIOD_S = 0.2
# Counted by eye on pictures 0.2 s apart with the line drawn on them: a car's lower edge is above the line in
# one and below it in the next. Two more cars are below the line when the film begins.
HIGHWAY_LINE_Y = 0.68
HIGHWAY_CROSSED_S = {
    "white estate": 0.5,
    "black Audi": 1.1,
    "silver saloon": 1.9,
    "red Nissan": 2.7,
    "black hatchback": 2.9,
    "grey Volkswagen": 6.7,
}
# Counted by eye on pictures 0.1 s apart: the middle of the figure goes over the line. Nobody comes back.
LOBBY_LINE_X = 0.7
LOBBY_CROSSED_S = {"woman in grey": 18.6, "man in black": 43.7}
# The head is at the lower edge of the picture in the first, the feet are in it in the second.
LOBBY_CAME_S = {"woman in grey": (6.0, 7.0), "man in black": (22.5, 24.0)}


def settings(**places: object) -> CameraSettings:
    return CameraSettings.model_validate({"url": "rtsp://127.0.0.1/", **places})


def frames(clip: Path, from_s: float, to_s: float) -> Iterator[Frame]:
    """Five pictures a second of a part of a film, at the times of the film."""
    numbers, due_s = count(1), from_s
    with av.open(str(clip)) as film:
        for picture in film.decode(video=0):
            assert picture.time is not None
            if picture.time > to_s:
                return
            if picture.time >= due_s - 1e-6:
                due_s += PERIOD_S
                yield Frame(VideoPicture(picture), next(numbers), picture.time, picture.time)


def watched(model: Path, label: str, film: Iterator[Frame], places: Places) -> list[PlaceEvent]:
    """What the real detector and the real tracker make of a film."""
    detector = load_model(ModelOptions(path=model))
    tracker = Tracker(TrackSettings(), confidence=0.4)
    events: list[PlaceEvent] = []
    for frame in film:
        seen = detector.detect(frame.picture, min_score=0.1, iou_threshold=0.5, labels=frozenset({label}))
        events += places.update(tracker.update(seen, frame), frame).events
    return events


def test_cars_that_pass_on_a_highway(test_data: Path) -> None:
    line = {
        "start": (0.0, HIGHWAY_LINE_Y),
        "end": (1.0, HIGHWAY_LINE_Y),
        "to_right": "nearer",
        "to_left": "away",
    }
    clip = test_data / "videos/highway_cars.h264.mp4"
    events = watched(
        test_data / "models/yolox_nano_640.onnx",
        "car",
        frames(clip, 0.0, 8.8),
        Places(settings(lines={"here": line})),
    )
    crossings = [event.what for event in events if isinstance(event.what, Crossing)]
    assert {each.direction for each in crossings} == {"nearer"}
    found_s = sorted(each.crossed_s for each in crossings)
    assert found_s == pytest.approx(sorted(HIGHWAY_CROSSED_S.values()), abs=PERIOD_S)


def test_people_that_come_and_go_one_by_one(test_data: Path) -> None:
    line = {"start": (LOBBY_LINE_X, 0.0), "end": (LOBBY_LINE_X, 1.0), "to_right": "left", "to_left": "right"}
    table = [(0.3, 0.0), (LOBBY_LINE_X, 0.0), (LOBBY_LINE_X, 1.0), (0.3, 1.0)]
    clip = test_data / "videos/one_by_one_person.h264.mp4"
    events = watched(
        test_data / "models/yolox_nano_416.onnx",
        "person",
        frames(clip, 5.0, 47.0),
        Places(settings(lines={"door": line}, zones={"table": {"polygon": table}})),
    )
    crossings = [event.what for event in events if isinstance(event.what, Crossing)]
    assert [each.direction for each in crossings] == ["right", "right"]
    assert [each.crossed_s for each in crossings] == pytest.approx([*LOBBY_CROSSED_S.values()], abs=PERIOD_S)
    visits = [event.what for event in events if isinstance(event.what, Visit) and event.what.left_s]
    assert len(visits) == 2
    for visit, (first_s, last_s) in zip(visits, LOBBY_CAME_S.values(), strict=True):
        assert first_s <= visit.entered_s <= last_s
    assert [visit.left_s for visit in visits] == pytest.approx([*LOBBY_CROSSED_S.values()], abs=2 * PERIOD_S)
