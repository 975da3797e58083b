"""Detections in, tracks with a life of their own out, and what they do in zones and on lines."""

from edged.track.places import PlaceEvent, Places, PlacesUpdate
from edged.track.portraits import Portraits, Sight
from edged.track.regions import Regions
from edged.track.totals import LineTotals
from edged.track.tracker import Tracker, TrackerUpdate

__all__ = [
    "LineTotals",
    "PlaceEvent",
    "Places",
    "PlacesUpdate",
    "Portraits",
    "Regions",
    "Sight",
    "Tracker",
    "TrackerUpdate",
]
