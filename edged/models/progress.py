"""How a transfer looks: a bar on a terminal, a line now and then everywhere else."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from edged.core.clock import SYSTEM_CLOCK

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO

    from edged.core.clock import Clock

_LINE_EVERY_S = 5.0


class Watcher(Protocol):
    """Whoever wants to know how far a transfer is."""

    def at(self, done_bytes: int, total_bytes: int | None) -> None:
        """``done_bytes`` are here, of ``total_bytes`` where that is known."""

    def say(self, text: str) -> None:
        """Something happened on the way."""


@contextlib.contextmanager
def watched(title: str, stream: TextIO) -> Iterator[Watcher]:
    """Show the transfer of ``title`` on ``stream`` for as long as this lasts."""
    console = Console(file=stream)
    if not console.is_terminal:
        yield LineWatcher(title, stream)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as bar:
        yield _BarWatcher(bar, title)


class _BarWatcher:
    """Draws a bar."""

    def __init__(self, bar: Progress, title: str) -> None:
        self._bar = bar
        self._task = bar.add_task(title, total=None)

    def at(self, done_bytes: int, total_bytes: int | None) -> None:
        self._bar.update(self._task, completed=done_bytes, total=total_bytes)

    def say(self, text: str) -> None:
        self._bar.console.print(text, markup=False, highlight=False, soft_wrap=True)


class LineWatcher:
    """Writes a line every few seconds."""

    def __init__(self, title: str, stream: TextIO, clock: Clock = SYSTEM_CLOCK) -> None:
        self._title = title
        self._stream = stream
        self._clock = clock
        self._said_s = clock.monotonic_s()

    def at(self, done_bytes: int, total_bytes: int | None) -> None:
        """Say how far it is, unless that was said a moment ago."""
        now_s = self._clock.monotonic_s()
        if now_s - self._said_s < _LINE_EVERY_S:
            return
        self._said_s = now_s
        total = "" if total_bytes is None else f" of {total_bytes / 1e6:.1f}"
        self.say(f"{self._title}: {done_bytes / 1e6:.1f}{total} MB")

    def say(self, text: str) -> None:
        """Say it in a line of its own."""
        self._stream.write(f"{text}\n")
        self._stream.flush()
