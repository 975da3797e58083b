"""Somebody at the other end of the broker, who writes down everything."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

if TYPE_CHECKING:
    from collections.abc import Callable

    from paho.mqtt.client import MQTTMessage


@dataclass(frozen=True)
class Received:
    topic: str
    payload: bytes
    qos: int
    retain: bool
    expires_s: int | None = None
    correlation: bytes | None = None

    @property
    def json(self) -> Any:
        return json.loads(self.payload)


class Subscriber:
    """Subscribes to ``topic_filter`` and records what comes, until closed."""

    def __init__(
        self, port: int, topic_filter: str = "#", *, user: str | None = None, password: str = ""
    ) -> None:
        self._changed = threading.Condition()
        self._received: list[Received] = []
        self._is_subscribed = False
        self._client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
        if user is not None:
            self._client.username_pw_set(user, password)
        self._client.on_message = self._on_message
        self._client.on_connect = lambda client, *_: client.subscribe(topic_filter, qos=1)
        self._client.on_subscribe = self._on_subscribe
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        with self._changed:
            if not self._changed.wait_for(lambda: self._is_subscribed, 5):
                pytest.fail("the subscriber of the test gets no answer from the broker")

    def publish(
        self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False, **properties: Any
    ) -> None:
        """Send a message, with ``properties`` of MQTT 5, and wait until the broker has it."""
        more = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        for name, value in properties.items():
            setattr(more, name, value)
        self._client.publish(topic, payload, qos=qos, retain=retain, properties=more).wait_for_publish(10)

    def all_of(self, topic: str) -> list[Received]:
        """Everything that came on ``topic`` so far."""
        with self._changed:
            return [message for message in self._received if message.topic == topic]

    def everything(self) -> list[Received]:
        """Everything that came so far."""
        with self._changed:
            return list(self._received)

    def payloads(self, topic: str) -> list[bytes]:
        """What came on ``topic`` so far."""
        return [message.payload for message in self.all_of(topic)]

    def wait_for(self, condition: Callable[[], object], deadline_s: float = 5.0) -> None:
        """Return as soon as what has come fulfils ``condition``."""
        with self._changed:
            if not self._changed.wait_for(condition, deadline_s):
                pytest.fail(f"did not come within {deadline_s} s; came last: {self._received[-10:]}")

    def wait_payload(self, topic: str, payload: bytes, deadline_s: float = 5.0) -> None:
        """Wait until ``payload`` is the last that came on ``topic``."""
        self.wait_for(lambda: self.payloads(topic)[-1:] == [payload], deadline_s)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _on_message(self, _client: Client, _userdata: object, message: MQTTMessage) -> None:
        with self._changed:
            self._received.append(
                Received(
                    message.topic,
                    bytes(message.payload),
                    message.qos,
                    message.retain,
                    getattr(message.properties, "MessageExpiryInterval", None),
                    getattr(message.properties, "CorrelationData", None),
                )
            )
            self._changed.notify_all()

    def _on_subscribe(self, *_: object) -> None:
        with self._changed:
            self._is_subscribed = True
            self._changed.notify_all()
