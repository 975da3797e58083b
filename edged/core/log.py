"""Log lines: priorities for the journal, colours for a terminal, plain dated text for a file.

A traceback is for whoever debugs edged: it is shown at level ``debug`` only. Everybody else gets one line.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

from edged.core.redact import redact
from edged.core.ring import Ring

if TYPE_CHECKING:
    from collections.abc import Mapping

# sd-daemon(3): a line that begins with <N> is stored with syslog priority N
_JOURNAL_PRIORITY = {
    logging.DEBUG: 7,
    logging.INFO: 6,
    logging.WARNING: 4,
    logging.ERROR: 3,
    logging.CRITICAL: 2,
}
_COLOUR = {
    logging.DEBUG: "2",
    logging.INFO: "32",
    logging.WARNING: "33",
    logging.ERROR: "31",
    logging.CRITICAL: "31",
}


LINES_KEPT = 1000


@dataclass(frozen=True, slots=True)
class LogLine:
    """One thing that was said, as a person may read it."""

    timestamp_s: float  # epoch
    level: str
    text: str


RECENT: Ring[LogLine] = Ring(LINES_KEPT)
"""What was said lately, for whoever looks in."""


def set_up(level: str, stream: TextIO = sys.stderr, environ: Mapping[str, str] = os.environ) -> None:
    """Send everything of ``level`` and above to ``stream``, in the form that fits what reads it."""
    handler = logging.StreamHandler(stream)
    if "JOURNAL_STREAM" in environ:
        handler.setFormatter(_JournalFormatter())
    elif stream.isatty() and "NO_COLOR" not in environ:
        handler.setFormatter(_TerminalFormatter())
    else:
        handler.setFormatter(_PlainFormatter())
    root = logging.getLogger("edged")
    root.handlers = [handler, _Keeper()]
    root.setLevel(level.upper())
    root.propagate = False


class _Keeper(logging.Handler):
    """Keeps each line in ``RECENT``."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(_BareFormatter())

    def emit(self, record: logging.LogRecord) -> None:
        RECENT.put(LogLine(record.created, record.levelname.lower(), self.format(record)))


class _OneLineFormatter(logging.Formatter):
    """Formats one record as one line without secrets; an exception is named, and traced at debug only."""

    def format(self, record: logging.LogRecord) -> str:
        text = record.getMessage().replace("\n", " ")
        if record.exc_info and (error := record.exc_info[1]) is not None:
            text = f"{text} ({type(error).__name__}: {error})".replace("\n", " ")
            if logging.getLogger("edged").isEnabledFor(logging.DEBUG):
                text = f"{text}\n{self.formatException(record.exc_info)}"
        return redact(self.decorate(record, text))

    def decorate(self, record: logging.LogRecord, text: str) -> str:
        """Put around ``text`` what its reader needs."""
        raise NotImplementedError


class _BareFormatter(_OneLineFormatter):
    def decorate(self, record: logging.LogRecord, text: str) -> str:
        del record
        return text


class _JournalFormatter(_OneLineFormatter):
    def decorate(self, record: logging.LogRecord, text: str) -> str:
        priority = f"<{_JOURNAL_PRIORITY.get(record.levelno, 6)}>"
        return "\n".join(priority + line for line in text.splitlines())


class _TerminalFormatter(_OneLineFormatter):
    def decorate(self, record: logging.LogRecord, text: str) -> str:
        at = time.strftime("%H:%M:%S", time.localtime(record.created))
        colour = _COLOUR.get(record.levelno, "0")
        return f"\033[2m{at}\033[0m \033[{colour}m{record.levelname.lower():<7}\033[0m {text}"


class _PlainFormatter(_OneLineFormatter):
    def decorate(self, record: logging.LogRecord, text: str) -> str:
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created))
        return f"{at} {record.levelname.lower():<7} {text}"
