"""The demo seen through the console: ``edged tui`` on its daemon, as a child that owns the terminal."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import termios
from typing import TYPE_CHECKING, Any

from edged.demo.lines import places, say

if TYPE_CHECKING:
    from pathlib import Path

    from edged.demo.board import Board
    from edged.demo.stage import Ports

END_TIMEOUT_S = 3.0
# xterm's control sequences: leave the alternate screen, stop reporting the mouse and pastes, show the cursor
PLAIN_SCREEN = "\x1b[?1049l\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?2004l\x1b[?25h\x1b[0m\r"


class ConsoleView:
    """Opens the console as soon as the daemon answers; the demo is over when it is left."""

    every_s = 0.2

    def __init__(self) -> None:
        self._socket: Path | None = None
        self._console: subprocess.Popen[bytes] | None = None
        self._terminal: list[Any] = termios.tcgetattr(sys.stdin)

    def open(self, ports: Ports, broker_name: str, control_socket: Path) -> None:
        """Say where everything is; it stands there again when the console is left."""
        for line in places(ports, broker_name):
            say(line)
        say("edged is starting; the console opens in a moment, and q leaves it")
        self._socket = control_socket

    @property
    def is_over(self) -> bool:
        """Whether the person has left the console."""
        return self._console is not None and self._console.poll() is not None

    def show(self, board: Board) -> None:
        """Open the console once there is a daemon to look at; it shows itself from then on."""
        if board.health and self._console is None:
            command = [sys.executable, "-m", "edged", "tui", "--socket", str(self._socket)]
            self._console = subprocess.Popen(command)

    def close(self) -> None:
        """End the console and leave the terminal as it was, however the console ended."""
        if self._console is None:
            return
        if self._console.poll() is None:
            self._console.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._console.wait(END_TIMEOUT_S)
            self._console.kill()
            self._console.wait()
            sys.stdout.write(PLAIN_SCREEN)
            sys.stdout.flush()
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, self._terminal)
