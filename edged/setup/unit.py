"""The last step: the service, now and at every boot."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edged.setup.talk import Talk

UNIT = "edged"
ITS_FILE = Path("/etc/edged.toml")
COMMANDS = (("systemctl", "enable", UNIT), ("systemctl", "restart", UNIT))
COMMAND_S = 120.0


def offer_unit(file: Path, talk: Talk) -> None:
    """Offer to start the service, where it would read ``file``; else say how to start edged."""
    if file != ITS_FILE or not _has_unit():
        talk.say(f"start it with: edged run --config {file}")
    elif not talk.has_somebody:
        talk.say(f"start it, now and at every boot, with: systemctl enable --now {UNIT}")
    elif talk.agrees("Start edged now, and at every boot?"):
        talk.say(_started())


def _has_unit() -> bool:
    return bool(shutil.which("systemctl")) and _run(("systemctl", "cat", UNIT)) == ""


def _started() -> str:
    """Start it anew even where it runs: it has a new file to read."""
    for command in COMMANDS:
        if error := _run(command):
            return f"{' '.join(command)}: {error}"
    return "started; `edged tui` shows it"


def _run(command: tuple[str, ...]) -> str:
    """Return what went wrong; nothing where all is well."""
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=COMMAND_S)
    except subprocess.TimeoutExpired:
        return f"not done after {COMMAND_S:g} s"
    return "" if done.returncode == 0 else done.stderr.strip() or f"exit code {done.returncode}"
