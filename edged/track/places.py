"""One camera's zones and lines together: who is where after a pass, and what has happened there."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from edged.core.types import NOBODY, Crossing, Motion, Presence, Track, Visit
from edged.track.lines import Line
from edged.track.presence import Hold
from edged.track.zones import Zone

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from edged.config import CameraSettings
    from edged.core.types import Frame
    from edged.track.tracker import TrackerUpdate

MOVING = frozenset({Motion.HORIZONTAL, Motion.VERTICAL})


@dataclass(frozen=True, slots=True)
class PlaceEvent:
    """A visit that begins to count or is over, or a crossing."""

    track: Track
    what: Visit | Crossing


@dataclass(frozen=True, slots=True)
class PlacesUpdate:
    """Who is where after a pass, and what the pass has changed."""

    active: tuple[Track, ...] = ()  # with their zones
    presence: Presence = NOBODY
    is_moving: bool = False
    zones: Mapping[str, Presence] = field(default_factory=dict)
    events: tuple[PlaceEvent, ...] = ()


class Places:
    """The zones and lines of ``settings``; not thread-safe, one pass at a time."""

    def __init__(self, settings: CameraSettings) -> None:
        self._zones = {name: Zone(name, each) for name, each in settings.zones.items()}
        self._lines = [Line(name, each) for name, each in settings.lines.items()]
        self._hold = Hold(settings.track.occupancy_hold_s)
        self._motion = Hold(settings.track.occupancy_hold_s)
        self._living: dict[int, Track] = {}
        self._frame: Frame | None = None

    def update(self, update: TrackerUpdate, frame: Frame) -> PlacesUpdate:
        """Take in what a pass over ``frame`` has changed."""
        self._frame = frame
        # What is not tracked has no id, and so no way and no stay; it is only counted.
        tracked = [track for track in update.active if track.track_id]
        events = [event for track in tracked for event in self._see(track, frame)]
        active = self._with_zones(update.active) if self._zones else update.active
        now = {track.track_id: track for track in active if track.track_id}
        events = [PlaceEvent(now[event.track.track_id], event.what) for event in events]
        self._living |= now
        events += self._forget(update.ended, frame)
        return PlacesUpdate(
            active=active,
            presence=self._presence([track for track in active if not track.track_id], frame),
            is_moving=self._is_moving(active, frame),
            zones={name: zone.presence(frame) for name, zone in self._zones.items()},
            events=tuple(events),
        )

    def close(self) -> tuple[PlaceEvent, ...]:
        """Let everybody go without another pass; return the visits that are over with that."""
        return tuple(self._forget(tuple(self._living.values()), self._frame)) if self._frame else ()

    def _see(self, track: Track, frame: Frame) -> list[PlaceEvent]:
        visits = [zone.see(track, frame) for zone in self._zones.values()]
        crossings = [line.see(track, frame) for line in self._lines]
        return [PlaceEvent(track, what) for what in (*visits, *crossings) if what]

    def _forget(self, ended: Iterable[Track], frame: Frame) -> list[PlaceEvent]:
        events = []
        for track in ended:
            self._living.pop(track.track_id, None)
            visits = [zone.end(track.track_id, frame) for zone in self._zones.values()]
            events += [PlaceEvent(track, visit) for visit in visits if visit]
            for line in self._lines:
                line.end(track.track_id)
        return events

    def _presence(self, untracked: list[Track], frame: Frame) -> Presence:
        """Who is in the picture: a track that is only missed still is, until it ends."""
        wall_s = frame.captured_s - frame.captured_monotonic_s
        sights = ((track.label, track.last_seen_s - wall_s) for track in [*self._living.values(), *untracked])
        return self._hold.presence(sights, frame.captured_monotonic_s)

    def _is_moving(self, seen: Iterable[Track], frame: Frame) -> bool:
        at_s = frame.captured_monotonic_s
        sights = [(track.motion.value, at_s) for track in seen if track.motion in MOVING]
        return bool(self._motion.presence(sights, at_s).occupied)

    def _with_zones(self, tracks: tuple[Track, ...]) -> tuple[Track, ...]:
        names: dict[int, list[str]] = {}
        for name, zone in self._zones.items():
            for track_id in zone.members():
                names.setdefault(track_id, []).append(name)
        return tuple(
            replace(track, zones=tuple(names[track.track_id])) if track.track_id in names else track
            for track in tracks
        )
