"""Where files may be written: what systemd gives, otherwise the user's own folders (XDG Base Directory).

Root has no folders of its own here: what root fetches is for the service, which cannot see into root's home.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def state_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the folder for what must outlive a restart; it need not exist yet."""
    if given := environ.get("STATE_DIRECTORY"):
        return Path(given.split(":", maxsplit=1)[0])  # systemd.exec(5): several are separated by colons
    if base := environ.get("XDG_STATE_HOME"):
        return Path(base, "edged")
    if os.geteuid() == 0 or "HOME" not in environ:
        return Path("/var/lib/edged")
    return Path(environ["HOME"], ".local/state/edged")


def cache_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the folder for what nobody would miss for long; it need not exist yet."""
    if given := environ.get("CACHE_DIRECTORY"):
        return Path(given.split(":", maxsplit=1)[0])
    if base := environ.get("XDG_CACHE_HOME"):
        return Path(base, "edged")
    if os.geteuid() == 0 or "HOME" not in environ:
        return Path("/var/cache/edged")
    return Path(environ["HOME"], ".cache/edged")


def runtime_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the folder for what must not outlive the boot; it need not exist yet."""
    if given := environ.get("RUNTIME_DIRECTORY"):
        return Path(given.split(":", maxsplit=1)[0])
    if base := environ.get("XDG_RUNTIME_DIR"):
        return Path(base, "edged")
    if os.geteuid() == 0 or "HOME" not in environ:
        return Path("/run/edged")
    return Path(environ["HOME"], ".local/run/edged")
