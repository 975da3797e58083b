"""Who is in a zone, since when, and who has left it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edged.core.types import Visit
from edged.track.ground import Area, belt_px
from edged.track.presence import Hold

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edged.config import ZoneSettings
    from edged.core.types import Frame, Presence, Size, Track


@dataclass(slots=True)
class _Stay:
    """A track that is inside or was a moment ago; times are monotonic."""

    label: str
    entered_s: float
    inside_s: float  # when it was last seen inside
    counts: bool = False


class Zone:
    """One zone of one camera; told of every pass, in order.

    A visit counts after ``enter_after_s`` inside. It is over after ``leave_after_s`` outside, or when the
    track ends. Whoever is missed by the detector stays where they were: they may come back.
    """

    def __init__(self, name: str, settings: ZoneSettings) -> None:
        self._name = name
        self._settings = settings
        self._labels = frozenset(settings.labels)
        self._hold = Hold(settings.leave_after_s)
        self._stays: dict[int, _Stay] = {}
        self._frame: Frame | None = None
        self._size: Size | None = None
        self._area: Area | None = None

    def see(self, track: Track, frame: Frame) -> Visit | None:
        """Take in a track that is in ``frame``; return its visit when that begins to count or is over."""
        at_s = frame.captured_monotonic_s
        stay = self._stays.get(track.track_id)
        if self._is_inside(track, frame, stay):
            stay = stay or self._stays.setdefault(track.track_id, _Stay(track.label, at_s, at_s))
            stay.label, stay.inside_s = track.label, at_s
            if not stay.counts and at_s - stay.entered_s >= self._settings.enter_after_s:
                stay.counts = True
                return self._visit(stay, frame, is_over=False)
        elif stay and (not stay.counts or at_s - stay.inside_s >= self._settings.leave_after_s):
            return self.end(track.track_id, frame)
        return None

    def end(self, track_id: int, frame: Frame) -> Visit | None:
        """Forget a track; return its visit if one is over with that. ``frame`` is the last there was."""
        stay = self._stays.pop(track_id, None)
        return self._visit(stay, frame, is_over=True) if stay and stay.counts else None

    def members(self) -> Iterator[int]:
        """Every track whose visit counts."""
        return (track_id for track_id, stay in self._stays.items() if stay.counts)

    def presence(self, frame: Frame) -> Presence:
        """Who is there."""
        sights = ((stay.label, stay.inside_s) for stay in self._stays.values() if stay.counts)
        return self._hold.presence(sights, frame.captured_monotonic_s)

    def _is_inside(self, track: Track, frame: Frame, stay: _Stay | None) -> bool:
        """Whether a track is inside: who was, leaves only by getting past the belt around the zone."""
        if self._labels and track.label not in self._labels:
            return False
        area, foot_px = self._area_on(frame), track.foot_px
        if area.contains(foot_px):
            return True
        return stay is not None and area.depth_px(foot_px) >= -belt_px(track.box_px)

    def _area_on(self, frame: Frame) -> Area:
        if self._area is None or frame is not self._frame:  # once a pass: a picture's size is not for nothing
            size, self._frame = frame.size, frame
            if self._area is None or size != self._size:
                self._area, self._size = Area(self._settings.polygon, size), size
        return self._area

    def _visit(self, stay: _Stay, frame: Frame, *, is_over: bool) -> Visit:
        """Say it in wall time as ``frame`` has it: a clock that was set meanwhile does not make it longer."""
        wall_s = frame.captured_s - frame.captured_monotonic_s
        return Visit(self._name, wall_s + stay.entered_s, wall_s + stay.inside_s if is_over else None)
