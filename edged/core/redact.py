"""Secrets never leave: every line that a person or a program may read passes through here."""

from __future__ import annotations

import re

HIDDEN = "***"
_USER_INFO = re.compile(r"(\w+://)[^/\s\"'@]*(?:@[^/\s\"'@]*)*@")
_QUERY_SECRET = re.compile(
    r"([?&](?:pass(?:word|wd)?|pwd|token|key|auth|secret|user(?:name)?)=)[^&\s\"']+", re.IGNORECASE
)


def redact(text: str) -> str:
    """Return ``text`` with user, password and secret query values of every address in it hidden."""
    return _QUERY_SECRET.sub(rf"\g<1>{HIDDEN}", _USER_INFO.sub(rf"\g<1>{HIDDEN}@", text))
