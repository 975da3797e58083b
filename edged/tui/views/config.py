"""Every setting in force and where it comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from rich.text import Text
from textual.binding import Binding
from textual.widgets import Static

from edged.control import verbs
from edged.core.errors import ControlError
from edged.tui.views.view import View
from edged.tui.widgets import Rows

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from edged.tui.desk import Desk

Json = dict[str, Any]


class ConfigView(View):
    """Every setting in force and where it comes from; secrets stay hidden."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("R", "app.reload", "reload the file"),
        Binding("escape", "back", "back", key_display="Esc"),
        Binding("q", "app.quit", "quit", show=False),
    ]

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._config: Json = {"file": "", "settings": []}

    def body(self) -> ComposeResult:
        """Lay it out."""
        yield Static(id="file", classes="title")
        yield Rows(id="settings")

    def on_mount(self) -> None:
        """Ask."""
        self.run_worker(self.ask(), exclusive=True)

    async def ask(self) -> None:
        """Read again what is in force."""
        try:
            self._config = await self.desk.ask(verbs.CONFIG)
        except ControlError as error:
            self.query_one("#file", Static).update(Text(str(error)))
        self.show()

    def show(self) -> None:
        """Show what is known now."""
        self.query_one("#file", Static).update(Text(f"{self._config['file']}, as it is in force (read-only)"))
        shown = [
            row
            for row in self._config["settings"]
            if self.is_wanted(row["path"], row["value"], row["origin"])
        ]
        paths = min(max((len(row["path"]) for row in shown), default=10), self.size.width // 2)
        origins = min(max((len(row["origin"]) for row in shown), default=7), self.size.width // 4)
        values = max(10, self.size.width - paths - origins - 9)
        self.query_one(Rows).show(
            (("SETTING", paths), ("VALUE", values), ("FROM", origins)),
            (
                (
                    row["path"],
                    (
                        Text(row["path"]),
                        Text(row["value"], "dim" if row["origin"] == "default" else "bold"),
                        Text(row["origin"], "cyan" if row["origin"] == "command" else ""),
                    ),
                )
                for row in shown
            ),
        )
