"""A file that is not all here yet: it grows beside its destination and takes its place in one step."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import shutil
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from edged.core.errors import PullError

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType
    from typing import Self

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT}


@dataclass(frozen=True, slots=True)
class Origin:
    """Where bytes come from, and what tells that more of them belong to the same file."""

    source: str
    validator: str | None = None  # for If-Range: a strong ETag or the time of the last change
    total_bytes: int | None = None


class PartialFile:
    """What has come so far of ``destination``; it outlives an interruption and is locked while in use.

    Of its own troubles it tells as a PullError; ``destination`` stays as it was until ``install``.
    """

    def __init__(self, destination: Path) -> None:
        self.path = destination.with_name(f"{destination.name}.part")
        self._destination = destination
        self._note = destination.with_name(f"{destination.name}.part.json")
        self.size_bytes = 0
        self.origin: Origin | None = None

    def __enter__(self) -> Self:
        try:
            self._destination.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("ab", buffering=0)
        except OSError as error:
            raise self._trouble(error) from error
        try:
            self._lock()
        except BaseException:
            self._file.close()
            raise
        self.size_bytes = os.fstat(self._file.fileno()).st_size
        self.origin = self._read_note()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self.size_bytes:
            with contextlib.suppress(OSError):
                self.discard()
        self._file.close()

    @property
    def is_complete(self) -> bool:
        """Whether every byte that was announced is here."""
        return self.origin is not None and self.origin.total_bytes == self.size_bytes

    def begin(self, origin: Origin) -> None:
        """Forget what is here and start again with bytes of ``origin``."""
        try:
            self._file.truncate(0)
            self.size_bytes = 0
            self.origin = origin
            if (origin.total_bytes or 0) <= shutil.disk_usage(self.path.parent).free:
                self._note.write_text(json.dumps(asdict(origin)), encoding="utf-8")
                return
        except OSError as error:
            raise self._trouble(error) from error
        raise self._no_room()

    def write(self, data: bytes) -> None:
        """Append."""
        view = memoryview(data)
        try:
            while view:
                written = self._file.write(view)
                self.size_bytes += written
                view = view[written:]
        except OSError as error:
            raise self._trouble(error) from error

    def sha256(self) -> str:
        """Digest of all that is here."""
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def discard(self) -> None:
        """Remove what is here: no more bytes will make it right."""
        self.path.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)

    def install(self) -> None:
        """Take the place of the destination, in one step that a power cut cannot tear."""
        try:
            os.fsync(self._file.fileno())
            self.path.replace(self._destination)
            self._note.unlink(missing_ok=True)
            folder = os.open(self._destination.parent, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            raise self._trouble(error) from error

    def _lock(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Whoever held the lock until now may have moved this very file to its destination.
            is_ours = os.path.samestat(os.fstat(self._file.fileno()), self.path.stat())
        except (BlockingIOError, FileNotFoundError):
            is_ours = False
        if not is_ours:
            msg = f"{self.path}: another edged is pulling this model: wait for it to end"
            raise PullError(msg)

    def _read_note(self) -> Origin | None:
        try:
            return Origin(**json.loads(self._note.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def _trouble(self, error: OSError) -> PullError:
        if error.errno in _NO_ROOM and self._destination.parent.is_dir():
            return self._no_room()
        if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
            return PullError(
                f"{self._destination}: cannot be written ({error.strerror}): "
                "choose another place with --to, or run as a user who may write there"
            )
        return PullError(f"{self._destination}: cannot be written: {error.strerror}")

    def _no_room(self) -> PullError:
        folder = self._destination.parent
        total_bytes = self.origin.total_bytes if self.origin else None
        needed = f"more than {_mb(self.size_bytes)}" if total_bytes is None else _mb(total_bytes)
        free = _mb(shutil.disk_usage(folder).free)
        self._make_empty()
        return PullError(
            f"{folder}: no room: the model needs {needed}, {free} are free: "
            "make room, or choose another place with --to"
        )

    def _make_empty(self) -> None:
        """A full disk hurts the daemon more than a download that begins again."""
        with contextlib.suppress(OSError):
            self._file.truncate(0)
            self.discard()


def _mb(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:.1f} MB"
