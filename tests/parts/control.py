"""A control client for tests that are not async, and raw bytes for those that misbehave."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TIMEOUT_S = 15.0


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path, timeout_s: float = TIMEOUT_S) -> None:
        super().__init__("edged", timeout=timeout_s)
        self._path = path

    def connect(self) -> None:
        self.sock = dial(self._path, self.timeout or TIMEOUT_S)


def dial(path: Path, timeout_s: float = TIMEOUT_S) -> socket.socket:
    """A raw connection."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(timeout_s)
    connection.connect(str(path))
    return connection


def ask(
    path: Path, route: str, body: object = None, *, raw: bytes | None = None, content_type: str | None = None
) -> tuple[int, Any]:
    """GET a route, or POST where there is a body; returns the status and the JSON."""
    connection = UnixConnection(path)
    try:
        if body is None and raw is None:
            connection.request("GET", f"/api/v1{route}")
        else:
            content = raw if raw is not None else json.dumps(body).encode()
            headers = {"Content-Type": content_type or "application/json"}
            connection.request("POST", f"/api/v1{route}", content, headers)
        response = connection.getresponse()
        content = response.read()
        is_json = response.headers["Content-Type"].startswith("application/json")
        return response.status, json.loads(content) if is_json else content
    finally:
        connection.close()


@contextlib.contextmanager
def lines(path: Path, route: str) -> Iterator[Iterator[Any]]:
    """The lines of a stream as they come."""
    connection = UnixConnection(path)
    try:
        connection.request("GET", f"/api/v1{route}")
        response = connection.getresponse()
        assert response.status == 200
        yield (json.loads(line) for line in response)
    finally:
        connection.close()
