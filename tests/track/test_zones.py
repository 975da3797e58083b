"""Zones told of walkers whose way is known to the centimetre."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from edged.config import ZoneSettings
from edged.core.types import Frame, Size, Track, TrackSource, TrackState, Visit
from edged.track.zones import Zone
from tests.track.world import HD, NoPicture

if TYPE_CHECKING:
    from edged.core.types import Box

LEFT_HALF = ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))
EPOCH_S = 1000.0


def a_zone(**settings: object) -> Zone:
    return Zone(
        "porch", ZoneSettings.model_validate({"polygon": LEFT_HALF, "enter_after_s": 0.0, **settings})
    )


def at(time_s: float, size: Size = HD, epoch_s: float = EPOCH_S) -> Frame:
    return Frame(NoPicture(size), 1, epoch_s + time_s, time_s)


def somebody(x_px: float, track_id: int = 1, label: str = "person", height_px: float = 120.0) -> Track:
    """A track whose feet are at ``x_px``."""
    box: Box = (x_px - height_px / 4, 300 - height_px, x_px + height_px / 4, 300)
    return Track(track_id, label, 0.9, box, TrackSource.BYTETRACK, TrackState.ACTIVE, 0, 0)


def test_who_comes_in_and_goes_is_timed_by_the_passes_that_saw_them_inside() -> None:
    zone = a_zone(leave_after_s=1.0)
    assert zone.see(somebody(700), at(0.0)) is None
    assert zone.see(somebody(600), at(0.2)) == Visit("porch", EPOCH_S + 0.2)
    assert zone.see(somebody(500), at(4.2)) is None
    assert zone.see(somebody(700), at(4.4)) is None, "perhaps they come back"
    left = zone.see(somebody(750), at(5.2))
    assert left == Visit("porch", EPOCH_S + 0.2, EPOCH_S + 4.2)
    assert left.dwell_s == pytest.approx(4.0)
    assert zone.see(somebody(750), at(5.4)) is None, "said once"


def test_a_visit_counts_only_after_its_time_and_from_its_beginning() -> None:
    zone = a_zone(enter_after_s=1.0)
    assert [zone.see(somebody(600), at(n / 5)) for n in range(5)] == [None] * 5
    assert list(zone.members()) == []
    assert zone.see(somebody(600), at(1.0)) == Visit("porch", EPOCH_S)
    assert list(zone.members()) == [1]


def test_who_only_passes_through_was_never_there() -> None:
    zone = a_zone(enter_after_s=1.0)
    assert [zone.see(somebody(x), at(n / 5)) for n, x in enumerate((700, 620, 600, 620, 700))] == [None] * 5
    assert zone.end(1, at(2.0)) is None


@pytest.mark.parametrize("leave_after_s", [0.0, 2.0])
def test_trembling_on_the_edge_is_one_visit(leave_after_s: float) -> None:
    zone = a_zone(leave_after_s=leave_after_s)
    told = [zone.see(somebody(640 + (-1) ** n * 5), at(n / 5)) for n in range(50)]
    assert [each for each in told if each] == [Visit("porch", EPOCH_S + 0.2)]


def test_who_is_missed_and_found_inside_never_left() -> None:
    zone = a_zone(leave_after_s=0.5)
    zone.see(somebody(600), at(0.0))
    assert zone.presence(at(1.8)).counts == {"person": 1}
    assert zone.see(somebody(590), at(2.0)) is None
    assert zone.end(1, at(2.2)) == Visit("porch", EPOCH_S, EPOCH_S + 2.0)


def test_two_are_counted_apart_and_left_apart() -> None:
    zone = a_zone(leave_after_s=0.0)
    zone.see(somebody(600, 1), at(0.0))
    zone.see(somebody(100, 2, "car"), at(0.0))
    zone.see(somebody(80, 3), at(0.0))
    assert zone.presence(at(0.0)).counts == {"person": 2, "car": 1}
    assert zone.see(somebody(800, 1), at(0.2)) == Visit("porch", EPOCH_S, EPOCH_S)
    assert zone.presence(at(0.2)).counts == {"person": 1, "car": 1}


def test_occupancy_is_held_when_a_track_ends() -> None:
    zone = a_zone(leave_after_s=2.0)
    zone.see(somebody(600), at(1.0))
    assert zone.presence(at(1.0)).occupied == {"person"}
    zone.end(1, at(1.2))
    assert zone.presence(at(1.2)).counts == {}
    assert zone.presence(at(2.8)).occupied == {"person"}
    assert zone.presence(at(3.0)).occupied == frozenset()


def test_only_wanted_labels_count() -> None:
    zone = a_zone(labels=("person",))
    assert zone.see(somebody(100, 1, "car"), at(0.0)) is None
    assert zone.see(somebody(100, 2, "person"), at(0.0)) is not None
    assert zone.presence(at(0.0)).counts == {"person": 1}


def test_a_change_of_size_changes_nothing() -> None:
    zone = a_zone()
    assert zone.see(somebody(600), at(0.0)) is not None
    small = Size(640, 360)
    assert zone.see(somebody(300, height_px=60), at(0.2, small)) is None
    assert list(zone.members()) == [1]
    assert zone.see(somebody(600, 2, height_px=60), at(0.4, small)) is None, (
        "outside of the small picture's half"
    )


def test_setting_the_clock_does_not_make_a_visit_longer() -> None:
    zone = a_zone()
    zone.see(somebody(600), at(0.0, epoch_s=0.0))
    zone.see(somebody(600), at(9.0, epoch_s=EPOCH_S))
    left = zone.end(1, at(9.2, epoch_s=EPOCH_S))
    assert left == Visit("porch", EPOCH_S, EPOCH_S + 9.0)
