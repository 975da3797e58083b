"""Lines told of walkers whose way is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from edged.config import LineSettings
from edged.core.types import Size
from edged.track.lines import Line
from tests.track.test_zones import EPOCH_S, at, somebody

if TYPE_CHECKING:
    from collections.abc import Iterable

    from edged.core.types import Crossing

# From top to bottom in the middle: who goes to the left of the picture is on its right hand.
UPRIGHT = {"start": (0.5, 0.0), "end": (0.5, 1.0)}


def a_line(**settings: object) -> Line:
    return Line("gate", LineSettings.model_validate({**UPRIGHT, **settings}))


def walk(line: Line, xs: Iterable[float], track_id: int = 1, start_s: float = 0.0) -> list[Crossing]:
    told = [line.see(somebody(x, track_id), at(start_s + n / 5)) for n, x in enumerate(xs)]
    return [each for each in told if each]


@pytest.mark.parametrize(
    ("xs", "directions"),
    [
        ((700, 680, 660, 620, 600), ["in"]),
        ((600, 620, 660, 680), ["out"]),
        ((700, 600, 700, 600), ["in", "out", "in"]),
        ((700, 680, 660, 670, 700), []),
        ((640, 645, 638, 641, 640), []),  # stands on it from the start and trembles
        ((700, 645, 635, 645, 635, 645, 635, 600), ["in"]),  # trembles while it crosses
        ((700, 645, 635, 645, 635, 645, 700), []),  # and here it turns back
    ],
)
def test_crossings_are_counted_once_each_way(xs: tuple[float, ...], directions: list[str]) -> None:
    assert [crossing.direction for crossing in walk(a_line(), xs)] == directions


def test_the_time_is_that_of_the_first_pass_beyond_the_line() -> None:
    (crossing,) = walk(a_line(), (700, 660, 638, 636, 600))
    assert crossing.crossed_s == pytest.approx(EPOCH_S + 0.4)


def test_a_track_lost_and_found_across_the_line_has_crossed_it() -> None:
    line = a_line()
    assert walk(line, (800, 700)) == []
    assert [each.direction for each in walk(line, (500,), start_s=1.8)] == ["in"]


def test_two_at_once_in_opposite_directions() -> None:
    line = a_line()
    told = []
    for n in range(6):
        told += [
            line.see(somebody(700 - 30 * n, 1), at(n / 5)),
            line.see(somebody(560 + 30 * n, 2), at(n / 5)),
        ]
    assert sorted(each.direction for each in told if each) == ["in", "out"]


def test_who_goes_around_its_end_has_not_crossed_it() -> None:
    line = a_line(end=(0.5, 0.3))  # ends at 216 px, the feet are at 300 px
    assert walk(line, (700, 660, 620, 600)) == []


def test_a_change_of_size_crosses_nothing() -> None:
    line = a_line()
    assert walk(line, (700, 690)) == []
    small = Size(640, 360)
    assert line.see(somebody(345, height_px=60), at(0.6, small)) is None
    assert line.see(somebody(360, height_px=60), at(0.8, small)) is None
    crossing = line.see(somebody(300, height_px=60), at(1.0, small))
    assert crossing
    assert crossing.direction == "in"


def test_names_and_labels_are_those_of_the_settings() -> None:
    line = a_line(to_right="west", to_left="east", labels=("person",))
    assert [each.direction for each in walk(line, (700, 600, 700))] == ["west", "east"]
    cars = [line.see(somebody(x, 2, "car"), at(5 + n)) for n, x in enumerate((700, 600))]
    assert cars == [None, None]


def test_a_new_track_is_not_joined_to_one_that_has_ended() -> None:
    line = a_line()
    walk(line, (700, 690))
    line.end(1)
    assert walk(line, (600,), start_s=1.0) == []
