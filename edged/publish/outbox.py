"""What is owed to the broker: anybody puts it in, the network thread alone takes it out.

Three lanes, for three promises. Retained state: the newest value of each topic, again on every connection.
Events: each one, in order. Live tracks: now or never. All are bounded whatever the broker does.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from edged.core.clock import SYSTEM_CLOCK, Clock
from edged.core.mailbox import BoundedQueue

if TYPE_CHECKING:
    from collections.abc import Callable

    from edged.publish.store import EventStore, StoredEvent

LIVE_UNSENT_MAX = 20
LIVE_WAITING_MAX = 64

log = logging.getLogger(__name__)


class Receipt(Protocol):
    """What became of a message: QoS 0 is done when it is on its way, QoS 1 when the broker has it."""

    @property
    def is_done(self) -> bool:
        """Whether there is nothing more to wait for."""

    @property
    def refusal(self) -> str | None:
        """Why the broker does not want it."""


@dataclass(frozen=True, slots=True)
class Extras:
    """What a message carries along where MQTT 5 is spoken."""

    expires_s: int | None = None  # the broker delivers it no later, and forgets it then
    correlation: bytes | None = None  # what whoever asked knows its answer by


PLAIN = Extras()


class Wire(Protocol):
    """A connection that takes messages."""

    def send(
        self, topic: str, payload: bytes, *, qos: int, retain: bool, extras: Extras = PLAIN
    ) -> Receipt | None:
        """Hand a message over; None if the connection can take no more of its kind for now."""


@dataclass(frozen=True, slots=True)
class _Kept:
    payload: bytes = field(repr=False)
    qos: int
    at_most_every_s: float
    extras: Extras = PLAIN
    is_last_word: bool = False  # to be removed as soon as the broker has it


class RetainedLane:
    """What the broker is to know by heart: the newest payload of each topic, and nothing twice in a row."""

    def __init__(self, wake: Callable[[], None], clock: Clock = SYSTEM_CLOCK) -> None:
        self._wake = wake
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: dict[str, _Kept] = {}
        self._owed: dict[str, None] = {}  # an ordered set
        self._in_flight: dict[str, tuple[Receipt, _Kept]] = {}
        self._sent_at_s: dict[str, float] = {}
        self._refused: set[str] = set()
        self._resend_at_s: float | None = None

    def put(
        self,
        topic: str,
        payload: bytes,
        *,
        qos: int = 1,
        at_most_every_s: float = 0.0,
        extras: Extras = PLAIN,
    ) -> None:
        """Have ``payload`` retained on ``topic``, unless it is already."""
        self._put(topic, _Kept(payload, qos, at_most_every_s, extras))

    def remove(self, topic: str) -> None:
        """Have the broker forget ``topic``."""
        self.put(topic, b"")

    def put_and_remove(self, topic: str, payload: bytes) -> None:
        """Say ``payload`` on ``topic``, and have it forgotten once all that is put meanwhile is out."""
        self._put(topic, _Kept(payload, 1, 0.0, is_last_word=True))

    def resend_within(self, delay_s: float) -> None:
        """Owe everything again after ``delay_s`` at the latest."""
        with self._lock:
            at_s = self._clock.monotonic_s() + delay_s
            self._resend_at_s = min(at_s, self._resend_at_s or at_s)
        self._wake()

    def resend(self) -> None:
        """Owe everything again, in the order in which the topics were first put."""
        with self._lock:
            self._owed = dict.fromkeys(self._kept)
            self._sent_at_s.clear()
        self._wake()

    def heard(self, topic: str, payload: bytes) -> None:
        """Take note of what is said on ``topic``; what is wrong and not about to be mended is owed again."""
        with self._lock:
            kept = self._kept.get(topic)
            if kept is None or kept.payload == payload or topic in self._in_flight:
                return
            self._owed[topic] = None
        self._wake()

    def hurry(self) -> None:
        """Send what is owed without regard to how often its topic may change."""
        with self._lock:
            self._sent_at_s.clear()

    def connection_lost(self) -> None:
        """Owe everything again: the broker may come back with an empty memory."""
        self._in_flight.clear()
        self.resend()

    @property
    def is_idle(self) -> bool:
        """Whether the broker has confirmed the newest value of every topic."""
        return not self._owed and not self._in_flight

    def pump(self, wire: Wire) -> float | None:
        """Send what may be sent; returns the seconds until there may be more by itself."""
        self._collect_receipts()
        now_s = self._clock.monotonic_s()
        waits_s = [] if self._resend_at_s is None else [self._resend_at_s - now_s]
        if waits_s and waits_s[0] <= 0:
            waits_s, self._resend_at_s = [], None
            self.resend()
        for topic, kept, due_in_s in self._sendable(now_s):
            if due_in_s > 0:
                waits_s.append(due_in_s)
                continue
            receipt = wire.send(topic, kept.payload, qos=kept.qos, retain=True, extras=kept.extras)
            if receipt is None:
                break
            with self._lock:
                self._in_flight[topic] = (receipt, kept)
                self._sent_at_s[topic] = now_s
                if self._kept[topic] is kept:
                    self._owed.pop(topic, None)
        return min(waits_s, default=None)

    def _put(self, topic: str, kept: _Kept) -> None:
        with self._lock:
            if self._kept.get(topic) == kept:
                return
            self._kept[topic] = kept
            self._owed[topic] = None
        self._wake()

    def _sendable(self, now_s: float) -> list[tuple[str, _Kept, float]]:
        """List what is owed and not under way, with the seconds until its turn."""
        with self._lock:
            return [
                (
                    topic,
                    kept,
                    self._sent_at_s.get(topic, -kept.at_most_every_s) + kept.at_most_every_s - now_s,
                )
                for topic in self._owed
                if topic not in self._in_flight
                for kept in (self._kept[topic],)
            ]

    def _collect_receipts(self) -> None:
        with self._lock:
            for topic, (receipt, kept) in list(self._in_flight.items()):
                if not receipt.is_done:
                    continue
                del self._in_flight[topic]
                self._say_if_refused(topic, receipt.refusal)
                if kept.is_last_word and self._kept.get(topic) is kept:
                    self._kept[topic] = _Kept(b"", kept.qos, 0.0)
                    self._owed.pop(topic, None)
                    self._owed[topic] = None
                elif not kept.payload and self._kept.get(topic) is kept:
                    del self._kept[topic]
                    self._owed.pop(topic, None)
                    self._sent_at_s.pop(topic, None)

    def _say_if_refused(self, topic: str, refusal: str | None) -> None:
        if refusal is None:
            self._refused.discard(topic)
        elif topic not in self._refused:
            self._refused.add(topic)
            log.warning("the broker does not take %s: %s", topic, refusal)


class EventLane:
    """Each event once and in order: the next is sent when the broker has confirmed the one before.

    What was not confirmed when a connection ended is sent again on the next one, so an event can arrive
    twice if the broker took it and could not say so any more; it carries the same id then.
    """

    def __init__(self, store: EventStore, wake: Callable[[], None]) -> None:
        self._store = store
        self._wake = wake
        self._sending: StoredEvent | None = None
        self._receipt: Receipt | None = None
        self._refused = 0

    def put(self, topic: str, payload: bytes) -> None:
        """Queue an event; when the queue is full the oldest is lost and counted."""
        self._store.put(topic, payload)
        self._wake()

    @property
    def waiting(self) -> int:
        """How many the broker has not confirmed."""
        return len(self._store)

    @property
    def dropped(self) -> int:
        """How many were lost: to the bound, or refused by the broker."""
        return self._store.dropped + self._refused

    @property
    def is_idle(self) -> bool:
        """Whether the broker has confirmed all."""
        return self.waiting == 0

    def connection_lost(self) -> None:
        """Send the unconfirmed one again, first thing on the next connection."""
        self._sending = self._receipt = None

    def close(self) -> None:
        """Leave what the broker has not confirmed to the next life of this box."""
        self._store.close()

    def pump(self, wire: Wire) -> None:
        """Send the next event if the one before is confirmed."""
        while self._is_free():
            self._sending = self._sending or self._store.first()
            if self._sending is None:
                return
            topic, payload = self._sending.topic, self._sending.payload
            self._receipt = wire.send(topic, payload, qos=1, retain=False)
            if self._receipt is None:
                return

    def _is_free(self) -> bool:
        if self._receipt is None or self._sending is None:
            return True
        if not self._receipt.is_done:
            return False
        if self._receipt.refusal is not None:
            self._refused += 1
            if self._refused == 1:
                log.warning(
                    "the broker does not take events on %s: %s", self._sending.topic, self._receipt.refusal
                )
        self._store.remove(self._sending)
        self._sending = self._receipt = None
        return True


class LiveLane:
    """Tracks: worth sending now or not at all, and the first to go when the broker is slow."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._waiting = BoundedQueue[tuple[str, bytes, Extras]](LIVE_WAITING_MAX, wake)
        self._unsent: deque[Receipt] = deque()
        self._is_open = False
        self._missed = 0
        self._lock = threading.Lock()

    def put(self, topic: str, payload: bytes, extras: Extras = PLAIN) -> bool:
        """Send soon, or say False because there is no connection."""
        if not self._is_open:
            self._miss(1)
            return False
        self._waiting.put((topic, payload, extras))
        return True

    @property
    def dropped(self) -> int:
        """How many were never sent."""
        return self._waiting.dropped + self._missed

    def connection_opened(self) -> None:
        """Take messages from now on."""
        self._is_open = True

    def connection_lost(self) -> None:
        """Take none until the next connection; what waits is too old to be sent then."""
        self._is_open = False
        self._miss(len(self._waiting.take_all()) + len(self._unsent))
        self._unsent.clear()

    def pump(self, wire: Wire) -> None:
        """Send as much as the connection swallows."""
        while self._unsent and self._unsent[0].is_done:
            self._unsent.popleft()
        while len(self._unsent) < LIVE_UNSENT_MAX and (message := self._waiting.take()):
            topic, payload, extras = message
            receipt = wire.send(topic, payload, qos=0, retain=False, extras=extras)
            if receipt is None or receipt.refusal is not None:
                self._miss(1)
            elif not receipt.is_done:
                self._unsent.append(receipt)

    def _miss(self, count: int) -> None:
        with self._lock:  # both sides count
            self._missed += count


class Outbox:
    """The three lanes, in the order in which they are served."""

    def __init__(self, events: EventStore, wake: Callable[[], None], clock: Clock = SYSTEM_CLOCK) -> None:
        self.retained = RetainedLane(wake, clock)
        self.events = EventLane(events, wake)
        self.live = LiveLane(wake)

    @property
    def is_idle(self) -> bool:
        """Whether everything that must arrive has arrived."""
        return self.retained.is_idle and self.events.is_idle

    def connection_opened(self) -> None:
        """A broker listens."""
        self.live.connection_opened()

    def connection_lost(self) -> None:
        """Nobody listens; what was under way did not arrive."""
        self.live.connection_lost()
        self.events.connection_lost()
        self.retained.connection_lost()

    def pump(self, wire: Wire) -> float | None:
        """Send what may be sent; returns the seconds until there may be more by itself."""
        due_in_s = self.retained.pump(wire)
        self.events.pump(wire)
        self.live.pump(wire)
        return due_in_s
