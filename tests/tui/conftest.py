"""The console without a terminal, against a daemon or something that talks like one."""

from __future__ import annotations

import asyncio
import tempfile
import time
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from edged.tui.app import Console
from tests.control.conftest import daemon

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from textual.pilot import Pilot

__all__ = ["daemon"]


@pytest.fixture(autouse=True)
def _same_everywhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The time of day and the colours must not depend on whose machine this is."""
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.delenv("NO_COLOR", raising=False)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def socket() -> Iterator[Path]:
    """Where a fake may listen: pytest's own folders have names too long for a socket."""
    with tempfile.TemporaryDirectory(prefix="edged-") as folder:
        yield Path(folder, "s")


@asynccontextmanager
async def console(socket: Path, size: tuple[int, int] = (120, 40)) -> AsyncIterator[Pilot[None]]:
    """The console at work."""
    app = Console(socket)
    async with app.run_test(size=size, notifications=True) as pilot:
        await until(pilot, lambda: app.live.status is not None or app.live.down is not None)
        yield pilot


async def until(pilot: Pilot[None], condition: Callable[[], object], timeout_s: float = 15.0) -> None:
    """Let the console run until ``condition`` holds."""
    async with asyncio.timeout(timeout_s):
        while not condition():
            await pilot.pause(0.02)
    await pilot.pause()
