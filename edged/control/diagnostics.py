"""One archive for a bug report: what the daemon knows of itself, without secrets."""

from __future__ import annotations

import io
import json
import sys
import tarfile
import threading
import time
import traceback
from typing import TYPE_CHECKING

from edged.config.in_force import secrets
from edged.control import facts
from edged.core.log import LINES_KEPT, RECENT
from edged.core.redact import HIDDEN, redact
from edged.publish import payloads

if TYPE_CHECKING:
    from edged.control.facts import Controlled, Json

FOLDER = "edged-diagnostics"
SHORTEST_SECRET = 4  # taking out shorter ones would tear up every text


def archive(daemon: Controlled, status: Json, config: Json) -> bytes:
    """Return a .tar.gz; takes a while, so not for the loop, which gives what only it may look at."""
    events = [payloads.event_facts(event) for event in daemon.events.since(0).values]
    texts = {
        "status.json": _json(status),
        "config.json": _json(config),
        "model.json": _json(facts.model(daemon)),
        "system.json": _json(facts.system(daemon)),
        "events.json": _json({"events": events}),
        "log.txt": "".join(
            f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(line.timestamp_s))} {line.level} {line.text}\n"
            for line in RECENT.last(LINES_KEPT).values
        ),
        "threads.txt": _stacks(),
    }
    hidden = [secret for secret in secrets(daemon.settings) if len(secret) >= SHORTEST_SECRET]
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, text in texts.items():
            _add(tar, name, _without(text, hidden))
    return buffer.getvalue()


def _add(tar: tarfile.TarFile, name: str, text: str) -> None:
    content = text.encode()
    entry = tarfile.TarInfo(f"{FOLDER}/{name}")
    entry.size, entry.mtime, entry.mode = len(content), int(time.time()), 0o600
    tar.addfile(entry, io.BytesIO(content))


def _without(text: str, hidden: list[str]) -> str:
    """Take out addresses' users and passwords, and every secret of the configuration wherever it stands."""
    for secret in hidden:
        text = text.replace(secret, HIDDEN)
    return redact(text)


def _json(value: Json) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"


def _stacks() -> str:
    """Say where every thread is: what a hang is understood from."""
    frames = sys._current_frames()  # noqa: SLF001 - there is no other way to see them
    return "\n".join(
        f"{thread.name}\n{''.join(traceback.format_stack(frames[thread.ident]))}"
        for thread in threading.enumerate()
        if thread.ident in frames
    )
