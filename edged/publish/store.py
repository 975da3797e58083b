"""Events that the broker has not confirmed, on the disk: they outlive an outage and a restart in it.

SQLite in WAL mode with ``synchronous = NORMAL``: a killed daemon loses nothing, a power cut at most what the
system had not written yet (seconds), and neither of them the store itself. Nothing waits for the disk but now
and then the network thread, which checkpoints.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

CHECKPOINT_EVERY = 200  # events
BUSY_TIMEOUT_S = 0.5

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event as it goes out; ``number`` says where in the order it stands."""

    number: int
    topic: str
    payload: bytes = field(repr=False)


class EventStore:
    """A bounded queue in ``file``, or in memory where that cannot be used. Any thread may call it."""

    def __init__(self, capacity: int, file: Path | None) -> None:
        self._capacity = capacity
        self._file = file
        self._lock = threading.Lock()
        self._database = _opened(file)
        self._count, self._last = self._database.execute(
            "SELECT count(*), coalesce(max(number), 0) FROM events"
        ).fetchone()
        self._until_checkpoint = CHECKPOINT_EVERY
        self._is_closed = False
        self.dropped = 0

    def __len__(self) -> int:
        return int(self._count)

    def put(self, topic: str, payload: bytes) -> None:
        """Append an event; when there are too many the oldest is lost and counted."""
        with self._lock:
            if self._is_closed:
                return
            try:
                self._insert(topic, payload)
            except sqlite3.Error as error:
                self._leave_disk(error)
                self._insert(topic, payload)

    def first(self) -> StoredEvent | None:
        """The oldest event, which stays where it is."""
        with self._lock:
            if not self._count or self._is_closed:
                return None
            row = self._database.execute(
                "SELECT number, topic, payload FROM events ORDER BY number LIMIT 1"
            ).fetchone()
        return StoredEvent(*row) if row else None

    def remove(self, event: StoredEvent) -> None:
        """Forget an event, for it is where it belongs; called in the thread that may wait for the disk."""
        with self._lock:
            if self._is_closed:
                return
            try:
                self._delete(event)
            except sqlite3.Error as error:
                self._leave_disk(error)
                self._delete(event)
        self._until_checkpoint -= 1
        if self._until_checkpoint <= 0:
            self._until_checkpoint = CHECKPOINT_EVERY
            self._checkpoint()

    def close(self) -> None:
        """Keep what there is for the next life; what is put after that is lost."""
        with self._lock:
            self._is_closed = True
            self._database.close()

    def _insert(self, topic: str, payload: bytes) -> None:
        # Numbers only grow, also over restarts: what is in there now is older.
        self._database.execute("INSERT INTO events VALUES (?, ?, ?)", (self._last + 1, topic, payload))
        self._last += 1
        self._count += 1
        if self._count > self._capacity:
            surplus = self._count - self._capacity
            oldest = "SELECT number FROM events ORDER BY number LIMIT ?"
            self._database.execute(f"DELETE FROM events WHERE number IN ({oldest})", (surplus,))  # noqa: S608
            self._count -= surplus
            self.dropped += surplus

    def _delete(self, event: StoredEvent) -> None:
        self._count -= self._database.execute("DELETE FROM events WHERE number = ?", (event.number,)).rowcount

    def _leave_disk(self, error: sqlite3.Error) -> None:
        """Go on in memory with what is there; what stays in the file comes again after a restart."""
        log.warning("%s: cannot be written, events do not outlive a restart: %s", self._file, error)
        disk, self._database, self._file = self._database, _prepared(":memory:"), None
        with suppress(sqlite3.Error):
            self._database.executemany(
                "INSERT INTO events VALUES (?, ?, ?)", disk.execute("SELECT * FROM events")
            )
        disk.close()
        self._count = self._database.execute("SELECT count(*) FROM events").fetchone()[0]

    def _checkpoint(self) -> None:
        """Move what was written into the database proper, on a connection of its own that holds up nobody."""
        if self._file is not None:
            with suppress(sqlite3.Error):
                other = sqlite3.connect(self._file, timeout=BUSY_TIMEOUT_S)
                other.execute("PRAGMA wal_checkpoint(PASSIVE)")
                other.close()


def _opened(file: Path | None) -> sqlite3.Connection:
    """Open the store; one that cannot be read makes room for a new one."""
    if file is None:
        return _prepared(":memory:")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        return _prepared(str(file))
    except sqlite3.DatabaseError as error:
        log.warning("%s: cannot be used and begun anew, events in it are lost: %s", file, error)
    except OSError as error:
        log.warning("%s: cannot be used, events do not outlive a restart: %s", file, error)
        return _prepared(":memory:")
    try:
        for each in (file, file.with_name(f"{file.name}-wal"), file.with_name(f"{file.name}-shm")):
            each.unlink(missing_ok=True)
        return _prepared(str(file))
    except (sqlite3.Error, OSError):
        return _prepared(":memory:")


def _prepared(name: str) -> sqlite3.Connection:
    database = sqlite3.connect(name, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
    try:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = NORMAL")
        database.execute("PRAGMA wal_autocheckpoint = 0")
        database.execute(
            "CREATE TABLE IF NOT EXISTS events (number INTEGER PRIMARY KEY, topic TEXT, payload BLOB)"
        )
        database.execute("SELECT number, topic, payload FROM events LIMIT 1").fetchone()
    except sqlite3.Error:
        database.close()
        raise
    return database
