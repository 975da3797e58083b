"""How a status reads to a person: the same words in ``edged ctl`` and in the console."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

Json = dict[str, Any]

MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86400
PRECISE_UP_TO_S = 10.0

WORDS = {
    "streaming": "ok",
    "connecting": "connect",
    "stalled": "stalled",
    "lost": "lost",
    "waiting": "retry",
    "overloaded": "slow",
    "disabled": "off",
}
STATE_STYLES = {
    "streaming": "green",
    "connecting": "yellow",
    "stalled": "bold red",
    "lost": "bold red",
    "waiting": "bold red",
    "overloaded": "bold yellow",
    "disabled": "dim",
}
_WORST_FIRST = ("lost", "waiting", "stalled", "connecting", "overloaded", "streaming", "disabled")
LEVEL_STYLES = {"warning": "yellow", "error": "bold red", "critical": "bold red", "debug": "dim"}


@dataclass(frozen=True, slots=True)
class CameraRow:
    """One camera of a status, in words."""

    camera_id: str
    name: str
    state: str
    fps_in: str
    fps: str
    latency: str
    tracks: str
    viewers: str
    age: str
    reason: str
    next_try: str

    @property
    def word(self) -> str:
        """The state in a short word that fits a column."""
        return WORDS.get(self.state, self.state)

    @property
    def why(self) -> str:
        """Why it is not well and what happens next; nothing when all is as it should be."""
        return f"{self.reason}; next try {self.next_try}" if self.next_try else self.reason

    @property
    def style(self) -> str:
        """How the word is shown."""
        return STATE_STYLES.get(self.state, "")

    @property
    def is_well(self) -> bool:
        """Whether nobody needs to look at it."""
        return self.state in {"streaming", "disabled"}


def camera_rows(status: Json, now_s: float) -> list[CameraRow]:
    """Return every camera, those with a problem first."""
    rows = [camera_row(camera_id, camera, now_s) for camera_id, camera in status["cameras"].items()]
    return sorted(rows, key=lambda row: (_rank(row.state), row.camera_id))


def camera_row(camera_id: str, camera: Json, now_s: float) -> CameraRow:
    """Return one camera in words."""
    is_streaming = camera["state"] == "streaming"
    return CameraRow(
        camera_id=camera_id,
        name=camera.get("name") or camera_id,
        state="overloaded" if is_streaming and camera.get("overloaded") else camera["state"],
        fps_in=f"{camera.get('fps_in') or 0:.0f}" if is_streaming else "-",
        fps=_detections(camera) if is_streaming else "-",
        latency=milliseconds(camera.get("latency_ms")),
        tracks=str(camera.get("tracks") or 0) if is_streaming else "-",
        viewers=str(camera.get("viewers") or 0),
        age=age(camera.get("age_s")),
        reason=_reason(camera),
        next_try=_next_try(camera, now_s),
    )


def ago(seconds: float) -> str:
    """Return a duration in its two largest units."""
    whole = max(0, int(seconds))
    if whole < MINUTE_S:
        return f"{whole} s"
    if whole < HOUR_S:
        return f"{whole // MINUTE_S} min {whole % MINUTE_S} s"
    if whole < DAY_S:
        return f"{whole // HOUR_S} h {whole % HOUR_S // MINUTE_S} min"
    return f"{whole // DAY_S} d {whole % DAY_S // HOUR_S} h"


def age(seconds: float | None) -> str:
    """Return how old the newest data is."""
    if seconds is None:
        return "-"
    return f"{seconds:.1f} s" if seconds < PRECISE_UP_TO_S else ago(seconds)


def when(timestamp_s: float) -> str:
    """Return the time of day."""
    return time.strftime("%H:%M:%S", time.localtime(timestamp_s))


def event_line(event: Json) -> str:
    """Say in one line what happened."""
    track = event.get("track")
    facts = f" {track['label']} {track['track_id']}" if track else ""
    place = event.get("zone") or " ".join(filter(None, (event.get("line"), event.get("direction"))))
    place = f" {place}" if place else ""
    stay = f" after {ago(event['dwell_s'])}" if event.get("dwell_s") else ""
    reason = f": {event['reason']}" if event.get("reason") else ""
    kind = event["type"].replace("_", " ")
    return f"{when(event['timestamp'])} {event['camera_id']} {kind}{place}{facts}{stay}{reason}"


def counts(objects: Sequence[Json]) -> dict[str, int]:
    """Count what is seen, by label."""
    found: dict[str, int] = {}
    for each in objects:
        found[each["label"]] = found.get(each["label"], 0) + 1
    return dict(sorted(found.items()))


def settings_line(settings: Json) -> str:
    """Say what a camera is set to."""
    detect = "on" if settings["detect"] else "OFF"
    numbers = f"confidence {settings['confidence']:g}, {settings['fps']:g} a second"
    return f"detect {detect}, {numbers}, live {settings['quality']}"


def seen(camera: Json) -> str:
    """Say what a camera sees now."""
    found = counts(camera.get("objects") or [])
    return ", ".join(f"{count} {label}" for label, count in found.items()) or "nothing in sight"


def milliseconds(value: float | None) -> str:
    """Return a time in milliseconds, if there is one."""
    return "-" if value is None else f"{value:.0f} ms"


def broker_word(broker: Json | None) -> str:
    """Say how the broker does."""
    if broker is None:
        return "off"
    return "connected" if broker["connected"] else f"down: {broker['reason']}"


def _detections(camera: Json) -> str:
    return f"{camera.get('fps_detected') or 0:.1f}" if camera["settings"]["detect"] else "off"


def _rank(state: str) -> int:
    return _WORST_FIRST.index(state) if state in _WORST_FIRST else 0


def _reason(camera: Json) -> str:
    """Say why a camera is not well."""
    if camera["state"] != "streaming":
        return camera.get("why") or ""
    if not camera["settings"]["detect"]:
        return "detection is off"
    if camera.get("overloaded"):
        return f"this box cannot keep up: {camera.get('fps_wanted') or 0:g} a second are wanted"
    return ""


def _next_try(camera: Json, now_s: float) -> str:
    next_try_s = camera.get("next_try")
    if next_try_s is None or camera["state"] == "streaming":
        return ""
    left_s = next_try_s - now_s
    return f"in {ago(left_s)}" if left_s >= 1 else "now"
