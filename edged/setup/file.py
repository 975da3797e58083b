"""Where the configuration is written, without losing what was there."""

from __future__ import annotations

import os
import shutil
import time
from typing import TYPE_CHECKING

from edged.core.errors import SetupError

if TYPE_CHECKING:
    from pathlib import Path

GROUP = "edged"


def write(file: Path, text: str) -> Path | None:
    """Put ``text`` in its place; returns where the file that was there is kept. Raises SetupError."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        backup = _kept(file)
        part = file.with_name(f"{file.name}.part")
        part.unlink(missing_ok=True)
        part.touch(mode=0o640)  # before a password stands in it
        part.write_text(text, encoding="utf-8")
        if os.geteuid() == 0:
            _give_to_service(part)
        part.replace(file)
    except OSError as error:
        msg = f"{file}: cannot be written: {error.strerror}: be root, or name another with --config"
        raise SetupError(msg) from None
    return backup


def _kept(file: Path) -> Path | None:
    if not file.exists():
        return None
    stamp = time.strftime("%Y%m%d-%H%M%S")
    names = (f"{file.name}.{stamp}{again}.bak" for again in ("", *(f"-{n}" for n in range(1, 1000))))
    backup = next(path for name in names if not (path := file.with_name(name)).exists())
    shutil.copy2(file, backup)
    return backup


def _give_to_service(file: Path) -> None:
    """Let the daemon's group read the file, where there is such a group."""
    try:
        shutil.chown(file, group=GROUP)
    except LookupError:
        return
