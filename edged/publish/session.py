"""One connection to the broker from CONNECT to its end; everything here happens in one thread."""

from __future__ import annotations

import logging
import select
import socket
import ssl
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from edged.core.clock import SYSTEM_CLOCK
from edged.core.errors import BrokerError
from edged.publish import reasons
from edged.publish.outbox import PLAIN, Extras
from edged.publish.payloads import OFFLINE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from paho.mqtt.client import ConnectFlags, DisconnectFlags, MQTTMessage, MQTTMessageInfo
    from paho.mqtt.reasoncodes import ReasonCode

    from edged.config.settings import MqttSettings
    from edged.publish.wakeup import Wakeup

CONNECT_TIMEOUT_S = 5.0
ANSWER_TIMEOUT_S = 10.0
UNCONFIRMED_MAX = 16
READS_PER_TURN = 100
LONGEST_INCOMING_BYTES = 64 * 1024
HEADERS_BYTES = 32  # at most, of one message and its properties
LONGEST_SLEEP_S = 1.0

log = logging.getLogger(__name__)


class Protocol(Enum):
    """The versions that we speak."""

    MQTT_5 = "MQTT 5"
    MQTT_3 = "MQTT 3.1.1"


class EndKind(Enum):
    """How a connection ended, as far as it decides what to do next."""

    WRONG_PROTOCOL = "wrong protocol"  # the broker says that it does not speak this version
    UNANSWERED = "unanswered"  # closed or garbled before an answer: perhaps it does not
    FAILED = "failed"  # in any other way: try again later


@dataclass(frozen=True, slots=True)
class End:
    """How and why a connection ended."""

    kind: EndKind
    reason: str


@dataclass(frozen=True, slots=True)
class Message:
    """What came in; ``is_old`` if the broker had kept it for whoever asks."""

    topic: str
    payload: bytes = field(repr=False)
    is_old: bool
    answer_topic: str | None = None  # where an answer is wanted
    correlation: bytes | None = None  # and what it is to carry along


class _Refused:
    """Receipt of a message that never went out."""

    is_done = True

    def __init__(self, refusal: str) -> None:
        self.refusal: str | None = refusal


class _Sent:
    """Receipt of a message on its way."""

    def __init__(self, info: MQTTMessageInfo) -> None:
        self._info = info
        self.refusal: str | None = None

    @property
    def is_done(self) -> bool:
        return self._info.rc == MQTTErrorCode.MQTT_ERR_SUCCESS and self._info.is_published()


class _TlsSocket(ssl.SSLSocket):
    """Closes itself when the handshake fails, which the MQTT library leaves to chance."""

    def do_handshake(self, block: bool = False) -> None:  # noqa: FBT001, FBT002 - the signature is not ours
        """Shake hands or be closed."""
        try:
            super().do_handshake(block)
        except OSError:
            self.close()
            raise


class Session:
    """A connection, tried once; when it has ended, ``end`` says why and another is made."""

    def __init__(
        self,
        settings: MqttSettings,
        client_id: str,
        protocol: Protocol,
        *,
        will_topic: str | None,
        handlers: Mapping[str, Callable[[Message], None]],
    ) -> None:
        self._settings = settings
        self._client_id = client_id
        self._protocol = protocol
        self._handlers = handlers
        self._unconfirmed: dict[int, _Sent] = {}
        self._unconfirmed_max = UNCONFIRMED_MAX
        self._largest_packet_bytes: int | None = None
        self._subscribing: dict[int, str] = {}
        self._answer_due_s = 0.0
        self.is_accepted = False
        self.end: End | None = None
        self._client = self._build_client(will_topic)

    def open(self) -> None:
        """Resolve, connect, shake hands and say CONNECT; takes its time, raises BrokerError."""
        try:
            if self._settings.tls:
                self._client.tls_set_context(_tls_context(self._settings))
            self._client.connect(
                self._settings.host,
                self._settings.port_in_use,
                self._settings.keepalive_s,
                **self._connect_options(),
            )
            sock = self._client.socket()
            if isinstance(sock, socket.socket):
                # An event behind QoS-0 tracks would wait 40 ms for a delayed acknowledgement.
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except (OSError, ValueError) as error:
            self.close(politely=False)
            raise BrokerError(reasons.why_unreachable(error, self._settings)) from None
        self._answer_due_s = SYSTEM_CLOCK.monotonic_s() + ANSWER_TIMEOUT_S

    def subscribe(self) -> None:
        """Ask for everything there is a handler for."""
        for topic_filter in self._handlers:
            _, mid = self._client.subscribe(topic_filter, qos=1)
            if mid is not None:
                self._subscribing[mid] = topic_filter

    def send(
        self, topic: str, payload: bytes, *, qos: int, retain: bool, extras: Extras = PLAIN
    ) -> _Sent | _Refused | None:
        """Hand a message over; None if too many wait for the broker's confirmation already."""
        size_bytes = len(payload) + len(topic.encode()) + len(extras.correlation or b"") + HEADERS_BYTES
        if self._largest_packet_bytes is not None and size_bytes > self._largest_packet_bytes:
            return _Refused(f"{size_bytes} bytes are more than its limit of {self._largest_packet_bytes}")
        if qos > 0 and not self._has_room():
            return None
        properties = self._properties(extras)
        info = self._client.publish(topic, payload, qos=qos, retain=retain, properties=properties)
        receipt = _Sent(info)
        if qos > 0:
            if info.rc == MQTTErrorCode.MQTT_ERR_QUEUE_SIZE:
                return None
            self._unconfirmed[info.mid] = receipt
        return receipt

    def serve(self, wakeup: Wakeup, timeout_s: float) -> None:
        """Read and write what there is; returns after that, on wake-up, or after ``timeout_s``."""
        sock = self._client.socket()
        if sock is not None and self.end is None:
            poller = select.poll()
            poller.register(wakeup.fileno(), select.POLLIN)
            wanted = select.POLLIN | (select.POLLOUT if self._client.want_write() else 0)
            poller.register(sock.fileno(), wanted)
            ready = dict(poller.poll(min(timeout_s, LONGEST_SLEEP_S) * 1000))
            wakeup.clear()
            seen = ready.get(sock.fileno(), 0)
            if seen & ~select.POLLOUT:
                self._read()
            if seen & select.POLLOUT:
                self._client.loop_write()
            self._client.loop_misc()
        self._check_end()

    def close(self, *, politely: bool) -> None:
        """End the connection; politely means that the broker keeps our last will to itself."""
        if politely and self._client.socket() is not None:
            self._client.disconnect()
        sock = self._client.socket()
        if sock is not None:
            sock.close()

    def _build_client(self, will_topic: str | None) -> Client:
        is_5 = self._protocol is Protocol.MQTT_5
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._client_id,
            clean_session=None if is_5 else True,
            protocol=MQTTProtocolVersion.MQTTv5 if is_5 else MQTTProtocolVersion.MQTTv311,
            reconnect_on_failure=False,
        )
        client.connect_timeout = CONNECT_TIMEOUT_S
        if self._settings.username is not None:
            secret = self._settings.password
            client.username_pw_set(self._settings.username, secret.get_secret_value() if secret else None)
        if will_topic is not None:
            client.will_set(will_topic, OFFLINE, qos=1, retain=True)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish
        client.on_subscribe = self._on_subscribe
        for topic_filter, handler in self._handlers.items():
            client.message_callback_add(topic_filter, _unpacked(handler))
        return client

    def _properties(self, extras: Extras) -> Properties | None:
        if extras == PLAIN or self._protocol is not Protocol.MQTT_5:
            return None
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        if extras.expires_s is not None:
            properties.MessageExpiryInterval = extras.expires_s
        if extras.correlation is not None:
            properties.CorrelationData = extras.correlation
        return properties

    def _connect_options(self) -> dict[str, Any]:
        if self._protocol is not Protocol.MQTT_5:
            return {}
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = 0
        properties.MaximumPacketSize = LONGEST_INCOMING_BYTES
        return {"clean_start": True, "properties": properties}

    def _has_room(self) -> bool:
        self._unconfirmed = {mid: sent for mid, sent in self._unconfirmed.items() if not sent.is_done}
        return len(self._unconfirmed) < self._unconfirmed_max

    def _read(self) -> None:
        """Read packets while there are any, but not for so long that nothing is sent."""
        for _ in range(READS_PER_TURN):
            self._client.loop_read()
            sock = self._client.socket()
            if not isinstance(sock, socket.socket) or not _has_more(sock):
                return

    def _check_end(self) -> None:
        if self._client.socket() is None:
            self._finish(EndKind.FAILED if self.is_accepted else EndKind.UNANSWERED, reasons.CLOSED)
        elif not self.is_accepted and SYSTEM_CLOCK.monotonic_s() > self._answer_due_s:
            self._finish(EndKind.UNANSWERED, reasons.MUTE)

    def _finish(self, kind: EndKind, reason: str) -> None:
        """Keep the first word on it: what follows is only its consequence."""
        self.end = self.end or End(kind, reason)

    def _on_connect(
        self,
        _client: Client,
        _userdata: object,
        _flags: ConnectFlags,
        code: ReasonCode,
        granted: Properties | None,
    ) -> None:
        if code.getName() == "Unsupported protocol version":
            self._finish(EndKind.WRONG_PROTOCOL, f"the broker does not speak {self._protocol.value}")
        elif code.is_failure:
            why = reasons.why_refused(code, self._settings, self._client_id)
            self._finish(EndKind.FAILED, why + reasons.said(granted))
        else:
            self.is_accepted = True
            limit = getattr(granted, "ReceiveMaximum", UNCONFIRMED_MAX)
            self._unconfirmed_max = min(UNCONFIRMED_MAX, limit)
            self._largest_packet_bytes = getattr(granted, "MaximumPacketSize", None)

    def _on_disconnect(
        self,
        _client: Client,
        _userdata: object,
        flags: DisconnectFlags,
        code: ReasonCode,
        properties: Properties | None,
    ) -> None:
        by_packet = flags.is_disconnect_packet_from_server
        if self.is_accepted:
            why = reasons.why_ended(code, self._client_id, by_packet=by_packet)
            self._finish(EndKind.FAILED, why + reasons.said(properties))
        else:
            self._finish(EndKind.UNANSWERED, reasons.why_unanswered(self._settings))

    def _on_publish(
        self, _client: Client, _userdata: object, mid: int, code: ReasonCode, properties: Properties | None
    ) -> None:
        # QoS 0 comes by here too, under numbers that may be in use for QoS 1, but never as a failure.
        if code.is_failure and mid in self._unconfirmed:
            self._unconfirmed[mid].refusal = reasons.plain(code) + reasons.said(properties)

    def _on_subscribe(
        self,
        _client: Client,
        _userdata: object,
        mid: int,
        codes: list[ReasonCode],
        properties: Properties | None,
    ) -> None:
        topic_filter = self._subscribing.pop(mid, "?")
        for code in codes:
            if code.is_failure:
                log.warning(
                    "the broker does not let us subscribe to %s: %s; what is sent there will not arrive",
                    topic_filter,
                    reasons.plain(code) + reasons.said(properties),
                )


def _has_more(sock: socket.socket) -> bool:
    """Whether a read would bring something; poll knows nothing of what TLS has decrypted."""
    if isinstance(sock, ssl.SSLSocket) and sock.pending():
        return True
    poller = select.poll()
    poller.register(sock.fileno(), select.POLLIN)
    return bool(poller.poll(0))


def _unpacked(handler: Callable[[Message], None]) -> Callable[[Client, object, MQTTMessage], None]:
    def deliver(_client: Client, _userdata: object, message: MQTTMessage) -> None:
        asked = message.properties
        handler(
            Message(
                message.topic,
                bytes(message.payload),
                is_old=message.retain,
                answer_topic=getattr(asked, "ResponseTopic", None),
                correlation=getattr(asked, "CorrelationData", None),
            )
        )

    return deliver


def _tls_context(settings: MqttSettings) -> ssl.SSLContext:
    """Read the certificates anew for each connection, for they are renewed while we run."""
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
    except OSError as error:
        msg = f"mqtt.ca_file {settings.ca_file} cannot be used: {_detail(error)}"
        raise BrokerError(msg) from None
    context.sslsocket_class = _TlsSocket
    if settings.cert_file is not None:
        try:
            # Without a password OpenSSL would ask for one on the terminal.
            context.load_cert_chain(settings.cert_file, settings.key_file, password="")
        except OSError as error:
            pair = f"mqtt.cert_file {settings.cert_file} with mqtt.key_file {settings.key_file}"
            msg = f"{pair} cannot be used: {_detail(error)}"
            raise BrokerError(msg) from None
    return context


def _detail(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        return "no PEM file, or one that does not fit"
    return (error.strerror or str(error)).lower()
