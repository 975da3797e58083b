"""Every topic of a box, and what a command's topic means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeGuard

LONGEST_TOPIC = 256


@dataclass(frozen=True, slots=True)
class CommandTopic:
    """What a command is about; ``camera_id`` is None for the box itself."""

    camera_id: str | None
    setting: str


@dataclass(frozen=True, slots=True)
class Topics:
    """The topics below ``base``; the configuration lets no camera id have ``/`` or wildcards in it."""

    base: str

    @property
    def status(self) -> str:
        """Whether the box is there; the broker says ``offline`` for us when we vanish."""
        return f"{self.base}/status"

    @property
    def health(self) -> str:
        """How the box and its cameras do."""
        return f"{self.base}/health"

    def camera_status(self, camera_id: str) -> str:
        """Whether frames arrive."""
        return f"{self.base}/{camera_id}/status"

    def state(self, camera_id: str) -> str:
        """Counts, occupancy and the settings in force."""
        return f"{self.base}/{camera_id}/state"

    def tracks(self, camera_id: str) -> str:
        """Every detection pass with tracks."""
        return f"{self.base}/{camera_id}/tracks"

    def events(self, camera_id: str) -> str:
        """What happened, once each."""
        return f"{self.base}/{camera_id}/events"

    def event_snapshot(self, camera_id: str, event_id: str) -> str:
        """The JPEG of the very frame in which an event happened."""
        return f"{self.base}/{camera_id}/events/{event_id}/snapshot"

    def snapshot(self, camera_id: str) -> str:
        """The newest JPEG."""
        return f"{self.base}/{camera_id}/snapshot"

    def set_box(self, setting: str) -> str:
        """A command to the box."""
        return f"{self.base}/set/{setting}"

    def set_camera(self, camera_id: str, setting: str) -> str:
        """A command to a camera."""
        return f"{self.base}/{camera_id}/set/{setting}"

    def retained(self, camera_id: str) -> tuple[str, ...]:
        """All that the broker keeps of a camera: what to empty when the camera is gone."""
        return self.camera_status(camera_id), self.state(camera_id), self.snapshot(camera_id)

    @property
    def every_state(self) -> str:
        """Filter for the state of all cameras, also of those that we no longer have."""
        return f"{self.base}/+/state"

    @property
    def commands(self) -> tuple[str, str]:
        """Filters for all commands, to the box and to its cameras."""
        return f"{self.base}/set/+", f"{self.base}/+/set/+"

    def may_be_answered_on(self, topic: str | None) -> TypeGuard[str]:
        """Whether an answer may go there: a topic, and none of ours, where it would be taken for a fact."""
        is_topic = topic is not None and 0 < len(topic) <= LONGEST_TOPIC and not set("+#\0") & set(topic)
        return is_topic and not f"{topic}/".startswith((f"{self.base}/", "$"))

    def command(self, topic: str) -> CommandTopic | None:
        """Read the topic of a command; None if it is none of ours."""
        head, _, tail = topic.partition(f"{self.base}/")
        match tail.split("/") if not head else []:
            case ["set", setting]:
                return CommandTopic(None, setting)
            case [camera_id, "set", setting]:
                return CommandTopic(camera_id, setting)
        return None
