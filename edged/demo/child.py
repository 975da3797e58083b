"""A child process of the demo: its last lines are kept, and it ends when it is told to or is killed."""

from __future__ import annotations

import subprocess
import threading
from collections import deque
from contextlib import suppress
from typing import IO, TYPE_CHECKING, NoReturn, cast

from edged.core.errors import DemoError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LINES_KEPT = 6
KILL_WAIT_S = 2.0
PLAIN_ERROR = "edged: "  # how our own command line begins the one line that says all


class Child:
    """Runs ``command`` from now on; what it says on either stream is kept, as far as it is new."""

    def __init__(self, name: str, command: Sequence[str], environ: Mapping[str, str]) -> None:
        self.name = name
        try:
            # A session of its own: Ctrl-C is for the demo, which then ends its children in order.
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env=dict(environ),
                start_new_session=True,
                text=True,
                errors="replace",
            )
        except OSError as error:
            msg = f"demo: cannot start {command[0]}: {error.strerror or error}"
            raise DemoError(msg) from None
        self._lines: deque[str] = deque(maxlen=LINES_KEPT)
        output = cast("IO[str]", self._process.stdout)
        self._reader = threading.Thread(target=self._read, args=(output,), name=f"{name} log", daemon=True)
        self._reader.start()

    def must_run(self, within_s: float = 0.0) -> None:
        """Raise DemoError when it has ended, or ends ``within_s``: connections close before processes end."""
        with suppress(subprocess.TimeoutExpired):
            code = self._process.wait(within_s)
            self._reader.join(KILL_WAIT_S)  # its reason is in the last lines, which may still be in the pipe
            if self._lines and self._lines[-1].startswith(PLAIN_ERROR):
                msg = f"demo: {self._lines[-1].removeprefix(PLAIN_ERROR)}"
                raise DemoError(msg)
            self.fail(f"ended unasked (exit code {code})")

    def fail(self, what: str) -> NoReturn:
        """Raise a DemoError that says ``what`` is wrong with it, and the last that it said."""
        raise DemoError("\n  ".join([f"demo: {self.name} {what}", *self._lines]))

    def stop(self, timeout_s: float) -> None:
        """End it, by force when it takes longer than ``timeout_s``."""
        self._process.terminate()
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(KILL_WAIT_S)
        self._reader.join(KILL_WAIT_S)

    def _read(self, stream: IO[str]) -> None:
        with stream:
            for line in stream:
                self._lines.append(line.rstrip())
