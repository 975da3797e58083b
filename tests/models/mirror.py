"""A web server that can be as bad as real ones are."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self


@dataclass
class Mirror:
    """Serves ``data`` at /model.onnx, and /elsewhere by a redirect; its fields may change while it runs."""

    data: bytes
    etag: str | None = '"one"'
    modified: str | None = None
    knows_ranges: bool = True
    says_length: bool = True
    cuts: list[int] = field(default_factory=list)  # bytes of each answer, until there are none left
    statuses: list[int] = field(default_factory=list)  # of each answer, until there are none left
    surplus: bytes = b""  # sent after the rest of a file
    skips: int = 0  # bytes left out between what was asked for and what is sent
    is_hanging: bool = False
    asked: list[tuple[str | None, str | None]] = field(default_factory=list)  # Range, If-Range

    def __enter__(self) -> Self:
        self.ended = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (_Handler,), {"mirror": self}))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.ended.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def url(self) -> str:
        return f"{self.address}/model.onnx"


class _Handler(BaseHTTPRequestHandler):
    mirror: Mirror
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.close_connection = True
        if self.path == "/elsewhere":
            self._answer(302, 0, Location="/model.onnx")
            return
        if self.path == "/round":
            self._answer(302, 0, Location="/round")
            return
        mirror = self.mirror
        mirror.asked.append((self.headers["Range"], self.headers["If-Range"]))
        status = mirror.statuses.pop(0) if mirror.statuses else 200
        if status != 200:
            self._answer(status, 0)
            return
        if mirror.is_hanging:
            mirror.ended.wait()
            return
        self._send()

    def _send(self) -> None:
        mirror = self.mirror
        begin = self._begin()
        begin += mirror.skips if begin else 0
        body = mirror.data[begin:]
        facts = {"ETag": mirror.etag, "Last-Modified": mirror.modified}
        if begin:
            body += mirror.surplus
            facts["Content-Range"] = f"bytes {begin}-{len(mirror.data) - 1}/{len(mirror.data)}"
        length = len(body) if mirror.says_length else None
        self._answer(206 if begin else 200, length, **facts)
        self.wfile.write(body[: mirror.cuts.pop(0)] if mirror.cuts else body)

    def _begin(self) -> int:
        wanted, condition = self.headers["Range"], self.headers["If-Range"]
        is_same = condition in {None, self.mirror.etag, self.mirror.modified}
        if wanted is None or not is_same or not self.mirror.knows_ranges:
            return 0
        return int(wanted.removeprefix("bytes=").removesuffix("-"))

    def _answer(self, status: int, length: int | None, **facts: str | None) -> None:
        self.send_response(status)
        if length is not None:
            self.send_header("Content-Length", str(length))
        for name, value in facts.items():
            if value is not None:
                self.send_header(name.replace("_", "-"), value)
        self.send_header("Connection", "close")
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - its name there
        """Say nothing."""
