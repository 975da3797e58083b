"""What is under the hood."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, ClassVar

from rich.text import Text
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.widgets import Static

from edged.control import verbs
from edged.core.errors import ControlError
from edged.tui.views.view import View
from edged.tui.widgets import Rows

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

Json = dict[str, Any]

SYSTEM_EVERY_S = 2.0


class SystemView(View):
    """What is under the hood: the model, the broker, threads and queues."""

    DEFAULT_CSS = """
    SystemView #machine { height: auto; padding: 0 1; }
    SystemView #tables { height: 1fr; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "back", key_display="Esc"),
        Binding("q", "app.quit", "quit", show=False),
    ]

    def body(self) -> ComposeResult:
        """Lay it out."""
        yield Static(id="machine")
        with Horizontal(id="tables"):
            with Vertical():
                yield Static("threads", classes="title")
                yield Rows(id="threads")
            with Vertical():
                yield Static("queues", classes="title")
                yield Rows(id="queues")

    def on_mount(self) -> None:
        """Ask from now on, for as long as somebody looks."""
        self.run_worker(self._ask(), exclusive=True)

    def show(self) -> None:
        """Show what is known now; the rest comes when it is answered."""

    async def _ask(self) -> None:
        while self.is_attached:
            if self.is_current:
                try:
                    system = await self.desk.ask(verbs.SYSTEM)
                    model = await self.desk.ask(verbs.MODEL)
                except ControlError as error:
                    self.query_one("#machine", Static).update(Text(str(error), "bold red"))
                else:
                    self._show_answer(system, model)
            await asyncio.sleep(SYSTEM_EVERY_S)

    def _show_answer(self, system: Json, model: Json) -> None:
        broker = (self.desk.live.status or {}).get("broker")
        facts = {
            "machine": f"{system['machine']}, {system['cores']} cores, Python {system['python']}",
            "model": _model_line(model),
            "broker": f"{broker['address']}: {broker['reason']}, MQTT {broker.get('protocol') or '?'}"
            if broker
            else "switched off in the configuration",
            "libraries": ", ".join(f"{name} {version}" for name, version in system["libraries"].items()),
        }
        lines = (Text.assemble((f"{name:<10}", "dim"), value) for name, value in facts.items())
        self.query_one("#machine", Static).update(Text("\n").join(lines))
        name_width = max(16, self.size.width // 2 - 22)
        self.query_one("#threads", Rows).show(
            (("THREAD", name_width), ("CPU", 10)),
            (
                (str(number), (Text(each["name"]), Text(f"{each['cpu_s']:.1f} s")))
                for number, each in enumerate(system["threads"])
            ),
        )
        self.query_one("#queues", Rows).show(
            (("QUEUE", max(14, name_width - 4)), ("WAITING", 7), ("DROPPED", 8)),
            (
                (each["name"], (Text(each["name"]), _number(each["waiting"]), _number(each["dropped"])))
                for each in system["queues"]
            ),
        )


def _model_line(model: Json) -> str:
    what = f"{model.get('layout')}, {model.get('input')} {model.get('input_type')} on {model.get('provider')}"
    workers = model.get("workers") or 0
    return f"{model.get('file')}: {what}, {workers} worker{'' if workers == 1 else 's'}"


def _number(value: int | None) -> Text:
    return Text("-" if value is None else str(value))
