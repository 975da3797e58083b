"""What the service manager is told: sd_notify(3), and the watchdog that only real progress feeds.

Outside of systemd all of it does nothing.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import sdnotify

if TYPE_CHECKING:
    from collections.abc import Mapping


class ServiceManager:
    """Tells systemd where the daemon stands."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self._notifier = sdnotify.SystemdNotifier()
        interval_us = environ.get("WATCHDOG_USEC", "")
        is_ours = environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        self.watchdog_s = int(interval_us) / 1e6 if interval_us.isdigit() and is_ours else None

    def ready(self) -> None:
        """The configuration is good, the model is loaded: started."""
        self._notifier.notify("READY=1")

    def reloading(self) -> None:
        """A reload begins; ``ready`` ends it."""
        # Type=notify-reload (systemd 253) wants the time; older ones ignore it.
        self._notifier.notify(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self) -> None:
        """The end begins."""
        self._notifier.notify("STOPPING=1")

    def status(self, text: str) -> None:
        """Show ``text`` in ``systemctl status``."""
        self._notifier.notify(f"STATUS={text}")

    def alive(self) -> None:
        """Feed the watchdog; only ever called by who has just seen the pipeline and the loop move."""
        self._notifier.notify("WATCHDOG=1")
