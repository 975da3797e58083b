"""The demo on a terminal: cameras, pictures of boxes, topics and events on one screen that changes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from edged.demo.lines import places

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rich.console import ConsoleDimensions, RenderableType

    from edged.demo.board import Board, CameraTally, Seen
    from edged.demo.stage import Ports

BARS = " ▁▂▃▄▅▆▇█"
TREND_LENGTH = 16
COLOURS = ("cyan", "green", "yellow", "magenta", "blue", "red")
STATE_STYLES = {"streaming": "green", "disabled": "dim", "connecting": "yellow"}
WIDE = 110  # columns from which there is room for names beside the numbers
PICTURE_ROWS = (7, 27)
EVENT_ROWS = 4  # below the pictures, before these grow
ROWS_PER_COLUMN = 9 / 16 / 2  # a picture of 16:9 in letters that are twice as high as wide
KNOWN_FROM_ROW = ("camera_id", "timestamp", "frame", "id")  # left out of a payload so that the rest is seen


class LiveScreen:
    """Shows everything at once, four times a second."""

    every_s = 0.25

    def __init__(self) -> None:
        self._console = Console()
        self._live = Live(console=self._console, screen=True, auto_refresh=False)
        self._places: list[str] = []

    is_over = False  # who watches has only Ctrl-C

    def open(self, ports: Ports, broker_name: str, control_socket: Path) -> None:  # noqa: ARG002 - for the console
        """Take over the screen."""
        self._places = places(ports, broker_name)
        self._live.start()

    def show(self, board: Board) -> None:
        """Draw everything anew."""
        self._live.update(render(board, self._places, self._console.size), refresh=True)

    def close(self) -> None:
        """Give the screen back as it was, with the addresses left on it."""
        self._live.stop()
        for line in self._places:
            self._console.print(line, highlight=False, soft_wrap=True)


def render(board: Board, where: Sequence[str], size: ConsoleDimensions) -> RenderableType:
    """Lay out what is known for a screen of ``size``; what is less important only where there is room."""
    problems = [Text(f"! {text}", "yellow", no_wrap=True, overflow="ellipsis") for text in board.problems[:2]]
    footer = [Text(line, "dim", no_wrap=True, overflow="ellipsis") for line in where]
    fixed_rows = 7 + len(board.cameras) + len(board.topics) + len(problems) + len(footer)
    picture_rows, event_rows = _share(size.height - fixed_rows, size.width // len(board.cameras))
    parts: list[RenderableType] = [_header(board, size.width), Text(), _cameras(board, size.width)]
    if picture_rows:
        parts.append(_pictures(board, size.width // len(board.cameras), picture_rows))
    parts += [Text(), _topics(board)]
    if event_rows:
        parts += [Text("events", "bold"), *_events(board, event_rows)]
    return Group(*parts, Text(), *problems, *footer)


def _share(rows: int, columns: int) -> tuple[int, int]:
    """Share the rows that are left between the pictures and the events below a heading."""
    least, most = PICTURE_ROWS
    if rows < least:
        return 0, max(rows - 1, 0)
    wanted = round((columns - 2) * ROWS_PER_COLUMN) + 2
    pictures = max(least, min(most, wanted, rows - EVENT_ROWS - 1))
    return pictures, max(rows - pictures - 1, 0)


def _header(board: Board, width: int) -> Text:
    minutes, seconds = divmod(int(board.running_s), 60)
    left = Text.assemble(("edged demo", "bold"), f"  {minutes}:{seconds:02d}", ("  Ctrl-C ends it", "dim"))
    if box := board.health.get("box"):
        right = f"CPU {box['cpu_percent']:.0f} %   {box['memory_bytes'] / 1e6:.0f} MB"
        left.append(right.rjust(width - left.cell_len), "dim")
    return left


def _cameras(board: Board, width: int) -> Table:
    table = Table.grid(padding=(0, 2), expand=True)
    for name, justify in (("camera", "left"), ("state", "left"), ("in", "right"), ("detected", "right")):
        table.add_column(name, justify=justify, no_wrap=True)  # type: ignore[arg-type]
    table.add_column("latency", justify="right", no_wrap=True)
    table.add_column("tracks", justify="right", no_wrap=True)
    table.add_column("lately", no_wrap=True, width=TREND_LENGTH)
    table.add_column("who", no_wrap=True, overflow="ellipsis", ratio=1)
    table.add_row("camera", "state", "in", "detected", "latency", "tracks", "lately", "", style="bold")
    for camera_id, tally in board.cameras.items():
        table.add_row(*_camera_row(camera_id, tally, board, width))
    return table


def _camera_row(camera_id: str, tally: CameraTally, board: Board, width: int) -> list[RenderableType]:
    health = board.health.get("cameras", {}).get(camera_id)
    if health is None:
        return [camera_id, Text("…", "dim")]
    state = Text(health["state"], STATE_STYLES.get(health["state"], "red"))
    latency = f"{health['latency_ms']:.0f} ms" if health["latency_ms"] is not None else "-"
    rates = [f"{health['fps_in']:.0f} fps", f"{health['fps_detected']:.1f}/s", latency]
    who = Text("  ").join(Text(str(each), _colour(each)) for each in tally.now) if width >= WIDE else Text()
    return [camera_id, state, *rates, str(len(tally.now)), Text(_trend(tally), "cyan"), who]


def _trend(tally: CameraTally) -> str:
    """Draw how many tracks there were in the last passes."""
    counts = list(tally.counts)[-TREND_LENGTH:]
    most = max(counts, default=0) or 1
    return "".join(BARS[-(-count * (len(BARS) - 1) // most)] for count in counts)


def _colour(seen: Seen) -> str:
    return COLOURS[seen.track_id % len(COLOURS)]


def _pictures(board: Board, columns: int, rows: int) -> Table:
    table = Table.grid()
    width = min(columns, round((rows - 2) / ROWS_PER_COLUMN) + 2)
    panels = []
    for camera_id, tally in board.cameras.items():
        table.add_column(width=columns)
        picture = _picture(tally.now, width - 2, rows - 2)
        panels.append(Panel(picture, title=camera_id, border_style="dim", width=width, padding=0))
    table.add_row(*panels)
    return table


def _picture(tracks: Sequence[Seen], columns: int, rows: int) -> Text:
    """Draw each track's box where it is in the camera's picture."""
    letters = [[" "] * columns for _ in range(rows)]
    styles = [[""] * columns for _ in range(rows)]

    def put(column: int, row: int, letter: str, style: str) -> None:
        if 0 <= column < columns and 0 <= row < rows:
            letters[row][column], styles[row][column] = letter, style

    for seen in tracks:
        x1, x2 = (round(x * (columns - 1)) for x in seen.box[::2])
        y1, y2 = (round(y * (rows - 1)) for y in seen.box[1::2])
        style = _colour(seen)
        for column in range(x1 + 1, x2):
            put(column, y1, "─", style)
            put(column, y2, "─", style)
        for row in range(y1 + 1, y2):
            put(x1, row, "│", style)
            put(x2, row, "│", style)
        for column, row, corner in ((x1, y1, "┌"), (x2, y1, "┐"), (x1, y2, "└"), (x2, y2, "┘")):
            put(column, row, corner, style)
        for offset, letter in enumerate(str(seen)):
            put(x1 + 1 + offset, y1, letter, f"bold {style}")
    text = Text(no_wrap=True, overflow="crop")
    for row in range(rows):
        for letter, style in zip(letters[row], styles[row], strict=True):
            text.append(letter, style)
        text.append("\n" if row < rows - 1 else "")
    return text


def _topics(board: Board) -> Table:
    table = Table.grid(padding=(0, 2), expand=True)
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    table.add_row(f"{board.base_topic}/", str(board.messages), "newest message", style="bold")
    order = [None, *board.cameras]
    names = [topic.removeprefix(f"{board.base_topic}/") for topic in board.topics]
    for name in sorted(names, key=lambda name: _place(name, order)):
        topic = board.topics[f"{board.base_topic}/{name}"]
        table.add_row(Text(name, "cyan"), str(topic.messages), Text(_essence(topic.payload), "dim"))
    return table


def _place(name: str, order: list[str | None]) -> tuple[int, str]:
    """Sort the box before its cameras, and these as they were configured."""
    camera_id, separator, _ = name.partition("/")
    return (order.index(camera_id) if separator and camera_id in order else 0, name)


def _essence(payload: bytes) -> str:
    """Show a payload on one line, without what its row or its neighbours already tell."""
    try:
        message = json.loads(payload)
    except UnicodeDecodeError:
        return f"{len(payload) / 1000:.0f} kB, not text"
    except ValueError:
        return payload.decode()
    if isinstance(message, dict):
        message = {key: value for key, value in message.items() if key not in KNOWN_FROM_ROW}
    return json.dumps(message, separators=(",", ":"), ensure_ascii=False)


def _events(board: Board, rows: int) -> list[Text]:
    return [Text(event, no_wrap=True, overflow="ellipsis") for event in list(board.events)[-rows:]]
