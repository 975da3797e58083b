from __future__ import annotations

import io

from edged.models.progress import LineWatcher, watched


class Hand:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def monotonic_s(self) -> float:
        return self.now_s

    def wall_s(self) -> float:
        return self.now_s


class Terminal(io.StringIO):
    """Claims to be a terminal."""

    def isatty(self) -> bool:
        return True


def test_without_a_terminal_there_is_a_line_now_and_then() -> None:
    stream, clock = io.StringIO(), Hand()
    watcher = LineWatcher("nano", stream, clock)
    for done_bytes in range(0, 4_000_000, 250_000):
        watcher.at(done_bytes, 4_000_000)
        clock.now_s += 1
    assert stream.getvalue() == "".join(f"nano: {done} of 4.0 MB\n" for done in ("1.2", "2.5", "3.8"))


def test_a_size_that_nobody_knows_is_not_shown() -> None:
    stream, clock = io.StringIO(), Hand()
    watcher = LineWatcher("nano", stream, clock)
    clock.now_s += 5
    watcher.at(1_000_000, None)
    assert stream.getvalue() == "nano: 1.0 MB\n"


def test_a_file_without_a_terminal_gets_lines() -> None:
    stream = io.StringIO()
    with watched("nano", stream) as watcher:
        watcher.at(5, 10)
        watcher.say("cut [red]")
    assert stream.getvalue() == "cut [red]\n"


def test_a_terminal_gets_a_bar() -> None:
    stream = Terminal()
    with watched("nano", stream) as watcher:
        watcher.at(5_000_000, 10_000_000)
        watcher.say("cut [red]")
    assert "━" in stream.getvalue()
    assert "5.0/10.0 MB" in stream.getvalue()
    assert "cut [red]" in stream.getvalue()
