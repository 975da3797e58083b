"""Where the daemon can be talked to."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from edged.core.folders import runtime_folder

if TYPE_CHECKING:
    from collections.abc import Mapping

SOCKET_NAME = "control.sock"
SERVICE_SOCKET = Path("/run/edged", SOCKET_NAME)


def default_socket(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the socket that a client asks: that of the user's own daemon, else that of the service."""
    own = runtime_folder(environ) / SOCKET_NAME
    return own if own.exists() else SERVICE_SOCKET
