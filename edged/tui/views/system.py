"""What is under the hood."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, ClassVar

from rich.text import Text
from textual.containers import Horizontal, Vertical
from textual.widgets import Static

from edged.control import verbs
from edged.core.errors import ControlError
from edged.tui.views.view import BACK, QUIT, View
from edged.tui.widgets import Rows, fitted

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from edged.tui.desk import Desk

Json = dict[str, Any]

SYSTEM_EVERY_S = 2.0
CPU_COLUMNS, COUNT_COLUMNS = 9, 7


class SystemView(View):
    """What is under the hood: the model, the broker, threads and queues."""

    DEFAULT_CSS = """
    SystemView #machine { height: auto; padding: 0 1; }
    SystemView #tables { height: 1fr; }
    SystemView #right { width: 3fr; }
    SystemView #left { width: 2fr; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        BACK,
        QUIT,
    ]

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._answer: tuple[Json, Json] | None = None

    def body(self) -> ComposeResult:
        """Lay it out."""
        yield Static(id="machine")
        with Horizontal(id="tables"):
            with Vertical(id="left"):
                yield Static("threads", classes="title")
                yield Rows(id="threads")
            with Vertical(id="right"):
                yield Static("queues", classes="title")
                yield Rows(id="queues")

    def on_mount(self) -> None:
        """Ask from now on, for as long as somebody looks."""
        self.run_worker(self._ask(), exclusive=True)

    def show(self) -> None:
        """Show what is known now; the rest comes when it is answered."""
        if self._answer:
            self._show_answer(*self._answer)

    async def _ask(self) -> None:
        while self.is_attached:
            if self.is_current:
                try:
                    system = await self.desk.ask(verbs.SYSTEM)
                    model = await self.desk.ask(verbs.MODEL)
                except ControlError as error:
                    self.query_one("#machine", Static).update(Text(str(error), "bold red"))
                else:
                    self._answer = system, model
                    self.show()
            await asyncio.sleep(SYSTEM_EVERY_S)

    def _show_answer(self, system: Json, model: Json) -> None:
        broker = (self.desk.live.status or {}).get("broker")
        facts = {
            "machine": f"{system['machine']}, {system['cores']} cores, Python {system['python']}",
            "model": _model_line(model),
            "broker": _broker_line(broker) if broker else "switched off in the configuration",
            "libraries": ", ".join(f"{name} {version}" for name, version in system["libraries"].items()),
        }
        lines = (Text.assemble((f"{name:<10}", "dim"), value) for name, value in facts.items())
        self.query_one("#machine", Static).update(Text("\n").join(lines))
        self._show_threads(system["threads"])
        self._show_queues(system["queues"])

    def _show_threads(self, threads: list[Json]) -> None:
        shown = [each for each in threads if self.is_wanted(each["name"])]
        name_width = max(16, self.query_one("#threads", Rows).size.width - CPU_COLUMNS - 6)
        self.query_one("#threads", Rows).show(
            (("THREAD", name_width), ("CPU", CPU_COLUMNS)),
            (
                (str(number), (fitted(each["name"], name_width), Text(f"{each['cpu_s']:.1f} s")))
                for number, each in enumerate(shown)
            ),
        )

    def _show_queues(self, queues: list[Json]) -> None:
        shown = [each for each in queues if self.is_wanted(each["name"])]
        name_width = max(20, self.query_one("#queues", Rows).size.width - 2 * COUNT_COLUMNS - 8)
        self.query_one("#queues", Rows).show(
            (("QUEUE", name_width), ("WAIT", COUNT_COLUMNS), ("DROPPED", COUNT_COLUMNS)),
            (
                (
                    each["name"],
                    (fitted(each["name"], name_width), _number(each["waiting"]), _number(each["dropped"])),
                )
                for each in shown
            ),
        )


def _model_line(model: Json) -> str:
    what = f"{model.get('layout')}, {model.get('input')} {model.get('input_type')} on {model.get('provider')}"
    workers = model.get("workers") or 0
    return f"{model.get('file')}: {what}, {workers} worker{'' if workers == 1 else 's'}"


def _broker_line(broker: Json) -> str:
    told = f"{broker['address']}: {broker['reason']}"
    return f"{told}, {broker['protocol']}" if broker.get("protocol") else told


def _number(value: int | None) -> Text:
    return Text("-" if value is None else str(value))
