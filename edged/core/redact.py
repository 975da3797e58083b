"""Secrets never leave: every line that a person or a program may read passes through here."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit, urlunsplit

HIDDEN = "***"
_ADDRESS = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://[^\s\"'<>]+")
_SECRET_KEYS = re.compile(
    r"pass|pwd|secret|token|key|auth|user|usr|login|sig|credential|^p$|^u$", re.IGNORECASE
)
_SECRET_IN_PATH = re.compile(r"(pass\w*|pwd|secret|token)=", re.IGNORECASE)


def redact(text: str) -> str:
    """Return ``text`` with what is secret in the addresses in it hidden."""
    return _ADDRESS.sub(lambda found: redact_address(found[0]), text)


def redact_address(url: str) -> str:
    """Return ``url`` without user, password and whatever in the query looks like a secret."""
    scheme, is_address, _ = url.partition("://")
    if not is_address or scheme.lower() == "file":
        return url
    try:
        parts = urlsplit(url)
    except ValueError:
        return f"{scheme}://{HIDDEN}"
    _, at, host = parts.netloc.rpartition("@")
    netloc = f"{HIDDEN}@{host}" if at else host
    # A password with an unescaped "/", "?" or "#" ends up behind the host: show nothing of such an address.
    if "@" in f"{parts.path}{parts.query}{parts.fragment}":
        return f"{parts.scheme}://{HIDDEN}"
    # Some recorders want the login in the path: /user=…_password=…_channel=1
    path = f"/{HIDDEN}" if _SECRET_IN_PATH.search(parts.path) else parts.path
    return urlunsplit(SplitResult(parts.scheme, netloc, path, _redact_query(parts.query), ""))


def _redact_query(query: str) -> str:
    pairs = parse_qsl(query, keep_blank_values=True)
    if not any(_SECRET_KEYS.search(key) for key, _ in pairs):
        return query
    return urlencode(
        [(key, HIDDEN if _SECRET_KEYS.search(key) else value) for key, value in pairs], safe="*/:"
    )
