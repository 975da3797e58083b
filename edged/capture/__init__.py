"""Cameras: RTSP, HTTP, files and devices become packets and frames, kept alive and with a state."""

from edged.capture.options import CaptureOptions
from edged.capture.outlet import FrameOutlet
from edged.capture.pool import StreamPool
from edged.capture.probing import KEY_FRAMES_WITHIN_S, ProbeReport, probe
from edged.capture.state import TRANSITIONS
from edged.capture.stream import Stream, StreamStatistics
from edged.capture.url import SourceKind, source_kind

__all__ = [
    "KEY_FRAMES_WITHIN_S",
    "TRANSITIONS",
    "CaptureOptions",
    "FrameOutlet",
    "ProbeReport",
    "SourceKind",
    "Stream",
    "StreamPool",
    "StreamStatistics",
    "probe",
    "source_kind",
]
