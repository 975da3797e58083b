"""``edged bench`` on a terminal and in a script."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from edged.bench.measure import run_bench, total_s
from edged.bench.report import advice, capacity_table, costs_table, legend, overhead, report_json

if TYPE_CHECKING:
    from pathlib import Path


def bench(config: Path | None, seconds: float, *, as_json: bool) -> None:
    """Measure, with a bar on stderr, and print the outcome on stdout."""
    screen = Console(stderr=True)
    # It draws when it is told to and not by itself: a thread that draws would be measured with the floor.
    with Bar(
        *_columns(), console=screen, auto_refresh=False, transient=True, disable=not screen.is_terminal
    ) as bar:
        report = run_bench(config, seconds, _OnBar(bar, total_s(seconds)))
    out = Console()
    if as_json:
        out.print(json.dumps(report_json(report), indent=2), markup=False, highlight=False, soft_wrap=True)
        return
    for part in (
        costs_table(report),
        overhead(report),
        "",
        capacity_table(report),
        legend(),
        "",
        *advice(report),
    ):
        out.print(part, highlight=False)


class _OnBar:
    def __init__(self, bar: Bar, total_s: float) -> None:
        self._bar = bar
        self._task = bar.add_task("", total=total_s)

    def step(self, what: str) -> None:
        self._bar.update(self._task, description=what, refresh=True)

    def advance(self, seconds: float) -> None:
        self._bar.update(self._task, advance=seconds, refresh=True)


def _columns() -> tuple[TextColumn | BarColumn | TimeRemainingColumn, ...]:
    return (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
