"""The life of discovery: what is told when, so that neither ghosts nor doubles are left behind.

What the broker has retained of an earlier life of this box is read before anything is told: from that follows
what is to be taken away, and what moves from one form to the other. Only the first connection has to wait for
it; afterwards we know what the broker knows, for it is what we told it.
"""

from __future__ import annotations

import logging
import random
import threading
from typing import TYPE_CHECKING

from edged.core.clock import SYSTEM_CLOCK
from edged.core.types import HomeAssistant
from edged.publish.homeassistant.entities import devices
from edged.publish.homeassistant.forms import (
    MIGRATE,
    Node,
    Removed,
    component_form,
    component_key,
    components_of,
    device_form,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from edged.config import HomeAssistantSettings
    from edged.core.clock import Clock
    from edged.publish.homeassistant.entities import Device, Installation
    from edged.publish.outbox import RetainedLane
    from edged.publish.session import Message
    from edged.publish.topics import Topics

LISTEN_AT_MOST_S = 5.0
ANSWER_WITHIN_S = 3.0  # of Home Assistant's birth: not every box at once
_SAID = {b"online": HomeAssistant.ONLINE, b"offline": HomeAssistant.OFFLINE}

log = logging.getLogger(__name__)


class Discovery:
    """Keeps in ``lane`` what Home Assistant is to know; ``handlers`` are called in the network thread."""

    def __init__(
        self,
        settings: HomeAssistantSettings,
        box_id: str,
        topics: Topics,
        lane: RetainedLane,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._settings = settings
        self._topics = topics
        self._lane = lane
        self._clock = clock
        self._node = Node(settings.discovery_prefix, box_id)
        self._lock = threading.Lock()
        self._there: Installation | None = None
        self._told: dict[str, bytes] = {}
        self._removed: dict[str, Removed] = {}
        self._found: dict[str, bytes] = {}
        self._listen_until_s: float | None = None
        self._is_settled = False
        self.state = HomeAssistant.TOLD if settings.enabled else HomeAssistant.OFF

    @property
    def handlers(self) -> dict[str, Callable[[Message], None]]:
        """Who wants to hear what."""
        wanted: dict[str, Callable[[Message], None]] = {self._node.filter: self.hear}
        if self._settings.enabled:
            wanted[self._settings.birth_topic] = self.hear_birth
        return wanted

    def set_installation(self, there: Installation) -> None:
        """Say what there is now."""
        with self._lock:
            self._there = there
            if self._is_settled:
                self._tell()

    def connected(self) -> None:
        """A connection is made: what the broker has retained comes now."""
        with self._lock:
            if not self._is_settled:
                self._found.clear()
                self._listen_until_s = self._clock.monotonic_s() + LISTEN_AT_MOST_S

    def listened(self) -> None:
        """Everything that the broker had retained has come."""
        with self._lock:
            if self._listen_until_s is not None:
                self._settle()

    def tick(self) -> None:
        """Wait no longer for the end of what a broker has retained, if it does not let us hear it."""
        until_s = self._listen_until_s
        if until_s is not None and self._clock.monotonic_s() >= until_s:
            self.listened()

    def hear(self, message: Message) -> None:
        """Take note of what the broker has retained on a topic of ours."""
        if not message.payload:
            return
        with self._lock:
            if not self._is_settled:
                self._found[message.topic] = message.payload
            elif message.is_old and message.topic not in self._told:
                self._lane.remove(message.topic)

    def hear_birth(self, message: Message) -> None:
        """Home Assistant has started, or goes; who starts is told everything again, soon."""
        self.state = _SAID.get(message.payload, self.state)
        if self.state is HomeAssistant.ONLINE and not message.is_old:
            # The first seconds of its life are busy, and other boxes answer, too.
            self._lane.resend_within(random.uniform(0.5, ANSWER_WITHIN_S))  # noqa: S311 - no secret

    def _settle(self) -> None:
        self._is_settled, self._listen_until_s = True, None
        if self._there is not None:
            self._tell()
        self._found.clear()

    def _tell(self) -> None:
        """Put what is wanted in place of what was told or found."""
        before = self._told or self._found
        found = devices(self._there, self._topics) if self._settings.enabled and self._there else ()
        if self._settings.discovery == "device":
            self._note_removed(found, before)
            wanted = device_form(found, self._node, self._removed)
        else:
            wanted = component_form(found, self._node)
        gone = [topic for topic in before if topic not in wanted]
        moves = [topic for topic in gone if self._is_other_form(topic)] if wanted else []
        for topic in moves:
            self._lane.put_and_remove(topic, MIGRATE)
        for topic, payload in wanted.items():
            self._lane.put(topic, payload)
        for topic in gone:
            if topic not in moves:
                self._lane.remove(topic)
        self._told = wanted

    def _note_removed(self, found: Iterable[Device], before: dict[str, bytes]) -> None:
        """Remember which entities a device no longer has: leaving them out does not remove them."""
        for device in found:
            topic = self._node.device_topic(device.camera_id)
            keys = {component_key(each) for each in device.entities}
            had = {**self._removed.get(topic, {}), **components_of(before.get(topic, b""))}
            self._removed[topic] = {key: component for key, component in had.items() if key not in keys}

    def _is_other_form(self, topic: str) -> bool:
        return self._node.is_device_topic(topic) != (self._settings.discovery == "device")
