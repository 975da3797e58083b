"""Trying a broker out, once, for somebody who waits for the answer."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from edged.core.errors import BrokerError
from edged.publish.session import EndKind, Protocol, Session
from edged.publish.wakeup import Wakeup

if TYPE_CHECKING:
    from edged.config.settings import MqttSettings


def probe_broker(settings: MqttSettings) -> Protocol:
    """Connect, leave, and say what the broker speaks; raises BrokerError with what is in the way.

    It uses a client id of its own, so that a daemon that runs beside it is not thrown out.
    """
    client_id = f"edged-probe-{secrets.token_hex(4)}"
    reason = ""
    for protocol in Protocol:
        session = Session(settings, client_id, protocol, will_topic=None, handlers={})
        session.open()
        wakeup = Wakeup()
        try:
            while not session.is_accepted and session.end is None:
                session.serve(wakeup, 1.0)
        finally:
            session.close(politely=session.is_accepted)
            wakeup.close()
        if session.is_accepted:
            return protocol
        if session.end is not None:
            reason = session.end.reason
            if session.end.kind not in (EndKind.WRONG_PROTOCOL, EndKind.UNANSWERED):
                break
    raise BrokerError(reason)
