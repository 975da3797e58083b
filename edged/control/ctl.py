"""``edged ctl``: one verb from the shell, as a table for people or JSON for scripts."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.style import Style
from rich.table import Table
from rich.text import Text

from edged.control import verbs
from edged.control.client import ControlClient, RefusedError
from edged.control.wording import LEVEL_STYLES, ago, broker_word, camera_rows, event_line, settings_line, when
from edged.core.errors import ControlError
from edged.core.halfblock import UPPER_HALF, rows

if TYPE_CHECKING:
    from edged.control.verbs import Verb

Json = dict[str, Any]
Run = Callable[[ControlClient, argparse.Namespace], Awaitable[None]]

EXIT_FINE = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
WIDE = 10_000
LARGEST_PREVIEW_PX = 512
USAGE_ERRORS = frozenset({"bad_value", "unknown_camera", "unknown_verb"})
COLUMNS = ("CAMERA", "STATE", "IN", "DET/S", "LATENCY", "TRACKS", "AGE", "WHY")


def run(options: argparse.Namespace) -> int:
    """Ask the daemon what the command line says; raises ControlError when it cannot be asked."""

    async def ask() -> None:
        ask_verb: Run = options.run
        async with ControlClient(options.socket) as client:
            await ask_verb(client, options)

    try:
        asyncio.run(ask())
    except RefusedError as error:
        for line in str(error).splitlines():
            print(f"edged: {line}", file=sys.stderr)  # noqa: T201 - what a command line says
        return EXIT_USAGE if error.code in USAGE_ERRORS else EXIT_FAILED
    return EXIT_FINE


async def status(client: ControlClient, options: argparse.Namespace) -> None:
    """How everything does."""
    told = await client.ask(verbs.STATUS)
    if options.json:
        _print_json(told)
        return
    console = _console()
    box, inference = told["box"], told.get("inference")
    up = ago(box["uptime_s"])
    _print(
        console, f"edged {box['version']} on {box['id']}, up {up}; broker {broker_word(told.get('broker'))}"
    )
    if inference:
        speed = f"{inference['inference_ms']:g} ms" if inference.get("inference_ms") else "no pass yet"
        _print(console, f"model {inference['model']} on {inference['provider']}, {speed}")
    table = Table(box=None, pad_edge=False)
    for title in COLUMNS:
        table.add_column(title, no_wrap=title != "WHY")
    for row in camera_rows(told, time.time()):
        word, numbers = Text(row.word, row.style), (row.fps_in, row.fps, row.latency, row.tracks, row.age)
        table.add_row(Text(row.camera_id), word, *numbers, Text(row.why))
    console.print(table)


async def watch(client: ControlClient, options: argparse.Namespace) -> None:
    """What happens, as it happens."""
    console = _console()
    async for line in client.lines(verbs.WATCH):
        if options.json:
            _print_json(line)
            continue
        for event in line.get("events", ()):
            _print(console, event_line(event))
        for camera_id, changed in (line.get("changes", {}).get("cameras") or {}).items():
            if changed and "state" in changed:
                _print(
                    console, f"{when(time.time())} {camera_id} {changed['state']}: {changed.get('why', '')}"
                )


async def logs(client: ControlClient, options: argparse.Namespace) -> None:
    """Print lines of the log."""
    console = _console()
    follow, lines = int(options.follow), max(0, options.lines)
    async for line in client.lines(verbs.LOGS, lines=lines, level=options.level, follow=follow):
        if options.json:
            _print_json(line)
        elif "text" in line:
            level = Text(f"{line['level']:<7}", LEVEL_STYLES.get(line["level"], ""))
            _print(console, Text.assemble(when(line["time"]), " ", level, " ", line["text"]))


async def camera(client: ControlClient, options: argparse.Namespace) -> None:
    """Enable, disable or restart."""
    await _change(client, options, verbs.COMMANDS[options.action])


async def detect(client: ControlClient, options: argparse.Namespace) -> None:
    """Switch detection."""
    await _change(client, options, verbs.DETECT, options.value)


async def set_(client: ControlClient, options: argparse.Namespace) -> None:
    """Set one of a camera's settings."""
    await _change(client, options, verbs.COMMANDS[options.setting], options.value)


async def snapshot(client: ControlClient, options: argparse.Namespace) -> None:
    """Save a picture."""
    shown = {"boxes": int(not options.no_boxes), "zones": int(options.zones)}
    jpeg = await client.fetch(verbs.SNAPSHOT, options.camera, **shown)
    _save(jpeg, options.file or Path(f"{options.camera}.jpg"), options)


async def diagnostics(client: ControlClient, options: argparse.Namespace) -> None:
    """Save the archive for a bug report."""
    _save(await client.fetch(verbs.DIAGNOSTICS), options.file, options)


async def preview(client: ControlClient, options: argparse.Namespace) -> None:
    """Show a picture in the terminal."""
    console = Console(highlight=False)
    width = min(console.width, LARGEST_PREVIEW_PX)
    height = min(max(2, 2 * (console.height - 2)), LARGEST_PREVIEW_PX)
    picture = await client.picture(verbs.PREVIEW, options.camera, width=width, height=height)
    for row in rows(picture.rgb, picture.width, picture.height):
        text = Text()
        for (r1, g1, b1), (r2, g2, b2) in row:
            text.append(UPPER_HALF, Style(color=f"rgb({r1},{g1},{b1})", bgcolor=f"rgb({r2},{g2},{b2})"))
        console.print(text)


async def plain(client: ControlClient, options: argparse.Namespace) -> None:
    """Ask a verb whose answer needs no table of its own."""
    verb: Verb = options.verb
    answer = await client.ask(verb)
    if options.json:
        _print_json(answer)
        return
    console = _console()
    for key, value in answer.items():
        _print_member(console, key, value)


async def _change(
    client: ControlClient, options: argparse.Namespace, verb: Verb, value: str | None = None
) -> None:
    told = await client.ask(verb, options.camera, value=value)
    if options.json:
        _print_json(told)
        return
    _print(_console(), f"{told['camera']}: {told['state']}; {settings_line(told['settings'])}")


def _save(content: bytes, file: Path, options: argparse.Namespace) -> None:
    if str(file) == "-":
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return
    try:
        file.write_bytes(content)
    except OSError as error:
        msg = f"{file}: cannot be written: {error.strerror}"
        raise ControlError(msg) from None
    if options.json:
        _print_json({"file": str(file), "bytes": len(content)})
    else:
        _print(_console(), f"{file}: {len(content)} bytes")


def _console() -> Console:
    """A pipe is given whole lines; only a terminal has a width to fit into."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=WIDE, no_color=True)


def _print(console: Console, text: str | Text) -> None:
    console.print(Text(text) if isinstance(text, str) else text, soft_wrap=True)


def _print_json(value: Json) -> None:
    print(json.dumps(value, ensure_ascii=False), flush=True)  # noqa: T201 - what a command line says


def _print_member(console: Console, key: str, value: object) -> None:
    if isinstance(value, list) and value and isinstance(value[0], dict):
        table = Table(box=None, pad_edge=False)
        for title in value[0]:
            table.add_column(title.upper(), overflow="fold")
        for row in value:
            table.add_row(*("-" if cell is None else Text(str(cell)) for cell in row.values()))
        console.print(table)
    elif isinstance(value, dict):
        _print(console, f"{key}: {', '.join(f'{name} {inner}' for name, inner in value.items())}")
    else:
        shown = (
            ", ".join(map(str, value)) if isinstance(value, list) else "-" if value is None else str(value)
        )
        _print(console, f"{key}: {shown}")
