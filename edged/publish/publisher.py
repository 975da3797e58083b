"""What the daemon says to the house, and what the house may ask of it."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING

from edged.config import HomeAssistantSettings
from edged.core.types import BrokerHealth
from edged.publish import payloads, reasons
from edged.publish.client import MqttClient
from edged.publish.homeassistant import Discovery
from edged.publish.inbox import CommandInbox
from edged.publish.outbox import PLAIN, Extras, Outbox
from edged.publish.store import EventStore
from edged.publish.topics import Topics
from edged.publish.wakeup import Wakeup

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from edged.config.commands import Command
    from edged.config.settings import MqttSettings
    from edged.core.retry import Backoff
    from edged.core.types import Event, Health, TrackedFrame
    from edged.publish.homeassistant import Installation
    from edged.publish.payloads import CameraFacts
    from edged.publish.session import Message

STATE_EVERY_S = 1.0
STOP_TIMEOUT_S = 1.5
RENEWED = Extras(expires_s=24 * 3600)  # said anew every hour: what is this old is of a box that is gone
MOMENTARY = Extras(expires_s=60)  # of no use to who comes later


class Publisher:
    """Puts facts on their topics; any thread may call it and none has to wait, but for ``stop``.

    ``on_command`` is called in the network thread, a bounded number of times a second.
    """

    def __init__(
        self,
        settings: MqttSettings,
        *,
        base_topic: str,
        client_id: str,
        on_command: Callable[[Command], None],
        box_id: str = "edged",
        home_assistant: HomeAssistantSettings | None = None,
        events_file: Path | None = None,
        backoff: Backoff | None = None,
    ) -> None:
        self._settings = settings
        self._topics = Topics(base_topic)
        wakeup = Wakeup()
        self._outbox = Outbox(EventStore(settings.events_kept, events_file), wakeup.set)
        self._inbox = CommandInbox(self._topics, on_command, self._answer)
        self._lock = threading.Lock()
        self._cameras: frozenset[str] | None = None  # not told yet
        self._showing: set[str] = set()
        self._discovery = Discovery(
            home_assistant or HomeAssistantSettings(enabled=False),
            box_id,
            self._topics,
            self._outbox.retained,
        )
        handlers = dict.fromkeys(self._topics.commands, self._inbox.receive)
        handlers |= self._discovery.handlers
        handlers[self._topics.every_state] = self._forget_if_gone
        handlers[self._topics.status] = self._correct_status
        self._client = MqttClient(
            settings,
            client_id,
            self._outbox,
            wakeup,
            will_topic=self._topics.status,
            handlers=handlers,
            say_goodbye=self._say_goodbye,
            greet=self._discovery.connected,
            on_turn=self._discovery.tick,
            backoff=backoff,
        )
        self._outbox.retained.put(self._topics.status, payloads.ONLINE)

    def start(self) -> None:
        """Begin to connect; what is published before there is a connection waits for it."""
        self._client.start()

    def stop(self, timeout_s: float = STOP_TIMEOUT_S) -> None:
        """Say that we leave and end, within ``timeout_s`` whatever the broker does."""
        self._client.stop(timeout_s)
        self._outbox.events.close()

    def set_cameras(self, camera_ids: Iterable[str]) -> None:
        """Name the cameras there are; the broker is made to forget all others of this box."""
        wanted = frozenset(camera_ids)
        with self._lock:
            before, self._cameras = self._cameras or frozenset(), wanted
            self._showing &= wanted
        self._inbox.cameras = wanted
        for camera_id in sorted(wanted - before):
            self.camera_status(camera_id, online=False)
        for camera_id in before - wanted:
            self._forget(camera_id)

    def set_installation(self, there: Installation) -> None:
        """Say what Home Assistant is to find."""
        self._discovery.set_installation(there)

    def tracks(self, tracked: TrackedFrame) -> None:
        """Publish the tracks of a frame: while there are any, and once when the last one has left."""
        camera_id = tracked.camera_id
        with self._lock:
            if not tracked.tracks and camera_id not in self._showing:
                return
        is_taken = self._outbox.live.put(self._topics.tracks(camera_id), payloads.tracks(tracked))
        with self._lock:
            if tracked.tracks:
                self._showing.add(camera_id)
            elif is_taken:
                self._showing.discard(camera_id)

    def event(self, happened: Event) -> None:
        """Publish an event, now or when there is a broker again."""
        self._outbox.events.put(self._topics.events(happened.camera_id), payloads.event(happened))

    def camera_status(self, camera_id: str, *, online: bool) -> None:
        """Say whether frames arrive."""
        self._keep_of(camera_id, self._topics.camera_status(camera_id), payloads.status(online=online))

    def camera_state(self, facts: CameraFacts) -> None:
        """Publish counts and settings when they have changed, at most once a second, the last for sure."""
        self._keep_of(
            facts.camera_id,
            self._topics.state(facts.camera_id),
            payloads.camera_state(facts),
            at_most_every_s=STATE_EVERY_S,
        )

    def snapshot(self, camera_id: str, jpeg: bytes) -> None:
        """Publish the newest picture; one that the broker had no time for is replaced by the next."""
        self._keep_of(camera_id, self._topics.snapshot(camera_id), jpeg, qos=0, extras=RENEWED)

    def event_snapshot(self, camera_id: str, event_id: str, jpeg: bytes) -> None:
        """Publish the picture of an event, to whoever listens now."""
        self._outbox.live.put(self._topics.event_snapshot(camera_id, event_id), jpeg, MOMENTARY)

    def health(self, known: Health) -> None:
        """Publish how the box does."""
        self._outbox.retained.put(self._topics.health, payloads.health(known))

    def broker_health(self) -> BrokerHealth:
        """Say how the connection does."""
        link = self._client.link
        return BrokerHealth(
            connected=link.is_up,
            reason=link.reason,
            address=reasons.address(self._settings),
            protocol=link.protocol.value if link.protocol else None,
            events_waiting=self._outbox.events.waiting,
            events_dropped=self._outbox.events.dropped,
            tracks_dropped=self._outbox.live.dropped,
            commands_refused=self._inbox.refused,
            home_assistant=self._discovery.state,
        )

    def _keep_of(
        self,
        camera_id: str,
        topic: str,
        payload: bytes,
        *,
        qos: int = 1,
        at_most_every_s: float = 0.0,
        extras: Extras = PLAIN,
    ) -> None:
        """Retain a fact of a camera, unless the camera is gone: a late word must not bring it back."""
        with self._lock:
            if self._cameras is None or camera_id in self._cameras:
                self._outbox.retained.put(
                    topic, payload, qos=qos, at_most_every_s=at_most_every_s, extras=extras
                )

    def _forget(self, camera_id: str) -> None:
        for topic in self._topics.retained(camera_id):
            self._outbox.retained.remove(topic)

    def _forget_if_gone(self, message: Message) -> None:
        """Clear what an earlier life of this box left on the broker, of a camera that it no longer has."""
        if not message.is_old or not message.payload or self._cameras is None:
            return
        camera_id = message.topic.removeprefix(f"{self._topics.base}/").removesuffix("/state")
        try:
            is_ours = json.loads(message.payload)["camera_id"] == camera_id
        except (ValueError, TypeError, KeyError):
            return
        if is_ours and camera_id not in self._cameras:
            self._forget(camera_id)

    def _correct_status(self, message: Message) -> None:
        """Contradict the last will of an earlier connection that the broker buries only now."""
        self._outbox.retained.heard(message.topic, message.payload)
        if message.payload == payloads.ONLINE and not message.is_old:
            # Our own word has come back, so whatever the broker had retained came before it.
            self._discovery.listened()

    def _answer(self, message: Message, refusal: str | None) -> None:
        """Tell whoever wants to know what became of a command; never on a topic of ours."""
        if self._topics.may_be_answered_on(message.answer_topic):
            payload = payloads.answer(message.topic, refusal)
            extras = Extras(MOMENTARY.expires_s, message.correlation)
            self._outbox.live.put(message.answer_topic, payload, extras)

    def _say_goodbye(self) -> None:
        for camera_id in sorted(self._cameras or ()):
            self.camera_status(camera_id, online=False)
        self._outbox.retained.put(self._topics.status, payloads.OFFLINE)
