"""Where files may be written: what systemd gives, otherwise the user's own folders (XDG Base Directory)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def state_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the folder for what must outlive a restart; it need not exist yet."""
    return _folder("STATE_DIRECTORY", "XDG_STATE_HOME", ".local/state", environ)


def _folder(systemd_name: str, xdg_name: str, below_home: str, environ: Mapping[str, str]) -> Path:
    if given := environ.get(systemd_name):
        return Path(given.split(":", maxsplit=1)[0])  # systemd.exec(5): several are separated by colons
    if base := environ.get(xdg_name):
        return Path(base, "edged")
    return Path(environ.get("HOME", "/tmp"), below_home, "edged")  # noqa: S108 - a process without a home
