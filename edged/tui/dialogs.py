"""Screens that lie over another one: a question, the keys, and the daemon that is not there."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar

from rich.table import Table
from rich.text import Text
from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen, Screen
from textual.widgets import Footer, Static

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from edged.tui.live import Live

LOOK_EVERY_S = 3.0
COMMAND_S = 3.0
JOURNAL_LINES = 30
UNIT_FACTS = "LoadState,ActiveState,Result,ExecMainStatus"
EXIT_CONFIG = 78


class Confirm(ModalScreen[bool]):
    """Asks before something stops; y or n."""

    DEFAULT_CSS = """
    Confirm { align: center middle; }
    Confirm Vertical { width: auto; max-width: 76; height: auto; border: round $warning; padding: 1 2; }
    Confirm Static { width: auto; max-width: 70; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y,enter", "answer(True)", "yes"),
        Binding("n,escape,q", "answer(False)", "no"),
    ]

    def __init__(self, question: str) -> None:
        super().__init__()
        self._question = question

    def compose(self) -> ComposeResult:
        """Lay it out."""
        with Vertical():
            yield Static(Text(self._question))
            yield Static(Text("\ny yes    n no", "bold"))

    def action_answer(self, answer: bool) -> None:  # noqa: FBT001 - from a binding
        """Take the answer."""
        self.dismiss(answer)


class Keys(ModalScreen[None]):
    """Every key of the screen below."""

    DEFAULT_CSS = """
    Keys { align: center middle; }
    Keys VerticalScroll { width: 72; max-height: 90%; height: auto; border: round $primary; padding: 1 2; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,question_mark", "dismiss", "back")]

    def __init__(self, keys: list[tuple[str, str]]) -> None:
        super().__init__()
        self._keys = keys

    def compose(self) -> ComposeResult:
        """Lay it out."""
        table = Table.grid(padding=(0, 3))
        for key, text in self._keys:
            table.add_row(Text(key, "bold"), Text(text))
        with VerticalScroll():
            yield Static(table)


class DaemonDown(Screen[None]):
    """Fills the screen while nobody answers: why, what systemd says, and what the journal has."""

    DEFAULT_CSS = """
    DaemonDown VerticalScroll { padding: 1 2; }
    DaemonDown #why { text-style: bold; margin-bottom: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("q", "app.quit", "quit")]

    def __init__(self, live: Live) -> None:
        super().__init__()
        self._live = live

    def compose(self) -> ComposeResult:
        """Lay it out."""
        with VerticalScroll():
            yield Static(id="why")
            yield Static(id="unit")
            yield Static(id="journal")
        yield Footer()

    def on_mount(self) -> None:
        """Begin to look what else is known."""
        self.refresh_view()
        self.run_worker(self._look(), exclusive=True)

    def refresh_view(self) -> None:
        """Say why nobody answers."""
        heading = Text(" EDGED DOES NOT ANSWER ", "bold reverse red")
        again = Text("\n\nTrying again every second; this screen goes away by itself.", "not bold")
        if not self.is_attached:
            return
        self.query_one("#why", Static).update(
            Text.assemble(heading, "\n\n", self._live.down or "no answer yet", again)
        )

    async def _look(self) -> None:
        while True:
            state = unit_state(await output_of("systemctl", "show", "edged", "-p", UNIT_FACTS))
            lines = await output_of("journalctl", "-u", "edged", "-r", "-n", str(JOURNAL_LINES), "--no-pager")
            journal = lines.strip() or "nothing that this user may read"
            if not self.is_attached:
                return
            self.query_one("#unit", Static).update(Text.assemble(("unit edged  ", "bold"), state, "\n"))
            heading = ("its journal, newest first\n", "bold")
            text = Text.assemble(heading, journal, no_wrap=True, overflow="ellipsis")
            self.query_one("#journal", Static).update(text)
            await asyncio.sleep(LOOK_EVERY_S)


def unit_state(shown: str) -> str:
    """Say what systemd knows of the unit."""
    facts = dict(line.split("=", 1) for line in shown.splitlines() if "=" in line)
    if facts.get("LoadState", "loaded") != "loaded" or "ActiveState" not in facts:
        return "no unit of this name, or no systemd here"
    said = [facts["ActiveState"]]
    if (result := facts.get("Result", "success")) != "success":
        said.append(result)
    if (code := facts.get("ExecMainStatus", "0")) != "0":
        said.append(f"exit code {code}")
    if code == str(EXIT_CONFIG):
        said.append("a mistake in the configuration: `edged check` names it")
    return ", ".join(said)


async def output_of(*command: str) -> str:
    """Return what a command prints; nothing where it fails or takes too long."""
    try:
        process = await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
        )
    except OSError:
        return ""
    try:
        output, _ = await asyncio.wait_for(process.communicate(), COMMAND_S)
    except TimeoutError:
        process.kill()
        return ""
    return output.decode(errors="replace") if process.returncode == 0 else ""
