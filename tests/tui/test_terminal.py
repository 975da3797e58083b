"""The console in a real terminal, with a camera that dies under it."""

from __future__ import annotations

import secrets
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Self

import pytest

from tests.daemon.conftest import MODEL, STREET
from tests.parts.daemon import EdgedProcess
from tests.parts.rtsp_server import RtspServer
from tests.parts.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]


class Tmux:
    """One terminal of 100x30 that runs a command. A context manager."""

    def __init__(self, *command: str) -> None:
        self._name = f"edged-test-{secrets.token_hex(4)}"
        self._command = command

    def __enter__(self) -> Self:
        size = ("-x", "100", "-y", "30")
        self._tmux("new-session", "-d", *size, "-c", str(ROOT), "env", "LC_ALL=C.UTF-8", *self._command)
        return self

    def __exit__(self, *_: object) -> None:
        subprocess.run(["tmux", "-L", self._name, "kill-server"], check=False, capture_output=True)

    def press(self, *keys: str) -> None:
        """Press keys, by tmux's names."""
        self._tmux("send-keys", *keys)

    def screen(self, *, colours: bool = False) -> str:
        """What can be seen now."""
        return self._tmux("capture-pane", "-p", *(["-e"] if colours else []))

    def wait_for(self, text: str, timeout_s: float = 20.0) -> None:
        """Wait until ``text`` can be seen."""
        wait_for(lambda: text in self.screen(), timeout_s, lambda: f"{text!r} in\n{self.screen()}")

    def _tmux(self, *arguments: str) -> str:
        command = ["tmux", "-L", self._name, "-f", "/dev/null", *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def street(tmp_path: Path) -> Iterator[RtspServer]:
    folder = tmp_path / "street"
    folder.mkdir()
    with RtspServer({"cam": STREET}, folder) as server:
        yield server


@pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")
def test_a_night_at_the_console(tmp_path: Path, street: RtspServer) -> None:
    config = f"""
[box]
id = "night"
[mqtt]
enabled = false
[model]
file = "{MODEL}"
[cameras.street]
url = "{street.url("cam")}"
"""
    with EdgedProcess(tmp_path, config) as daemon:
        daemon.wait_for_camera("street", state="streaming")
        command = (sys.executable, "-m", "edged", "tui", "--socket", str(daemon.socket))
        with Tmux("COLORTERM=truecolor", *command) as terminal:
            terminal.wait_for("edged night")
            terminal.wait_for("ok")
            street.kill()
            terminal.wait_for("connection refused: nothing listens at this port; next try")
            street.start()
            terminal.press("r")  # at once, and not after the wait
            daemon.wait_for_camera("street", state="streaming", timeout_s=10)
            terminal.wait_for("5.")
            terminal.press("p")
            terminal.wait_for("▀▀▀▀▀▀▀▀")
            assert terminal.screen(colours=True).count("\033[") > 200
            terminal.press("Escape")
            terminal.wait_for("WHY")
            terminal.press("q")
            wait_for(lambda: not terminal_lives(terminal), 10)


def terminal_lives(terminal: Tmux) -> bool:
    """Whether the command in it still runs: tmux ends with it."""
    try:
        terminal.screen()
    except subprocess.CalledProcessError:
        return False
    return True
