"""Detections in, tracks with a life of their own out: one tracker per camera."""

from edged.track.tracker import Tracker, TrackerUpdate

__all__ = ["Tracker", "TrackerUpdate"]
