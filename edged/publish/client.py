"""The thread that talks to the broker: connects, keeps connected, carries the outbox away.

It alone touches the MQTT library, so a name server, a handshake or a frozen broker holds up nobody else.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edged.core.clock import SYSTEM_CLOCK
from edged.core.errors import BrokerError
from edged.core.retry import Backoff
from edged.publish import reasons
from edged.publish.session import End, EndKind, Message, Protocol, Session

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from edged.config.settings import MqttSettings
    from edged.publish.outbox import Outbox
    from edged.publish.wakeup import Wakeup

STEADY_AFTER_S = 60.0
KICKS_BEFORE_SUSPICION = 3
FAREWELL_SHARE = 0.4  # of the time to stop: for what waits; the rest is for saying that we leave

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Link:
    """How the connection stands."""

    is_up: bool
    reason: str
    protocol: Protocol | None = None


def _nothing() -> None:
    """What is done where nobody asks for more."""


class MqttClient:
    """Keeps a connection to one broker from ``start`` to ``stop``, for as long as it takes.

    ``handlers`` maps topic filters to what is called with their messages, in the network thread.
    ``say_goodbye`` is called there too on a clean stop: what it puts into the outbox still goes out.
    ``greet`` is called when a connection is made, before anything goes out, and ``on_turn`` at least every
    second while it lasts.
    """

    def __init__(
        self,
        settings: MqttSettings,
        client_id: str,
        outbox: Outbox,
        wakeup: Wakeup,
        *,
        will_topic: str,
        handlers: Mapping[str, Callable[[Message], None]],
        say_goodbye: Callable[[], None],
        greet: Callable[[], None] = _nothing,
        on_turn: Callable[[], None] = _nothing,
        backoff: Backoff | None = None,
    ) -> None:
        self._settings = settings
        self._client_id = client_id
        self._outbox = outbox
        self._wakeup = wakeup
        self._will_topic = will_topic
        self._handlers = handlers
        self._say_goodbye = say_goodbye
        self._greet = greet
        self._on_turn = on_turn
        self._backoff = backoff or Backoff()
        self._protocol = Protocol.MQTT_5
        self._kicks = 0
        self._said: str | None = None
        self._stop_at_s: tuple[float, float] | None = None
        self._link = Link(is_up=False, reason="not started")
        self._thread = threading.Thread(target=self._run, name="mqtt", daemon=True)

    @property
    def link(self) -> Link:
        """How the connection stands, and why."""
        return self._link

    def start(self) -> None:
        """Begin to connect; returns at once."""
        self._link = Link(is_up=False, reason="connecting")
        self._thread.start()

    def stop(self, timeout_s: float) -> None:
        """Deliver what can be, say goodbye, and end within ``timeout_s``, whatever the broker does."""
        now_s = SYSTEM_CLOCK.monotonic_s()
        self._stop_at_s = (now_s + timeout_s * FAREWELL_SHARE, now_s + timeout_s * 0.9)
        self._wakeup.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        else:
            self._wakeup.close()

    def _run(self) -> None:
        while self._stop_at_s is None:
            wait_s = self._connect_once()
            if wait_s > 0 and self._stop_at_s is None:
                self._wakeup_after(wait_s)
        self._link = Link(is_up=False, reason="stopped")
        self._wakeup.close()

    def _wakeup_after(self, wait_s: float) -> None:
        """Sleep; only a stop ends it early."""
        until_s = SYSTEM_CLOCK.monotonic_s() + wait_s
        while self._stop_at_s is None and (left_s := until_s - SYSTEM_CLOCK.monotonic_s()) > 0:
            self._wakeup.wait(left_s)

    def _connect_once(self) -> float:
        """Live through one connection; returns the seconds until the next should be tried."""
        began_s = SYSTEM_CLOCK.monotonic_s()
        try:
            end = self._attempt(self._protocol)
            if end.kind is EndKind.WRONG_PROTOCOL and self._protocol is Protocol.MQTT_5:
                log.info("%s; speaking %s with it from now on", end.reason, Protocol.MQTT_3.value)
                self._protocol = Protocol.MQTT_3
                return 0.0
            if end.kind is EndKind.UNANSWERED and self._protocol is Protocol.MQTT_5:
                # Some old brokers hang up on MQTT 5 without a word, but so does a broker that just stops.
                end = self._attempt(Protocol.MQTT_3)
        except Exception:  # the thread must outlive a fault in one connection
            log.exception("fault in the connection to the broker; it is made anew")
            end = End(EndKind.FAILED, "fault in the connection, see the log")
        lasted_s = SYSTEM_CLOCK.monotonic_s() - began_s
        self._note_end(end, lasted_s)
        return self._backoff.next_s()

    def _attempt(self, protocol: Protocol) -> End:
        session = Session(
            self._settings, self._client_id, protocol, will_topic=self._will_topic, handlers=self._handlers
        )
        try:
            session.open()
        except BrokerError as error:
            return End(EndKind.FAILED, str(error))
        politely = False
        try:
            while not session.is_accepted and session.end is None and self._stop_at_s is None:
                session.serve(self._wakeup, 1.0)
            if session.is_accepted:
                politely = self._converse(session, protocol)
        finally:
            session.close(politely=politely)
            self._outbox.connection_lost()
        return session.end or End(EndKind.FAILED, "stopped")

    def _converse(self, session: Session, protocol: Protocol) -> bool:
        """Carry messages until the connection ends; True if it was we who ended it and all is said."""
        session.subscribe()
        self._outbox.connection_opened()
        self._note_connected(protocol)  # only now: what is put in from here on goes out
        self._greet()
        while session.end is None and self._stop_at_s is None:
            self._on_turn()
            due_in_s = self._outbox.pump(session)
            session.serve(self._wakeup, 1.0 if due_in_s is None else due_in_s)
        if self._stop_at_s is None:
            return False
        goodbye_at_s, end_at_s = self._stop_at_s
        self._outbox.retained.hurry()
        self._drain(session, goodbye_at_s)
        self._say_goodbye()
        self._drain(session, end_at_s)
        return self._outbox.retained.is_idle

    def _drain(self, session: Session, until_s: float) -> None:
        while session.end is None:
            due_in_s = self._outbox.pump(session)
            left_s = until_s - SYSTEM_CLOCK.monotonic_s()
            if self._outbox.is_idle or left_s <= 0:
                return
            session.serve(self._wakeup, left_s if due_in_s is None else min(left_s, due_in_s))

    def _note_connected(self, protocol: Protocol) -> None:
        self._link = Link(is_up=True, reason="connected", protocol=protocol)
        log.info("connected to the broker %s (%s)", reasons.address(self._settings), protocol.value)

    def _note_end(self, end: End, lasted_s: float) -> None:
        """Say it once, however often it comes again before a connection has held for a while."""
        was_up, reason = self._link.is_up, end.reason
        if was_up and lasted_s >= STEADY_AFTER_S:
            self._backoff.reset()
            self._kicks = 0
            self._said = None
        if was_up and reason == reasons.CLOSED:
            self._kicks += 1
            if self._kicks >= KICKS_BEFORE_SUSPICION:
                reason = reasons.kicked_again_and_again(self._client_id)
        if self._stop_at_s is None and reason != self._said:
            log.warning("no broker: %s", reason)
            self._said = reason
        self._link = Link(is_up=False, reason=reason)
