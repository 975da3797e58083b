"""All cameras at a glance, problems first."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.binding import Binding
from textual.containers import Horizontal
from textual.widgets import DataTable, Static

from edged.control.wording import LEVEL_STYLES, camera_row, camera_rows, event_line, seen, when
from edged.tui.views.camera_actions import CameraActions
from edged.tui.views.view import WIDE_COLUMNS
from edged.tui.widgets import Rows, bars, fitted, trends

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from edged.control.wording import CameraRow
    from edged.tui.live import Live

HUGE_COLUMNS = 160
LATELY = "LATELY"


class Overview(CameraActions):
    """All cameras, those with a problem first; the one under the cursor, and what happened lately."""

    DEFAULT_CSS = """
    Overview Rows { height: auto; max-height: 60%; min-height: 4; }
    Overview #below { height: 1fr; min-height: 4; layout: vertical; }
    Overview #detail { height: auto; max-height: 6; padding: 0 1; }
    Overview #news { height: 1fr; padding: 0 1; }
    Overview.wide #below { layout: horizontal; margin-top: 1; }
    Overview.wide #detail { width: 2fr; height: 1fr; max-height: 100%; }
    Overview.wide #news { width: 3fr; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("p", "preview", "view", tooltip="preview: the picture of now, here"),
        Binding("l", "app.view('logs')", "log", tooltip="the log as it comes"),
        Binding("y", "app.view('system')", "sys", tooltip="system: model, broker, threads, queues"),
        Binding("c", "app.view('config')", "conf", tooltip="config: every setting and where it comes from"),
        Binding("q", "app.quit", "quit", tooltip="leave the console; edged goes on"),
    ]

    def body(self) -> ComposeResult:
        """Lay it out."""
        yield Rows(id="cameras")
        with Horizontal(id="below"):
            yield Static(id="detail")
            yield Static(id="news")

    @property
    def camera_id(self) -> str | None:
        """The camera under the cursor."""
        return self.query_one(Rows).selected

    def show(self) -> None:
        """Show what is known now."""
        live = self.desk.live
        self.set_class(self.size.width >= WIDE_COLUMNS, "wide")
        shown = [
            row
            for row in camera_rows(live.status or {"cameras": {}}, live.now_s)
            if self.is_wanted(row.camera_id, row.name, row.word, row.why)
        ]
        longest = max((len(row.camera_id) for row in shown), default=6)
        titles = _titles(self.size.width, longest)
        self.query_one(Rows).show(titles, ((row.camera_id, _cells(row, titles, live)) for row in shown))
        self._show_detail()
        self._show_news()

    def on_data_table_row_highlighted(self, _event: DataTable.RowHighlighted) -> None:
        """Say more about the camera under the cursor."""
        if self.desk.live.status is not None:
            self._show_detail()

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        """Go into the camera."""
        if event.row_key.value:
            self.desk.open_camera(event.row_key.value)

    def action_preview(self) -> None:
        """Go into the camera and show its picture."""
        if self.camera_id:
            self.desk.open_camera(self.camera_id, with_preview=True)

    def _show_detail(self) -> None:
        live, detail = self.desk.live, self.query_one("#detail", Static)
        camera = live.cameras.get(self.camera_id or "")
        if camera is None or self.camera_id is None:
            nothing = "no camera matches the filter" if self.wanted else "no camera is configured"
            detail.update(Text(f"{nothing}; : opens a command, ? the keys", "dim"))
            return
        row = camera_row(self.camera_id, camera, live.now_s)
        width = max(10, min(60, detail.size.width - 26))
        name = f"  {row.name}" if row.name != row.camera_id else ""
        detail.update(
            Text.assemble(
                (row.camera_id, "bold"),
                name,
                "  ",
                (row.word, row.style),
                "\n",
                Text(f"{row.why}\n" if row.why else "", "" if row.is_well else "bold"),
                trends(live.history(row.camera_id), row, width),
                ("now          ", "dim"),
                seen(camera),
            )
        )

    def _show_news(self) -> None:
        live, news = self.desk.live, self.query_one("#news", Static)
        lines = [(event["timestamp"], Text(event_line(event))) for event in live.events]
        lines += [
            (line.timestamp_s, Text(f"{when(line.timestamp_s)} {line.text}", LEVEL_STYLES[line.level]))
            for line in live.lines
            if line.level in {"warning", "error", "critical"}
        ]
        lines.sort(key=lambda entry: -entry[0])
        shown = [text for _, text in lines[: max(1, news.size.height)]]
        for text in shown:
            text.truncate(max(10, news.size.width - 2), overflow="ellipsis")
        news.update(Text("\n").join(shown))


def _titles(width: int, longest_id: int) -> list[tuple[str, int]]:
    """Give each column its width; WHY has what is left."""
    titles = [
        ("CAMERA", max(6, min(longest_id, _longest_name(width)))),
        ("STATE", 7),
        *([("IN", 4)] if width >= WIDE_COLUMNS else []),
        ("DET/S", 5),
        *([(LATELY, 24)] if width >= HUGE_COLUMNS else []),
        ("LAT", 7),
        ("TRK", 3),
        *([("IN SIGHT", 24)] if width >= HUGE_COLUMNS else []),
        *([("VIEW", 4)] if width >= WIDE_COLUMNS else []),
        ("AGE", 6),
    ]
    used = sum(column + 2 for _, column in titles)
    return [*titles, ("WHY", max(10, width - used - 2 - 1))]


def _longest_name(width: int) -> int:
    return 32 if width >= WIDE_COLUMNS else 16


def _cells(row: CameraRow, titles: list[tuple[str, int]], live: Live) -> tuple[Text, ...]:
    widths = dict(titles)
    cells = {
        "CAMERA": fitted(row.camera_id, widths["CAMERA"]),
        "STATE": Text(row.word, row.style),
        "IN": Text(row.fps_in),
        "DET/S": Text(row.fps),
        LATELY: Text(bars(live.history(row.camera_id).fps, widths.get(LATELY, 1)), "cyan"),
        "LAT": Text(row.latency),
        "TRK": Text(row.tracks),
        "IN SIGHT": fitted(seen(live.cameras[row.camera_id]), widths.get("IN SIGHT", 1)),
        "VIEW": Text(row.viewers),
        "AGE": Text(row.age),
        "WHY": fitted(_why(row, widths["WHY"]), widths["WHY"], "" if row.is_well else "bold"),
    }
    return tuple(cells[title] for title, _ in titles)


def _why(row: CameraRow, width: int) -> str:
    """Say the next try first where the end would be cut off."""
    return row.why if len(row.why) <= width or not row.next_try else f"{row.next_try}: {row.reason}"
