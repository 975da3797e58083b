"""Tries a broker once, without disturbing the daemon that may be connected to it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from edged.core.errors import BrokerError
from edged.publish.session import EndKind, Protocol, Session
from edged.publish.wakeup import Wakeup

if TYPE_CHECKING:
    from edged.config import MqttSettings


def probe_broker(settings: MqttSettings, client_id: str) -> Protocol:
    """Connect and leave again; returns the protocol agreed on, raises BrokerError with the reason."""
    with contextlib.closing(Wakeup()) as wakeup:
        for protocol in (Protocol.MQTT_5, Protocol.MQTT_3):
            session = Session(
                settings, f"{client_id}-check", protocol, will_topic=f"{client_id}/check", handlers={}
            )
            session.open()
            while not session.is_accepted and session.end is None:
                session.serve(wakeup, 1.0)
            session.close(politely=True)
            if session.is_accepted:
                return protocol
            if session.end and session.end.kind not in {EndKind.WRONG_PROTOCOL, EndKind.UNANSWERED}:
                break
    raise BrokerError(session.end.reason if session.end else "no answer")
