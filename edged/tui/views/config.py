"""Every setting in force and where it comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from rich.text import Text
from textual.binding import Binding
from textual.widgets import DataTable, Static

from edged.control import verbs
from edged.core.errors import ControlError
from edged.tui.views.view import BACK, QUIT, View
from edged.tui.widgets import Rows, fitted

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from edged.tui.desk import Desk

Json = dict[str, Any]


class ConfigView(View):
    """Every setting in force and where it comes from; secrets stay hidden."""

    DEFAULT_CSS = "ConfigView #whole { height: auto; max-height: 4; padding: 0 1; }"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("R", "app.reload", "reload", tooltip="have the file read again"),
        BACK,
        QUIT,
    ]

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._config: Json = {"file": "", "settings": []}

    def body(self) -> ComposeResult:
        """Lay it out."""
        yield Static(id="file", classes="title")
        yield Rows(id="settings")
        yield Static(id="whole")

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

    def on_data_table_row_highlighted(self, event: DataTable.RowHighlighted) -> None:
        """Say all of the setting under the cursor: a column may have cut it."""
        row = next((row for row in self._config["settings"] if row["path"] == event.row_key.value), None)
        whole = Text.assemble((row["path"], "bold"), " = ", row["value"]) if row else Text("")
        self.query_one("#whole", Static).update(whole)

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
                        fitted(row["path"], paths),
                        fitted(row["value"], values, "dim" if row["origin"] == "default" else "bold"),
                        Text(row["origin"], "cyan" if row["origin"] == "command" else ""),
                    ),
                )
                for row in shown
            ),
        )
