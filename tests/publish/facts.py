"""Facts for tests to publish."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edged.core.types import (
    BoxHealth,
    CameraHealth,
    CameraState,
    CameraStatus,
    Event,
    EventKind,
    Frame,
    Health,
    InferenceHealth,
    Motion,
    Presence,
    Quality,
    Size,
    StreamInfo,
    Track,
    TrackedFrame,
    TrackSource,
    TrackState,
)
from edged.publish.payloads import CameraFacts

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from edged.core.types import Bgr


class NoPicture:
    """The size of a picture without the picture."""

    size = Size(1280, 720)

    def bgr(self, size: Size | None = None) -> Bgr:
        raise NotImplementedError(size)

    def luma(self) -> NDArray[np.uint8]:
        raise NotImplementedError


def a_track(**changes: Any) -> Track:
    facts: dict[str, Any] = {
        "track_id": 17,
        "label": "person",
        "confidence": 0.91234,
        "box_px": (412.4, 189.6, 498.2, 431.0),
        "source": TrackSource.BYTETRACK,
        "state": TrackState.ACTIVE,
        "first_seen_s": 1763600000.0,
        "last_seen_s": 1763600012.44,
        "motion": Motion.HORIZONTAL,
    }
    return Track(**(facts | changes))


def a_frame(*tracks: Track, number: int = 1523, captured_s: float = 1763600000.1234) -> TrackedFrame:
    frame = Frame(NoPicture(), number, captured_s, 5.0)
    return TrackedFrame("front", frame, tracks, (), latency_ms=38.24, fps=5.004)


def an_event(number: int, kind: EventKind = EventKind.TRACK_STARTED) -> Event:
    return Event(f"event-{number:05}", kind, "front", 1763600000.0 + number, a_track(track_id=number))


def some_facts(people: int) -> CameraFacts:
    here = Presence({"person": people, "car": 0}, frozenset({"person"} if people else ()))
    porch = Presence({"person": min(people, 1)}, frozenset({"person"} if people else ()))
    return CameraFacts(
        camera_id="front",
        presence=here,
        is_moving=people > 0,
        zones={"porch": porch},
        lines={"gate": {"in": 12, "out": 9}},
        detect_enabled=True,
        confidence=0.4,
        fps=5.0,
        quality=Quality.AUTO,
    )


def a_health(state: CameraState = CameraState.STREAMING, latency_ms: float | None = 41.26) -> Health:
    camera = CameraHealth(
        camera_id="front",
        status=CameraStatus(state, "frames arrive", 1763600000.5, None),
        stream=StreamInfo("h264", "Main", Size(1280, 720), 25.0),
        decoder="h264",
        fps_in=24.987,
        fps_wanted=5.0,
        fps_detected=4.999,
        latency_ms=latency_ms,
        tracks=2,
        frames_dropped=3,
        decode_errors=0,
        tracker_failures=0,
        reconnects=1,
        detect_enabled=True,
        overloaded=False,
    )
    box = BoxHealth("0.1.0", 1763600000.0, 3600.4, 41.23, 123456789, 55.04, 0.44)
    inference = InferenceHealth("yolox_nano.onnx", "cpu", "yolox", 18.26, 4.98, overloaded=False)
    return Health(1763600100.0, box, None, inference, (camera,))
