"""Which picture of a track is its best."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from edged.core.types import Box, Frame, Size, Track, TrackSource, TrackState
from edged.track.portraits import MOST_FRAMES, Portraits, sharpness
from tests.detect.synthetic import ArrayPicture

SIZE = Size(320, 240)
NOISE = np.random.default_rng(1).integers(0, 255, (SIZE.height, SIZE.width, 3), np.uint8)
SHARP = ArrayPicture(cv2.GaussianBlur(NOISE, (3, 3), 0).astype(np.uint8))
BLURRED = ArrayPicture(cv2.GaussianBlur(NOISE, (15, 15), 0).astype(np.uint8))
SMALL: Box = (10, 10, 50, 90)
LARGE: Box = (10, 10, 90, 170)


def frame(number: int, picture: ArrayPicture = SHARP) -> Frame:
    return Frame(picture, number, 1000.0 + number, float(number))


def a_track(track_id: int = 1, box: Box = SMALL, confidence: float = 0.5) -> Track:
    return Track(track_id, "person", confidence, box, TrackSource.BYTETRACK, TrackState.ACTIVE, 0, 0)


def best(*sights: tuple[Track, ArrayPicture]) -> int:
    """The number of the picture that is kept of track 1."""
    portraits = Portraits()
    for number, (track, picture) in enumerate(sights):
        portraits.see([track], frame(number, picture))
    sight = portraits.of(1)
    assert sight
    return sight.frame.number


def test_large_and_sure_and_sharp_is_better() -> None:
    small, large, sure = a_track(), a_track(box=LARGE), a_track(confidence=0.9)
    assert best((small, SHARP), (large, SHARP), (small, SHARP)) == 1
    assert best((small, SHARP), (sure, SHARP), (small, SHARP)) == 1
    assert best((small, BLURRED), (small, SHARP), (small, BLURRED)) == 1
    assert best((large, SHARP), (small, SHARP), (sure, BLURRED)) == 0


def test_sharpness_does_not_know_sizes_and_bears_boxes_beyond_the_edge() -> None:
    assert sharpness(frame(1), LARGE) > 2 * sharpness(frame(1, BLURRED), LARGE)
    assert sharpness(frame(1), (-50, -50, 5000, 5000)) > 0
    assert sharpness(frame(1), (400, 300, 500, 400)) == 0
    assert sharpness(frame(1), (50, 50, 50, 50)) == 0


def test_who_has_ended_is_forgotten_and_who_has_no_id_never_known() -> None:
    portraits = Portraits()
    portraits.see([a_track(1), a_track(0)], frame(1))
    assert portraits.of(0) is None
    portraits.forget([1, 2])
    assert portraits.of(1) is None


@pytest.mark.parametrize("people", [1, 50])
def test_pictures_do_not_pile_up(people: int) -> None:
    """Each comes nearer at another moment, so that the best pictures of all would be as many as they are."""
    portraits = Portraits()
    for number in range(200):
        tracks = [a_track(n + 1, LARGE if number % people == n else SMALL) for n in range(people)]
        portraits.see(tracks, frame(number))
        held = {sight.frame.number for n in range(people) if (sight := portraits.of(n + 1))}
        assert 1 <= len(held) <= MOST_FRAMES
