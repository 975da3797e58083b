"""What the screens are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import DataTable, Static

from edged.control.wording import ago
from edged.core.halfblock import UPPER_HALF, rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from edged.control.client import RawPicture
    from edged.control.wording import CameraRow
    from edged.tui.live import History, Live

MIB = 1024 * 1024
SEPARATOR = " · "
HOME_ASSISTANT = {
    "off": ("off", "dim"),
    "told": ("announced", ""),  # it says nothing unless it starts or goes
    "online": ("ok", "green"),
    "offline": ("DOWN", "bold red"),
}
_BARS = "▁▂▃▄▅▆"  # no higher: rows that touch are a wall


def bars(values: Sequence[float], width: int) -> str:
    """Draw the last ``width`` values as bars from zero to their largest."""
    shown = list(values)[-width:]
    top = max(shown, default=0.0)
    if top <= 0:
        return _BARS[0] * len(shown)
    return "".join(_BARS[min(len(_BARS) - 1, int(value / top * len(_BARS)))] for value in shown)


def trends(history: History, row: CameraRow, width: int) -> Text:
    """Draw how a camera did lately, a line for each number."""
    return Text.assemble(
        ("detections/s ", "dim"),
        (bars(history.fps, width), "cyan"),
        f" {row.fps}\n",
        ("latency      ", "dim"),
        (bars(history.latency_ms, width), "cyan"),
        f" {row.latency}\n",
    )


def fitted(text: str, width: int, style: str = "") -> Text:
    """Return a cell's text, with an ellipsis where it is too long."""
    cell = Text(text, style)
    cell.truncate(width, overflow="ellipsis")
    return cell


class Head(Static):
    """The lines at the top: the box and how it does, or that nothing is heard of it."""

    DEFAULT_CSS = "Head { height: auto; max-height: 3; padding: 0 1; text-style: bold; }"

    def show(self, live: Live) -> None:
        """Say how the box does now."""
        if live.status is None:
            self.update(Text("edged: waiting for the first answer …"))
        elif live.is_stale:
            text = Text(f" NO DATA for {ago(live.silent_s)}: what is shown is old ", "bold reverse red")
            self.update(_in_lines([text, *_facts(live.status)], self.size.width - 2))
        else:
            self.update(_in_lines(_facts(live.status), self.size.width - 2))


def _facts(status: dict[str, Any]) -> list[Text]:
    box, broker, inference = status["box"], status.get("broker"), status.get("inference")
    facts: list[Text] = [Text(f"edged {box['id']} {box['version']}"), Text(f"up {ago(box['uptime_s'])}")]
    facts += _broker_facts(broker)
    if inference:
        speed = f" {inference['inference_ms']:.0f} ms" if inference.get("inference_ms") else ""
        style = "bold yellow" if inference.get("overloaded") else ""
        facts.append(Text(f"{inference['model'].removesuffix('.onnx')}{speed}", style))
        facts.append(Text(f"{inference.get('fps') or 0:.0f} det/s"))
    facts.append(Text(f"CPU {box['cpu_percent']:.0f} %"))
    facts.append(Text(f"{box['memory_bytes'] / MIB:.0f} MiB"))
    if (temperature_c := box.get("temperature_c")) is not None:
        facts.append(Text(f"{temperature_c:.0f} °C"))
    viewers = sum(camera.get("viewers") or 0 for camera in status["cameras"].values())
    facts.append(Text(f"{viewers} viewer{'' if viewers == 1 else 's'}"))
    return facts


def _broker_facts(broker: dict[str, Any] | None) -> list[Text]:
    if broker is None:
        return [Text("broker off", "dim")]
    if not broker["connected"]:
        return [Text(f"broker DOWN: {broker['reason']}", "bold red")]
    word, style = HOME_ASSISTANT.get(broker.get("home_assistant") or "", ("", ""))
    return [Text("broker ok", "green"), *([Text(f"HA {word}", style)] if word else [])]


def _in_lines(facts: list[Text], width: int) -> Text:
    """Set them in rows that break between facts only."""
    rows_: list[Text] = []
    for fact in facts:
        if rows_ and len(rows_[-1]) + len(SEPARATOR) + len(fact) <= width:
            rows_[-1] = Text.assemble(rows_[-1], (SEPARATOR, "dim"), fact)
        else:
            rows_.append(fact)
    return Text("\n").join(rows_)


class Rows(DataTable[Text]):
    """A table that is told its rows again and again, and changes only the cells that differ."""

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(
            id=id, cursor_type="row", zebra_stripes=True, cursor_foreground_priority="renderable"
        )
        self._titles: tuple[tuple[str, int | None], ...] = ()
        self._shown: dict[str, tuple[Text, ...]] = {}

    def show(
        self, titles: Iterable[tuple[str, int | None]], rows_: Iterable[tuple[str, tuple[Text, ...]]]
    ) -> None:
        """Show ``rows_``, each with its key; ``titles`` with widths, None being as wide as needed."""
        wanted_titles, wanted = tuple(titles), dict(rows_)
        if wanted_titles != self._titles or list(wanted) != list(self._shown):
            self._build(wanted_titles, wanted)
        else:
            for key, cells in wanted.items():
                for (title, _), old, new in zip(wanted_titles, self._shown[key], cells, strict=True):
                    if old != new or old.style != new.style:
                        self.update_cell(key, title, new)
        self._shown = wanted

    @property
    def selected(self) -> str | None:
        """The key of the row under the cursor."""
        keys = list(self._shown)
        return keys[self.cursor_row] if 0 <= self.cursor_row < len(keys) else None

    def _build(self, titles: tuple[tuple[str, int | None], ...], wanted: dict[str, tuple[Text, ...]]) -> None:
        """Start over, with the cursor where it was; the cursor stays at the top if it was there."""
        selected = self.selected if self.cursor_row > 0 else None
        if titles != self._titles:
            self.clear(columns=True)
            for title, width in titles:
                self.add_column(title, key=title, width=width)
            self._titles = titles
        else:
            self.clear()
        for key, cells in wanted.items():
            self.add_row(*cells, key=key)
        if selected in wanted:
            self.move_cursor(row=list(wanted).index(selected), animate=False)


class Preview(Widget):
    """A picture in half blocks."""

    DEFAULT_CSS = "Preview { height: 1fr; width: 1fr; }"

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._strips: list[Strip] = []
        self._note = ""

    def show(self, picture: RawPicture) -> None:
        """Show a picture."""
        self._note = ""
        self._strips = [
            Strip(
                [
                    Segment(UPPER_HALF, Style(color=f"rgb{upper}", bgcolor=f"rgb{lower}"))
                    for upper, lower in row
                ],
                picture.width,
            ).simplify()
            for row in rows(picture.rgb, picture.width, picture.height)
        ]
        self.refresh()

    def say(self, note: str) -> None:
        """Show words where there is no picture."""
        self._note, self._strips = note, []
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Return one line, as wide as the widget."""
        width, plain = self.size.width, Style()  # without any style the filters of NO_COLOR would fail
        if self._note and y == 0:
            return Strip([Segment(self._note, plain)]).adjust_cell_length(width, plain)
        if y < len(self._strips):
            return self._strips[y].adjust_cell_length(width, plain)
        return Strip.blank(width, plain)
