"""What every screen has: the box at the top, keys at the bottom, and a line to type into when asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding
from textual.screen import Screen
from textual.suggester import SuggestFromList
from textual.widgets import DataTable, Footer, Input

from edged.tui.widgets import Head

if TYPE_CHECKING:
    from textual import events
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from edged.tui.desk import Desk

WIDE_COLUMNS = 110
BACK = Binding("escape", "back", "back", key_display="Esc", tooltip="back, or drop the filter")
QUIT = Binding("q", "app.quit", "quit", tooltip="leave the console; edged goes on")


class View(Screen[None]):
    """A screen with the box at the top, keys at the bottom, and a line to type into when asked for."""

    DEFAULT_CSS = """
    View #typed { display: none; height: 1; border: none; padding: 0 1; }
    View.typing #typed { display: block; }
    View .title { text-style: bold; color: $primary; height: 1; padding: 0 1; }
    View Rows { height: 1fr; overflow-x: hidden; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark", "app.keys", "keys", key_display="?", tooltip="this list"),
        Binding(
            "slash",
            "type('/')",
            "find",
            key_display="/",
            tooltip="filter: only what has a word; !word: has not",
        ),
        Binding("colon", "type(':')", "cmd", key_display=":", tooltip="type a command; → completes it"),
        Binding("escape", "back", "back", key_display="Esc", show=False),
    ]

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk
        self.wanted = ""  # what is filtered for
        self._kind = "/"

    def compose(self) -> ComposeResult:
        """Lay it out."""
        yield Head(id="head")
        yield from self.body()
        yield Input(id="typed", compact=True)
        yield Footer(show_command_palette=False, compact=True)

    def body(self) -> ComposeResult:
        """Lay out what is this screen's own."""
        raise NotImplementedError

    def show(self) -> None:
        """Show what is known now, below the head."""
        raise NotImplementedError

    def refresh_view(self) -> None:
        """Show what is known now."""
        live, heads = self.desk.live, self.query(Head)
        if not heads:  # not laid out yet, or no more
            return
        heads.first().show(live)
        if live.status is not None:
            self.show()

    def on_screen_resume(self) -> None:
        """Be up to date when coming to the front."""
        self.refresh_view()

    def on_resize(self, _event: events.Resize) -> None:
        """Fit the new size."""
        self.call_after_refresh(self.refresh_view)

    def action_type(self, kind: str) -> None:
        """Open the line: / filters while one types, : is a command."""
        self._kind = kind
        typed = self.query_one("#typed", Input)
        typed.placeholder = "filter" if kind == "/" else "command, for example: restart porch"
        typed.suggester = SuggestFromList(self.desk.suggestions()) if kind == ":" else None
        typed.value = self.wanted if kind == "/" else ""
        self.add_class("typing")
        typed.focus()

    def action_back(self) -> None:
        """Close the line, then drop the filter, then the screen."""
        if self.has_class("typing"):
            self._close_line()
        elif self.wanted:
            self.wanted = ""
            self.refresh_view()
        else:
            self.desk.go_back()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Filter while one types."""
        if self._kind == "/":
            self.wanted = event.value.lower()
            self.refresh_view()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Do what was typed."""
        self._close_line()
        if self._kind == ":" and event.value.strip():
            self.desk.obey(event.value.strip(), self.camera_id)

    @property
    def camera_id(self) -> str | None:
        """The camera that an action is meant for."""
        return None

    def _close_line(self) -> None:
        self.remove_class("typing")
        for table in self.query(DataTable):
            table.focus()
            return
        self.set_focus(None)

    def is_wanted(self, *texts: str) -> bool:
        """Whether the filter lets through; ! in front inverts it."""
        wanted = self.wanted.removeprefix("!")
        found = any(wanted in text.lower() for text in texts)
        return found != (self.wanted.startswith("!") and bool(wanted))
