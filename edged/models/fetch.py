"""Bytes from a web address or a file of this machine into a partial file."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import url2pathname

import aiohttp

from edged import __version__
from edged.core.errors import PullError
from edged.core.redact import redact
from edged.core.retry import Backoff
from edged.models.partial import Origin

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edged.models.partial import PartialFile
    from edged.models.progress import Watcher

_CHUNK_BYTES = 64 * 1024
_CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+)")
_WORTH_ANOTHER_TRY = {408, 425, 429, 500, 502, 503, 504}
# Compressed on the way, offsets would count other bytes than the ones in our file.
_HEADERS = {"User-Agent": f"edged/{__version__}", "Accept-Encoding": "identity"}


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to bear with a server."""

    connect_s: float = 15.0
    read_s: float = 30.0
    tries: int = 4  # in a row that brought nothing
    first_wait_s: float = 1.0
    longest_wait_s: float = 10.0


class _CutError(Exception):
    """The transfer ended early; another try may bring the rest."""


def fetch(source: str, part: PartialFile, watcher: Watcher, patience: Patience) -> None:
    """Fill ``part`` from an http, https or file address or a path; a PullError says why that failed."""
    scheme = urlsplit(source).scheme
    if scheme in {"http", "https"}:
        asyncio.run(_download(source, part, watcher, patience))
    elif scheme == "file":
        _copy(Path(url2pathname(urlsplit(source).path)), part, watcher)
    elif "://" in source:
        msg = f"{redact(source)}: {scheme} is not understood: give an http or https address or a file"
        raise PullError(msg)
    else:
        _copy(Path(source), part, watcher)


def _copy(path: Path, part: PartialFile, watcher: Watcher) -> None:
    try:
        file = path.open("rb")
    except OSError as error:
        msg = f"{path}: cannot be read: {error.strerror}"
        raise PullError(msg) from error
    with file:
        total_bytes = path.stat().st_size
        part.begin(Origin(str(path), total_bytes=total_bytes))
        while True:
            try:
                chunk = file.read(_CHUNK_BYTES)
            except OSError as error:
                msg = f"{path}: cannot be read: {error.strerror}"
                raise PullError(msg) from error
            if not chunk:
                break
            part.write(chunk)
            watcher.at(part.size_bytes, total_bytes)
    if not part.is_complete:
        msg = f"{path}: changed while it was read: try again"
        raise PullError(msg)


async def _download(url: str, part: PartialFile, watcher: Watcher, patience: Patience) -> None:
    shown = redact(url)
    timeout = aiohttp.ClientTimeout(total=None, connect=patience.connect_s, sock_read=patience.read_s)
    backoff = Backoff(patience.first_wait_s, patience.longest_wait_s)
    failures, most_bytes = 0, part.size_bytes
    if part.origin is None or part.origin.source != shown:
        part.begin(Origin(shown))
    async with aiohttp.ClientSession(
        timeout=timeout, headers=_HEADERS, auto_decompress=False, trust_env=True
    ) as session:
        while not part.is_complete:
            try:
                await _receive(session, url, part, watcher)
            except _CutError as cut:
                if part.size_bytes > most_bytes:
                    failures, most_bytes = 0, part.size_bytes
                    backoff.reset()
                failures += 1
                if failures >= patience.tries:
                    raise PullError(_gave_up(shown, str(cut), part)) from cut
                wait_s = backoff.next_s()
                watcher.say(f"{shown}: {cut}; trying again in {wait_s:.0f} s")
                await asyncio.sleep(wait_s)
            else:
                return


def _gave_up(shown: str, why: str, part: PartialFile) -> str:
    if not part.size_bytes:
        return f"{shown}: {why}: check the network, or bring the file yourself with --from FILE"
    total_bytes = part.origin.total_bytes if part.origin else None
    of = "" if total_bytes is None else f" of {total_bytes}"
    return f"{shown}: {why}; {part.size_bytes}{of} bytes are here: run the same command again for the rest"


async def _receive(session: aiohttp.ClientSession, url: str, part: PartialFile, watcher: Watcher) -> None:
    """One request; a _CutError if it did not bring all there is."""
    shown = redact(url)
    with _troubles_of(shown):
        async with session.get(url, headers=_rest_wanted(part)) as response:
            _refuse_status(response, shown)
            _join(response, Origin(shown, _validator(response), response.content_length), part)
            total_bytes = part.origin.total_bytes if part.origin else None
            async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
                part.write(chunk)
                watcher.at(part.size_bytes, total_bytes)
    if total_bytes is not None and not part.is_complete:
        part.begin(Origin(shown))
        msg = "the server sent more or less than it announced"
        raise _CutError(msg)


@contextlib.contextmanager
def _troubles_of(shown: str) -> Iterator[None]:
    """Turn what aiohttp raises into a _CutError where another try may help, else into a PullError."""
    try:
        yield
    except aiohttp.ClientSSLError as error:
        msg = (
            f"{shown}: the server cannot prove who it is ({error.os_error}): is the clock of this box right?"
        )
        raise PullError(msg) from error
    except aiohttp.ClientConnectorError as error:
        msg = f"{error.host} cannot be reached ({_cause(error.os_error)})"
        raise _CutError(msg) from error
    except TimeoutError as error:
        msg = "the server is silent"
        raise _CutError(msg) from error
    except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError) as error:
        msg = "the connection was cut"
        raise _CutError(msg) from error
    except aiohttp.TooManyRedirects as error:
        msg = f"{shown}: is passed on from one address to another without end"
        raise PullError(msg) from error
    except (aiohttp.InvalidURL, aiohttp.ClientResponseError) as error:
        msg = f"{shown}: not the address or not the answer of a web server"
        raise PullError(msg) from error


def _cause(error: OSError) -> str:
    # asyncio words the text of an errno anew, with the address in it once more; a resolver counts below 0
    if error.errno is not None and error.errno > 0:
        return os.strerror(error.errno)
    return str(error.strerror or error)


def _rest_wanted(part: PartialFile) -> dict[str, str]:
    if not part.size_bytes or part.origin is None or part.origin.total_bytes is None:
        return {}
    headers = {"Range": f"bytes={part.size_bytes}-"}
    if part.origin.validator is not None:
        headers["If-Range"] = part.origin.validator
    return headers


def _refuse_status(response: aiohttp.ClientResponse, shown: str) -> None:
    status = f"{response.status} {response.reason}"
    if response.status in _WORTH_ANOTHER_TRY:
        msg = f"the server answers {status}"
        raise _CutError(msg)
    if not response.ok and response.status != HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
        msg = f"{shown}: the server answers {status}: give another address or a file with --from"
        raise PullError(msg)


def _join(response: aiohttp.ClientResponse, origin: Origin, part: PartialFile) -> None:
    """Make ``part`` ready for what ``response`` brings: the rest of it, or all anew."""
    if response.status not in {HTTPStatus.PARTIAL_CONTENT, HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE}:
        part.begin(origin)
        return
    offered = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
    if (
        offered is None
        or part.origin is None
        or int(offered[1]) != part.size_bytes
        or int(offered[2]) != part.origin.total_bytes
        or origin.validator not in {part.origin.validator, None}  # a 206 may leave Last-Modified out
    ):
        part.begin(Origin(origin.source))
        msg = "the file has changed on the server"
        raise _CutError(msg)


def _validator(response: aiohttp.ClientResponse) -> str | None:
    """What RFC 9110 allows in If-Range: never a weak ETag."""
    etag = response.headers.get("ETag")
    if etag is not None and not etag.startswith("W/"):
        return etag
    return response.headers.get("Last-Modified")
