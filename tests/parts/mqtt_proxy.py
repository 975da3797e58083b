"""Stands between a client and a broker, packet by packet, and behaves as badly as a test wants."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

CONNECT = 0x10
SUBACK = 0x90
REFUSED_VERSION = b"\x20\x02\x00\x01"
TIMEOUT_S = 20.0


class HangUpError(Exception):
    """Raised by a rule to end the connection; ``last_words`` still go to the client."""

    def __init__(self, last_words: bytes = b"") -> None:
        super().__init__()
        self.last_words = last_words


def as_it_is(packet: bytes) -> bytes:
    """Rule that lets everything be."""
    return packet


def slowly(packet: bytes) -> bytes:
    """Rule for the client's packets: take two hundred a second and no more."""
    time.sleep(0.005)
    return packet


def speaks_only_3(packet: bytes) -> bytes:
    """Rule for the client's packets: refuse MQTT 5 as an old broker does."""
    if packet[0] & 0xF0 == CONNECT and b"\x00\x04MQTT\x05" in packet[:12]:
        raise HangUpError(REFUSED_VERSION)
    return packet


def hangs_up_on_5(packet: bytes) -> bytes:
    """Rule for the client's packets: end the connection on MQTT 5 without any answer."""
    if packet[0] & 0xF0 == CONNECT and b"\x00\x04MQTT\x05" in packet[:12]:
        raise HangUpError
    return packet


def denies_subscriptions(packet: bytes) -> bytes:
    """Rule for the broker's packets: say 'not authorised' to every subscription."""
    return packet[:-1] + b"\x87" if packet[0] & 0xF0 == SUBACK else packet


def gives_the_session_away(packet: bytes) -> bytes:
    """Rule for the broker's packets: say 'session taken over' where it would grant a subscription."""
    return b"\xe0\x02\x8e\x00" if packet[0] & 0xF0 == SUBACK else packet


def says_why_it_hangs_up(packet: bytes) -> bytes:
    """Rule for the broker's packets: 'quota exceeded' and more words instead of granting a subscription."""
    reason = b"too\nmuch for me"
    properties = b"\x1f" + len(reason).to_bytes(2, "big") + reason
    body = b"\x97" + bytes([len(properties)]) + properties
    return b"\xe0" + bytes([len(body)]) + body if packet[0] & 0xF0 == SUBACK else packet


class MqttProxy:
    """Listens on ``port`` and passes packets on to ``upstream_port`` through its two rules."""

    def __init__(
        self,
        upstream_port: int,
        *,
        from_client: Callable[[bytes], bytes] = as_it_is,
        from_broker: Callable[[bytes], bytes] = as_it_is,
    ) -> None:
        self._upstream_port = upstream_port
        self._from_client = from_client
        self._from_broker = from_broker
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._listener: socket.socket | None = None
        self.connections = 0
        self.port = 0
        self.mend()

    def mend(self) -> None:
        """Listen, on the same port as before."""
        listener = socket.create_server(("127.0.0.1", self.port))
        self.port = listener.getsockname()[1]
        self._listener = listener
        self._spawn(self._accept, listener)

    def cut(self) -> None:
        """Stop listening and end every connection."""
        with self._lock:
            open_sockets, self._sockets = self._sockets, []
            listener, self._listener = self._listener, None
        for sock in [listener, *open_sockets] if listener else open_sockets:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()

    def close(self) -> None:
        self.cut()
        for thread in self._threads:
            thread.join(TIMEOUT_S)

    def _spawn(self, work: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            self.connections += 1
            try:
                broker = socket.create_connection(("127.0.0.1", self._upstream_port), TIMEOUT_S)
            except OSError:
                client.close()
                continue
            broker.settimeout(None)
            with self._lock:
                self._sockets += [client, broker]
            self._spawn(self._pass_on, client, broker, self._from_client)
            self._spawn(self._pass_on, broker, client, self._from_broker)

    def _pass_on(self, source: socket.socket, sink: socket.socket, rule: Callable[[bytes], bytes]) -> None:
        with contextlib.suppress(OSError, EOFError), source.makefile("rb") as stream:
            while True:
                try:
                    sink.sendall(rule(_read_packet(stream.read)))
                except HangUpError as end:
                    source.sendall(end.last_words)
                    break
        for sock in (source, sink):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()


def _read_packet(read: Callable[[int], bytes]) -> bytes:
    header = _exactly(read, 1)
    length, shift = 0, 0
    while True:
        digit = _exactly(read, 1)
        header += digit
        length |= (digit[0] & 0x7F) << shift
        shift += 7
        if not digit[0] & 0x80:
            return header + _exactly(read, length)


def _exactly(read: Callable[[int], bytes], count: int) -> bytes:
    data = read(count)
    if len(data) < count:
        raise EOFError
    return data
