"""The demo's own folder: nothing of the demo is written anywhere else, and it is gone at the end."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from edged.core.errors import DemoError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Make the folder, and remove it with all that is in it; raises DemoError when it cannot be had."""
    try:
        folder = tempfile.TemporaryDirectory(prefix="edged-demo-", ignore_cleanup_errors=True)
    except OSError as error:
        msg = f"demo: cannot make a temporary folder: {error.strerror or error}: make room, or set TMPDIR"
        raise DemoError(msg) from None
    with folder as path:
        yield Path(path)


def write(file: Path, text: str) -> Path:
    """Write ``text`` into ``file``; raises DemoError when the disk does not take it."""
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        msg = f"demo: cannot write {file}: {error.strerror or error}: make room, or set TMPDIR"
        raise DemoError(msg) from None
    return file
