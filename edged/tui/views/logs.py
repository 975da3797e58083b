"""The log as it comes."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.binding import Binding
from textual.widgets import RichLog, Static

from edged.control.wording import LEVEL_STYLES, when
from edged.tui.views.view import BACK, QUIT, View

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from edged.tui.desk import Desk
    from edged.tui.live import LogLine

LEVELS = ("debug", "info", "warning", "error")


class LogsView(View):
    """The log as it comes, from a level up, searched while one types."""

    DEFAULT_CSS = "LogsView RichLog { height: 1fr; padding: 0 1; scrollbar-size-horizontal: 0; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("v", "level", "level", tooltip="from the next level up"),
        BACK,
        QUIT,
    ]

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._level = "info"
        self._shown: tuple[str, str, int] | None = None
        self._seen = 0

    def body(self) -> ComposeResult:
        """Lay it out."""
        yield Static(id="what", classes="title")
        yield RichLog(max_lines=2000, wrap=True, min_width=20)

    def show(self) -> None:
        """Write what is new; everything when what is asked for has changed."""
        live, log = self.desk.live, self.query_one(RichLog)
        fresh = live.lines_seen - self._seen
        asked = (self._level, self.wanted, width := max(20, log.scrollable_content_region.width))
        if self._shown != asked or fresh > len(live.lines):
            log.clear()
            fresh = len(live.lines)
        self._shown, self._seen = asked, live.lines_seen
        for line in list(live.lines)[len(live.lines) - fresh :]:
            if self._is_shown(line):
                log.write(_log_text(line), width=width)
        found = f", with {self.wanted!r}" if self.wanted else ""
        self.query_one("#what", Static).update(Text(f"log, from {self._level} up{found}"))

    def action_level(self) -> None:
        """Show from the next level up."""
        self._level = LEVELS[(LEVELS.index(self._level) + 1) % len(LEVELS)]
        self.refresh_view()

    def _is_shown(self, line: LogLine) -> bool:
        level = LEVELS.index(line.level) if line.level in LEVELS else len(LEVELS)
        return level >= LEVELS.index(self._level) and self.is_wanted(line.text)


def _log_text(line: LogLine) -> Text:
    level = (f"{line.level:<7}", LEVEL_STYLES.get(line.level, "green"))
    return Text.assemble((when(line.timestamp_s), "dim"), " ", level, " ", line.text)
