"""The screens one works on; each shows what ``app.live`` knows whenever it is told to."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, ClassVar, cast

from rich.text import Text
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.screen import Screen
from textual.widgets import DataTable, Footer, Input, RichLog, Static

from edged.control import verbs
from edged.control.wording import (
    LEVEL_STYLES,
    camera_row,
    camera_rows,
    counts,
    event_line,
    settings_line,
    when,
)
from edged.core.errors import ControlError
from edged.tui.widgets import Head, Preview, Rows, bars

if TYPE_CHECKING:
    from textual import events
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from edged.control.wording import CameraRow
    from edged.tui.app import Console
    from edged.tui.live import LogLine

Json = dict[str, Any]

WIDE_COLUMNS = 110
PREVIEW_EVERY_S = 0.7
SYSTEM_EVERY_S = 2.0
LEVELS = ("debug", "info", "warning", "error")
CONFIDENCE_STEP, FPS_STEP = 0.05, 1.0
LARGEST_PREVIEW_PX = 512


class View(Screen[None]):
    """A screen with the box at the top, keys at the bottom, and a line to type into when asked for."""

    DEFAULT_CSS = """
    View #typed { display: none; height: 1; border: none; padding: 0 1; }
    View.typing #typed { display: block; }
    View .title { text-style: bold; color: $primary; height: 1; padding: 0 1; }
    View Rows { height: 1fr; overflow-x: hidden; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark", "app.keys", "keys", key_display="?"),
        Binding("slash", "type('/')", "filter", key_display="/"),
        Binding("colon", "type(':')", "cmd", key_display=":"),
        Binding("escape", "back", "back", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.wanted = ""  # what is filtered for
        self._kind = "/"

    @property
    def console_app(self) -> Console:
        """The console that shows this screen."""
        return cast("Console", self.app)

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
        live, heads = self.console_app.live, self.query(Head)
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
            self.console_app.go_back()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Filter while one types."""
        if self._kind == "/":
            self.wanted = event.value.lower()
            self.refresh_view()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Do what was typed."""
        self._close_line()
        if self._kind == ":" and event.value.strip():
            self.console_app.obey(event.value.strip(), self.camera_id)

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


CAMERA_KEYS: list[BindingType] = [
    Binding("e", "camera('toggle')", "on/off"),
    Binding("r", "camera('restart')", "restart"),
    Binding("d", "camera('detect')", "detect"),
    Binding("s", "camera('snapshot')", "snap"),
]


class CameraActions(View):
    """A screen on which a camera can be acted on."""

    BINDINGS: ClassVar[list[BindingType]] = CAMERA_KEYS

    def action_camera(self, what: str) -> None:
        """Do something with the camera that is meant."""
        if self.camera_id is not None:
            self.console_app.act(what, self.camera_id)


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
        Binding("p", "preview", "preview"),
        Binding("l", "app.view('logs')", "logs"),
        Binding("y", "app.view('system')", "system"),
        Binding("c", "app.view('config')", "config"),
        Binding("q", "app.quit", "quit"),
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
        live = self.console_app.live
        is_wide = self.size.width >= WIDE_COLUMNS
        self.set_class(is_wide, "wide")
        shown = [
            row
            for row in camera_rows(live.status or {"cameras": {}}, live.now_s)
            if self.is_wanted(row.camera_id, row.name, row.word, row.why)
        ]
        longest = max((len(row.camera_id) for row in shown), default=6)
        titles = _titles(self.size.width, longest, is_wide=is_wide)
        self.query_one(Rows).show(
            titles, ((row.camera_id, _cells(row, titles, is_wide=is_wide)) for row in shown)
        )
        self._show_detail()
        self._show_news()

    def on_data_table_row_highlighted(self, _event: DataTable.RowHighlighted) -> None:
        """Say more about the camera under the cursor."""
        if self.console_app.live.status is not None:
            self._show_detail()

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        """Go into the camera."""
        if event.row_key.value:
            self.console_app.open_camera(event.row_key.value)

    def action_preview(self) -> None:
        """Go into the camera and show its picture."""
        if self.camera_id:
            self.console_app.open_camera(self.camera_id, with_preview=True)

    def _show_detail(self) -> None:
        live, detail = self.console_app.live, self.query_one("#detail", Static)
        camera = live.cameras.get(self.camera_id or "")
        if camera is None or self.camera_id is None:
            nothing = "no camera matches the filter" if self.wanted else "no camera is configured"
            detail.update(Text(f"{nothing}; : opens a command, ? the keys", "dim"))
            return
        row = camera_row(self.camera_id, camera, live.now_s)
        history = live.history(self.camera_id)
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
                ("detections/s ", "dim"),
                (bars(history.fps, width), "cyan"),
                f" {row.fps}\n",
                ("latency      ", "dim"),
                (bars(history.latency_ms, width), "cyan"),
                f" {row.latency}\n",
                ("now          ", "dim"),
                _seen(camera),
            )
        )

    def _show_news(self) -> None:
        live, news = self.console_app.live, self.query_one("#news", Static)
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


def _titles(width: int, longest_id: int, *, is_wide: bool) -> list[tuple[str, int]]:
    """Give each column its width; WHY has what is left."""
    numbers = [("DET/S", 5), ("LAT", 7), ("TRK", 3), ("AGE", 6)]
    if is_wide:
        numbers = [("IN", 4), *numbers[:3], ("VIEW", 4), numbers[3]]
    id_width = min(longest_id, 64 if width > 180 else 32 if is_wide else 16)  # noqa: PLR2004
    titles = [("CAMERA", max(6, id_width)), ("STATE", 7), *numbers]
    used = sum(column + 2 for _, column in titles)
    return [*titles, ("WHY", max(10, width - used - 2 - 1))]


def _cells(row: CameraRow, titles: list[tuple[str, int]], *, is_wide: bool) -> tuple[Text, ...]:
    numbers = [row.fps, row.latency, row.tracks, row.age]
    if is_wide:
        numbers = [row.fps_in, *numbers[:3], row.viewers, row.age]
    widths = dict(titles)
    words = [Text(row.camera_id), Text(row.word, row.style), *(Text(each) for each in numbers)]
    words.append(Text(row.why, "" if row.is_well else "bold"))
    for text, width in zip((words[0], words[-1]), (widths["CAMERA"], widths["WHY"]), strict=True):
        text.truncate(width, overflow="ellipsis")
    return tuple(words)


def _seen(camera: Json) -> str:
    seen = counts(camera.get("objects") or [])
    return ", ".join(f"{count} {label}" for label, count in seen.items()) or "nothing in sight"


class CameraView(CameraActions):
    """One camera: its numbers, what is in sight, and its picture when asked for."""

    DEFAULT_CSS = """
    CameraView #facts { height: auto; padding: 0 1; }
    CameraView #lower { height: 1fr; layout: vertical; }
    CameraView.wide #lower { layout: horizontal; }
    CameraView Preview { display: none; }
    CameraView.previewing Preview { display: block; }
    CameraView.previewing Rows { display: none; }
    CameraView.wide.previewing Rows { display: block; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("p", "preview", "preview"),
        Binding("plus,equals_sign", "change('confidence', 1)", "confidence", key_display="+/-"),
        Binding("minus", "change('confidence', -1)", "less confidence", show=False),
        Binding("right_square_bracket", "change('fps', 1)", "fps", key_display="[/]"),
        Binding("left_square_bracket", "change('fps', -1)", "less fps", show=False),
        Binding("escape", "back", "back", key_display="Esc"),
        Binding("q", "app.quit", "quit", show=False),
    ]

    def __init__(self, camera_id: str, *, with_preview: bool = False) -> None:
        super().__init__()
        self._camera_id = camera_id
        self._with_preview = with_preview

    @property
    def camera_id(self) -> str:
        """The camera that is shown."""
        return self._camera_id

    def body(self) -> ComposeResult:
        """Lay it out."""
        yield Static(id="facts")
        with Horizontal(id="lower"):
            yield Rows(id="objects")
            yield Preview(id="preview")

    def on_mount(self) -> None:
        """Show the picture at once where that was asked for."""
        if self._with_preview:
            self.action_preview()

    def show(self) -> None:
        """Show what is known now."""
        live = self.console_app.live
        self.set_class(self.size.width >= WIDE_COLUMNS, "wide")
        camera = live.cameras.get(self._camera_id)
        if camera is None:
            self.query_one("#facts", Static).update(Text(f"there is no camera {self._camera_id} any more"))
            return
        row = camera_row(self._camera_id, camera, live.now_s)
        history = live.history(self._camera_id)
        width = max(10, min(SPARK_COLUMNS, self.size.width - 28))
        self.query_one("#facts", Static).update(
            Text.assemble(
                (row.camera_id, "bold"),
                f"  {row.name}  " if row.name != row.camera_id else "  ",
                (row.word, row.style),
                f"  {row.why}\n" if row.why else "\n",
                _numbers(camera, row),
                "\n",
                ("detections/s ", "dim"),
                (bars(history.fps, width), "cyan"),
                f" {row.fps}\n",
                ("latency      ", "dim"),
                (bars(history.latency_ms, width), "cyan"),
                f" {row.latency}\n",
                ("settings     ", "dim"),
                _settings(camera["settings"]),
                "\n",
                ("in sight     ", "dim"),
                _seen(camera),
                *_zones(camera),
            )
        )
        self.query_one("#objects", Rows).show(OBJECT_TITLES, _objects(camera))

    def action_change(self, setting: str, steps: int) -> None:
        """Change a number of detection by one step."""
        camera = self.console_app.live.cameras.get(self._camera_id)
        if camera:
            self.console_app.step(self._camera_id, setting, camera["settings"][setting], steps)

    def action_preview(self) -> None:
        """Show the picture, or hide it."""
        self.toggle_class("previewing")
        self.refresh(layout=True)
        if self.has_class("previewing"):
            self.run_worker(self._show_pictures(), group="preview", exclusive=True)

    async def _show_pictures(self) -> None:
        """Fetch one picture after the other for as long as somebody looks."""
        preview = self.query_one(Preview)
        while self.has_class("previewing") and self.is_attached:
            width, height = preview.size
            if self.is_current and width and height:
                limits = min(LARGEST_PREVIEW_PX, width), min(LARGEST_PREVIEW_PX, max(2, 2 * height))
                try:
                    preview.show(await self.console_app.picture(self._camera_id, *limits))
                except ControlError as error:
                    preview.say(str(error))
            await asyncio.sleep(PREVIEW_EVERY_S)


SPARK_COLUMNS = 120
OBJECT_TITLES = (("TRACK", 6), ("LABEL", 12), ("SURE", 5), ("AGE", 7), ("MOTION", 20), ("ZONES", 18))


def _numbers(camera: Json, row: CameraRow) -> Text:
    facts = {
        "stream": " ".join(filter(None, (camera.get("codec"), camera.get("size")))) or "-",
        "decoder": camera.get("decoder") or "-",
        "in": f"{row.fps_in}/s",
        "viewers": row.viewers,
        "age": row.age,
        "dropped": camera.get("drops") or 0,
        "decode errors": camera.get("decode_errors") or 0,
        "reconnects": camera.get("reconnects") or 0,
    }
    return Text(", ").join(Text.assemble((f"{name} ", "dim"), str(value)) for name, value in facts.items())


def _settings(settings: Json) -> str:
    return f"{settings_line(settings)}, {', '.join(settings['labels'])}"


def _zones(camera: Json) -> list[Text]:
    """Say who is in which zone, where there are zones."""
    zones = camera.get("zones") or {}
    told = ", ".join(
        f"{name} {' and '.join(f'{count} {label}' for label, count in inside.items() if count) or 'empty'}"
        for name, inside in zones.items()
    )
    return [Text.assemble(("\nzones        ", "dim"), told)] if zones else []


def _objects(camera: Json) -> list[tuple[str, tuple[Text, ...]]]:
    return [
        (
            f"{number}",
            (
                Text(str(each["track_id"])),
                Text(each["label"]),
                Text(f"{each['confidence']:.2f}"),
                Text(f"{each['age']:.1f} s"),
                Text(each["motion"].replace("_", " ")),
                Text(", ".join(each.get("zones") or ()), overflow="ellipsis"),
            ),
        )
        for number, each in enumerate(camera.get("objects") or [])
    ]


class LogsView(View):
    """The log as it comes, from a level up, searched while one types."""

    DEFAULT_CSS = "LogsView RichLog { height: 1fr; padding: 0 1; scrollbar-size-horizontal: 0; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("v", "level", "level"),
        Binding("escape", "back", "back", key_display="Esc"),
        Binding("q", "app.quit", "quit", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._level = "info"
        self._shown: tuple[str, str, int] | None = None
        self._seen = 0

    def body(self) -> ComposeResult:
        """Lay it out."""
        yield Static(id="what", classes="title")
        yield RichLog(max_lines=2000, wrap=True, min_width=20)

    def show(self) -> None:
        """Write what is new; everything when what is asked for has changed."""
        live, log = self.console_app.live, self.query_one(RichLog)
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
                    system = await self.console_app.ask(verbs.SYSTEM)
                    model = await self.console_app.ask(verbs.MODEL)
                except ControlError as error:
                    self.query_one("#machine", Static).update(Text(str(error), "bold red"))
                else:
                    self._show_answer(system, model)
            await asyncio.sleep(SYSTEM_EVERY_S)

    def _show_answer(self, system: Json, model: Json) -> None:
        broker = (self.console_app.live.status or {}).get("broker")
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


class ConfigView(View):
    """Every setting in force and where it comes from; secrets stay hidden."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("R", "app.reload", "reload the file"),
        Binding("escape", "back", "back", key_display="Esc"),
        Binding("q", "app.quit", "quit", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
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
            self._config = await self.console_app.ask(verbs.CONFIG)
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


VIEWS: dict[str, type[View]] = {
    "overview": Overview,
    "logs": LogsView,
    "system": SystemView,
    "config": ConfigView,
}
