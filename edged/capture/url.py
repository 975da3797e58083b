"""What kind of camera an address means, and how to write it where others can read it."""

from __future__ import annotations

import re
from enum import Enum
from pathlib import Path
from urllib.parse import unquote, urlsplit

from edged.core.errors import CaptureError, CaptureFault
from edged.core.redact import redact

_DEFAULT_PORTS = {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443}


class SourceKind(Enum):
    """How pictures are had from an address."""

    RTSP = "rtsp"
    HTTP = "http"
    FILE = "file"
    DEVICE = "device"


def source_kind(url: str) -> SourceKind:
    """Return what ``url`` means; raises CaptureError for a scheme that cannot be captured."""
    scheme = _scheme(url)
    if scheme in {"rtsp", "rtsps"}:
        return SourceKind.RTSP
    if scheme in {"http", "https"}:
        return SourceKind.HTTP
    if scheme in {"", "file"}:
        return SourceKind.DEVICE if str(local_path(url)).startswith("/dev/") else SourceKind.FILE
    text = f"{redact(url)}: {scheme}: cannot be captured; use rtsp, rtsps, http, https, file: or a path"
    raise CaptureError(text, CaptureFault.REFUSED)


def local_path(url: str) -> Path:
    """The path that a file address or a plain path names."""
    if _scheme(url) != "file":
        return Path(url).expanduser()
    return Path(unquote(urlsplit(url).path))


def network_address(url: str) -> tuple[str, int] | None:
    """Host and port of a camera on the network; None for files, devices and addresses without a host."""
    if _scheme(url) not in _DEFAULT_PORTS:
        return None
    parts = urlsplit(url)
    try:
        port = parts.port or _DEFAULT_PORTS[parts.scheme.lower()]
    except ValueError:
        return None
    return (parts.hostname, port) if parts.hostname else None


def _scheme(url: str) -> str:
    match = re.match(r"([a-zA-Z][a-zA-Z0-9+.-]*):", url)
    return match[1].lower() if match else ""
