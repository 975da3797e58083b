"""Clients that misbehave: clear answers, bounded memory, and cameras that notice nothing."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING

import psutil
import pytest

from tests.parts.control import ask, dial
from tests.parts.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.parts.daemon import EdgedProcess

CLIENTS = 200
MAX_GROWTH_BYTES = 40 * 1024 * 1024
WATCH = b"GET /api/v1/watch HTTP/1.1\r\nHost: edged\r\n\r\n"


@pytest.fixture(autouse=True)
def untouched(daemon: EdgedProcess) -> Iterator[None]:
    """Before and after: the rate of detection, the memory, and that it answers."""
    memory = psutil.Process(daemon.pid).memory_info()
    yield
    # Whoever was refused or hung up on has made room again.
    wait_for(lambda: _answers(daemon.socket), 10)
    wait_for(lambda: daemon.camera("street")["fps_detected"] > 0.8 * 5, 10, "detection at its rate")
    assert psutil.Process(daemon.pid).memory_info().rss - memory.rss < MAX_GROWTH_BYTES


def _answers(path: Path) -> bool:
    with contextlib.suppress(OSError, ValueError):
        return ask(path, "/version")[0] == 200
    return False


def test_two_hundred_clients_at_once(daemon: EdgedProcess) -> None:
    clients = [dial(daemon.socket) for _ in range(CLIENTS)]
    try:
        refused = 0
        for client in clients:
            with contextlib.suppress(OSError):
                client.sendall(WATCH)
        for client in clients:
            with contextlib.suppress(OSError):
                refused += b" 503 " in client.recv(1024).splitlines()[0]
        assert refused >= CLIENTS - 64
    finally:
        for client in clients:
            client.close()


def test_a_line_without_end(daemon: EdgedProcess) -> None:
    with dial(daemon.socket) as client:
        with contextlib.suppress(OSError):
            for _ in range(1000):
                client.sendall(b"x" * 65536)
        assert b" 400 " in _said(client)


def test_a_header_without_end(daemon: EdgedProcess) -> None:
    with dial(daemon.socket) as client:
        client.sendall(b"GET /api/v1/version HTTP/1.1\r\n")
        with contextlib.suppress(OSError):
            for _ in range(1000):
                client.sendall(b"a" * 65536)
        assert b" 400 " in _said(client)


def test_half_requests_are_hung_up_on(daemon: EdgedProcess) -> None:
    clients = [dial(daemon.socket, 30) for _ in range(10)]
    try:
        for client in clients:
            client.sendall(b"GET /api/v1/status HTTP/1.1\r\nHost: ")
        assert [client.recv(1) for client in clients] == [b""] * len(clients)
    finally:
        for client in clients:
            client.close()


def test_a_body_that_never_comes_is_not_waited_for(daemon: EdgedProcess) -> None:
    with dial(daemon.socket) as client:
        client.sendall(
            b"POST /api/v1/cameras/street/fps HTTP/1.1\r\nHost: edged\r\nContent-Type: application/json\r\n"
            b"Content-Length: 20\r\n\r\n{"
        )
        assert b" 400 " in client.recv(1024)


def test_readers_that_never_read_cost_nobody_anything(daemon: EdgedProcess) -> None:
    deaf = [dial(daemon.socket) for _ in range(20)]
    try:
        for client in deaf:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            for _ in range(50):
                client.sendall(b"GET /api/v1/config HTTP/1.1\r\nHost: edged\r\n\r\n")
        answers: list[tuple[int, object]] = []
        thread = threading.Thread(
            target=lambda: answers.extend(ask(daemon.socket, "/status") for _ in range(20))
        )
        thread.start()
        thread.join(20)
        assert [status for status, _ in answers] == [200] * 20
    finally:
        for client in deaf:
            client.close()


def test_garbage_is_refused(daemon: EdgedProcess) -> None:
    for garbage in (
        b"\x00\xff\xfe\r\n\r\n",
        b"GET\r\n\r\n",
        b"PUT /api/v1/status HTTP/1.1\r\nHost: x\r\n\r\n",
    ):
        with dial(daemon.socket) as client:
            client.sendall(garbage)
            assert client.recv(1024).split()[1] in {b"400", b"404", b"405"}


def _said(client: socket.socket) -> bytes:
    """What had come before it hung up, if anything was left to read."""
    with contextlib.suppress(OSError):
        return client.recv(1024)
    return b" 400 (hung up)"
