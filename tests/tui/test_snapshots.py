"""Pictures of the main states at three sizes; EDGED_NEW_SNAPSHOTS=1 takes them anew, to be looked at."""

from __future__ import annotations

import os
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
from textual.widgets import Static

from edged.control.client import RawPicture
from edged.tui import dialogs
from edged.tui.widgets import Preview
from tests.parts.fake_control import EVENTS, LINES, NOW_S, FakeControl, box, camera, lost
from tests.tui.conftest import console, until

if TYPE_CHECKING:
    from textual.pilot import Pilot

    from edged.tui.app import Console

FOLDER = Path(__file__).parent / "snapshots"
SIZES = ((80, 24), (120, 40), (200, 60))
UNIT = "LoadState=loaded\nActiveState=failed\nResult=exit-code\nExecMainStatus=78\n"
LONG = "the_camera_over_the_second_door_of_the_old_barn_by_the_lake1"
STATES: dict[str, dict[str, Any]] = {
    "well": {"front": camera(), "yard": camera(name="Yard")},
    "lost": {"front": camera(), "yard": lost(name="Yard")},
    "none": {},
    "sixteen": {
        f"cam{number:02}": lost() if number == 7 else camera(overloaded=number == 3, viewers=0)
        for number in range(16)
    },
    "long": {LONG: lost(name="A name that somebody has typed in with a lot of patience"), "b": camera()},
}


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("state", STATES)
async def test_overview(state: str, size: tuple[int, int], socket: Path) -> None:
    told = box(STATES[state], events=EVENTS if STATES[state] else [])
    async with FakeControl(socket, told, LINES) as fake, console(socket, size) as pilot:
        await shown(pilot, fake)
        compare(pilot, f"overview-{state}-{size[0]}x{size[1]}")


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_camera(size: tuple[int, int], socket: Path) -> None:
    async with FakeControl(socket, box(STATES["well"]), LINES) as fake, console(socket, size) as pilot:
        await shown(pilot, fake)
        await pilot.press("enter")
        await pilot.pause()
        compare(pilot, f"camera-{size[0]}x{size[1]}")


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_daemon_down(size: tuple[int, int], socket: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def output_of(*command: str) -> str:
        return UNIT if command[0] == "systemctl" else "some line\nother\n"

    monkeypatch.setattr(dialogs, "output_of", output_of)
    async with console(socket, size) as pilot:
        await until(pilot, lambda: isinstance(pilot.app.screen, dialogs.DaemonDown))
        journal = pilot.app.screen.query_one("#journal", Static)
        await until(pilot, lambda: "other" in str(journal.render()))
        cast(
            "Console", pilot.app
        ).live.down = "/run/edged/control.sock: no such socket: edged does not run here"
        cast("Console", pilot.app).refresh_view()
        await pilot.pause()
        compare(pilot, f"down-{size[0]}x{size[1]}")


async def test_without_colours(socket: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with FakeControl(socket, box(STATES["lost"]), LINES) as fake, console(socket, (80, 24)) as pilot:
        await shown(pilot, fake)
        assert "retry" in pilot.app.export_screenshot()
        await pilot.press("p")
        preview = pilot.app.screen.query_one(Preview)
        preview.show(RawPicture(4, 2, bytes(range(24))))
        await pilot.pause()
        preview.say("there is no picture")
        await until(pilot, lambda: "there&#160;is&#160;no&#160;picture" in pilot.app.export_screenshot())


async def shown(pilot: Pilot[None], fake: FakeControl) -> None:
    """Wait until everything that was told stands on the screen."""
    console_app = cast("Console", pilot.app)
    live = console_app.live
    await until(pilot, lambda: fake.clients == 2 and len(live.lines) == len(LINES))
    assert live.status is not None
    live.status["timestamp"] = NOW_S - live.silent_s
    for camera_id, told in live.cameras.items():
        is_well = told["state"] == "streaming"
        live.history(camera_id).fps = deque(5 - (n % 17 == 0) if is_well or n < 50 else 0 for n in range(60))
        live.history(camera_id).latency_ms = deque(
            80 + 30 * (n % 7 == 0) if is_well or n < 50 else 0 for n in range(60)
        )
    console_app.refresh_view()
    await pilot.pause()


def compare(pilot: Pilot[None], name: str) -> None:
    """Hold the screen against the picture of it that somebody has looked at."""
    file, svg = FOLDER / f"{name}.svg", pilot.app.export_screenshot(title="edged")
    if "EDGED_NEW_SNAPSHOTS" in os.environ:
        FOLDER.mkdir(exist_ok=True)
        file.write_text(svg)
    if svg != file.read_text():
        other = file.with_suffix(".now.svg")
        other.write_text(svg)
        pytest.fail(f"looks different: {file.name}, now {other}")
