"""Cameras in: RTSP, HTTP, files and devices become packets and frames, with time-outs, reconnects and a state."""

from edged.capture.options import CaptureOptions
from edged.capture.outlet import FrameOutlet
from edged.capture.state import TRANSITIONS
from edged.capture.stream import Stream, StreamStatistics
from edged.capture.url import SourceKind, redact, source_kind

__all__ = [
    "TRANSITIONS",
    "CaptureOptions",
    "FrameOutlet",
    "SourceKind",
    "Stream",
    "StreamStatistics",
    "redact",
    "source_kind",
]
