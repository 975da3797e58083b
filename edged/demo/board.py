"""What the demo knows of its daemon, all of it from the outside: MQTT messages and ``/health``."""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass, field
from typing import Any

EVENTS_KEPT = 100
COUNTS_KEPT = 240

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Seen:
    """A track as the newest message has it; the box in fractions of the frame."""

    track_id: int
    label: str
    box: tuple[float, float, float, float]

    def __str__(self) -> str:
        return f"{self.label} {self.track_id}"


@dataclass(slots=True)
class CameraTally:
    """What one camera has told so far."""

    frames: int = 0
    passes: int = 0  # with tracks: others are not published
    tracks: int = 0
    events: int = 0
    latency_sum_ms: float = 0.0
    now: tuple[Seen, ...] = ()
    counts: deque[int] = field(default_factory=lambda: deque(maxlen=COUNTS_KEPT))  # tracks in each pass

    @property
    def latency_ms(self) -> float | None:
        """The mean over all passes."""
        return self.latency_sum_ms / self.passes if self.passes else None


@dataclass(slots=True)
class TopicTally:
    """The newest message of one topic, and how many there were."""

    messages: int = 0
    payload: bytes = b""


class Board:
    """Collects; those who show it only read."""

    def __init__(self, base_topic: str, camera_ids: list[str]) -> None:
        self.base_topic = base_topic
        self.cameras = {camera_id: CameraTally() for camera_id in camera_ids}
        self.topics: dict[str, TopicTally] = {}
        self.events: deque[str] = deque(maxlen=EVENTS_KEPT)
        self.health: Json = {}
        self.running_s = 0.0
        self.first_tracks_s: float | None = None  # since the demo began

    @property
    def messages(self) -> int:
        """How many messages came in all."""
        return sum(topic.messages for topic in self.topics.values())

    @property
    def problems(self) -> list[str]:
        """What ``/health`` says is not well, each in one line."""
        if not self.health:
            return ["edged is starting"]
        found = [
            f"camera {camera_id}: {camera['state']}: {camera['why']}"
            for camera_id, camera in self.health["cameras"].items()
            if camera["state"] not in {"connecting", "streaming"}
        ]
        broker, inference = self.health["broker"], self.health["inference"]
        if not broker["connected"]:
            found.append(f"broker: {broker['reason']}")
        if inference and inference["overloaded"]:
            found.append("this machine cannot keep up: detection is slower than wanted")
        return found

    def on_message(self, topic: str, payload: bytes, since_start_s: float) -> None:
        """Take in one message."""
        tally = self.topics.setdefault(topic, TopicTally())
        tally.messages += 1
        tally.payload = payload
        camera_id, _, kind = topic.removeprefix(f"{self.base_topic}/").partition("/")
        camera = self.cameras.get(camera_id)
        if camera and kind == "tracks":
            self._on_tracks(camera, json.loads(payload), since_start_s)
        elif camera and kind == "events":
            self._on_event(camera, json.loads(payload))

    def _on_tracks(self, camera: CameraTally, message: Json, since_start_s: float) -> None:
        width, height = message["frame"]["width"], message["frame"]["height"]
        camera.now = tuple(
            Seen(track["track_id"], track["label"], (x1 / width, y1 / height, x2 / width, y2 / height))
            for track in message["tracks"]
            for x1, y1, x2, y2 in [track["bbox"]]
        )
        camera.frames = message["frame"]["number"]
        camera.passes += 1
        camera.latency_sum_ms += message["stats"]["latency_ms"] or 0.0
        camera.counts.append(len(camera.now))
        if camera.now and self.first_tracks_s is None:
            self.first_tracks_s = since_start_s

    def _on_event(self, camera: CameraTally, event: Json) -> None:
        camera.events += 1
        camera.tracks += event["type"] == "track_started"
        track = event.get("track")
        about = f"{track['label']} {track['track_id']}" if track else event.get("reason", "")
        self.events.append(f"{event['camera_id']}  {event['type'].replace('_', ' ')}  {about}")
