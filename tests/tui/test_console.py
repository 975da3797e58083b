"""The console on the real API of a real daemon."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, cast

from textual.widgets import RichLog, Static

from edged.tui.dialogs import Confirm, DaemonDown, Keys
from edged.tui.views import CameraView, ConfigView, LogsView, Overview, SystemView
from edged.tui.widgets import Head, Preview, Rows
from tests.control.conftest import PASSWORD, config
from tests.daemon.conftest import MODEL
from tests.parts.control import ask
from tests.parts.daemon import EdgedProcess
from tests.parts.fake_control import FakeControl, box, camera
from tests.tui.conftest import console, until

if TYPE_CHECKING:
    from pathlib import Path

    import pytest
    from textual.pilot import Pilot

    from edged.tui.app import Console


def app(pilot: Pilot[None]) -> Console:
    return cast("Console", pilot.app)


def text(pilot: Pilot[None]) -> str:
    """Everything on the screen."""
    lines = pilot.app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in line) for line in lines)


def street(daemon: EdgedProcess) -> Any:
    return ask(daemon.socket, "/status")[1]["cameras"]["street"]


async def test_the_problem_stands_first_with_its_reason(daemon: EdgedProcess) -> None:
    async with console(daemon.socket) as pilot:
        next_and_why = r"(in \d+ s|now): connection refused: nothing listens at this port"
        await until(pilot, lambda: re.search(next_and_why, text(pilot)))
        lines = text(pilot).splitlines()
        assert "edged test" in lines[0]
        assert lines[2].split()[0] == "gone"
        assert lines[3].split()[:2] == ["street", "ok"]


async def test_settings_are_changed_in_place(daemon: EdgedProcess) -> None:
    before = street(daemon)["settings"]
    async with console(daemon.socket) as pilot:
        await pilot.press("down", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, CameraView))
        await pilot.press("plus")
        await until(pilot, lambda: street(daemon)["settings"]["confidence"] == 0.35)
        await until(pilot, lambda: "confidence 0.35" in text(pilot))
        await pilot.press("v")
        await until(pilot, lambda: "live high" in text(pilot))
        await pilot.press("v", "v", "v")
        await until(pilot, lambda: "live auto" in text(pilot))
        await pilot.press("minus")
        await until(pilot, lambda: street(daemon)["settings"] == before)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, Overview))


async def test_what_stops_something_is_asked_first(daemon: EdgedProcess) -> None:
    async with console(daemon.socket) as pilot:
        await pilot.press("down", "e")
        await until(pilot, lambda: isinstance(pilot.app.screen, Confirm))
        await pilot.press("n")
        assert street(daemon)["state"] == "streaming"
        await pilot.press("e")
        await until(pilot, lambda: isinstance(pilot.app.screen, Confirm))
        await pilot.press("y")
        await until(pilot, lambda: app(pilot).live.cameras["street"]["state"] == "disabled")
        await until(pilot, lambda: "switched off by a command" in text(pilot))
        app(pilot).obey("enable street", None)
        await until(pilot, lambda: app(pilot).live.cameras["street"]["state"] == "streaming")


async def test_the_picture_is_shown_while_it_is_looked_at(daemon: EdgedProcess) -> None:
    async with console(daemon.socket) as pilot:
        await pilot.press("down", "p")
        await until(pilot, lambda: isinstance(pilot.app.screen, CameraView))
        preview = pilot.app.screen.query_one(Preview)
        await until(pilot, lambda: len(preview._strips) > 10)
        assert "▀" in text(pilot)
        colours = {segment.style for strip in preview._strips for segment in strip}
        assert len(colours) > 50


async def test_logs_are_filtered_by_level_and_word(daemon: EdgedProcess) -> None:
    async with console(daemon.socket) as pilot:
        await pilot.press("l")
        await until(pilot, lambda: isinstance(pilot.app.screen, LogsView))
        log = pilot.app.screen.query_one(RichLog)
        await until(pilot, lambda: any("model edged-demo.onnx" in line.text for line in log.lines))
        await pilot.press("v")
        await until(pilot, lambda: all("info" not in line.text[9:16] for line in log.lines))
        await pilot.press("slash", *"refused")
        await until(pilot, lambda: log.lines and all("refused" in line.text for line in log.lines))
        await pilot.press("escape", "escape", "escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, Overview))


async def test_config_says_where_values_come_from_and_hides_secrets(daemon: EdgedProcess) -> None:
    async with console(daemon.socket, (120, 60)) as pilot:
        await pilot.press("c")
        await until(pilot, lambda: isinstance(pilot.app.screen, ConfigView))
        await until(pilot, lambda: "mqtt.password" in text(pilot))
        assert "***" in text(pilot)
        await pilot.press("slash", *"url")
        await until(pilot, lambda: "rtsp://***@127.0.0.1:9/x" in text(pilot))
        assert PASSWORD not in text(pilot)
        assert "mqtt.password" not in text(pilot)


async def test_system_shows_threads_and_queues(daemon: EdgedProcess) -> None:
    async with console(daemon.socket) as pilot:
        await pilot.press("y")
        await until(pilot, lambda: isinstance(pilot.app.screen, SystemView))
        await until(pilot, lambda: "inference-0" in text(pilot) and "street: frames to detect" in text(pilot))
        assert "onnxruntime" in text(pilot)


async def test_what_is_in_sight_and_the_threads_can_be_filtered(socket: Path) -> None:
    async with FakeControl(socket, box({"front": camera()})), console(socket) as pilot:
        await pilot.press("enter")
        await until(pilot, lambda: len(pilot.app.screen.query_one(Rows)._shown) == 2)
        await pilot.press("slash", *"person")
        await until(pilot, lambda: len(pilot.app.screen.query_one(Rows)._shown) == 1)
        await pilot.press("escape", "escape")
        await until(pilot, lambda: len(pilot.app.screen.query_one(Rows)._shown) == 2)


async def test_an_answer_shows_until_the_daemon_tells_more(socket: Path) -> None:
    changes = [{"changes": {"cameras": {"front": {"tracks": 7}}}}]
    async with FakeControl(socket, box({"front": camera()}), changes=changes), console(socket) as pilot:
        live = app(pilot).live
        live.take_camera("front", {"state": "connecting"})
        assert live.cameras["front"]["state"] == "connecting"
        await until(pilot, lambda: live.cameras["front"]["tracks"] == 7)
        assert live.cameras["front"]["state"] == "streaming"


async def test_a_long_setting_can_be_read_in_full(daemon: EdgedProcess) -> None:
    async with console(daemon.socket, (80, 24)) as pilot:
        await pilot.press("c")
        await until(pilot, lambda: isinstance(pilot.app.screen, ConfigView))
        await pilot.press("slash", *"model.file", "enter")
        whole = pilot.app.screen.query_one("#whole", Static)
        await until(pilot, lambda: str(whole.render()) == f"model.file = {MODEL}")


async def test_commands_are_typed_after_a_colon(daemon: EdgedProcess) -> None:
    async with console(daemon.socket) as pilot:
        await pilot.press("colon", *"set street fps 4", "enter")
        await until(pilot, lambda: street(daemon)["settings"]["fps"] == 4)
        await pilot.press("colon", *"set street fps 5", "enter")
        await until(pilot, lambda: street(daemon)["settings"]["fps"] == 5)
        await pilot.press("colon", *"set street fps 99", "enter")
        await until(pilot, lambda: "expected a number from 0.1 to 30" in text(pilot))
        await pilot.press("colon", *"relaod", "enter")
        await until(pilot, lambda: "did you mean reload?" in text(pilot))
        await pilot.press("colon", *"config", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, ConfigView))


async def test_keys_and_palette_hide_nothing(daemon: EdgedProcess) -> None:
    async with console(daemon.socket) as pilot:
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(pilot.app.screen, Keys))
        for word in ("restart", "preview", "filter", "config", "palette"):
            assert word in text(pilot)
        await pilot.press("escape")
        titles = {command.title for command in app(pilot).get_system_commands(pilot.app.screen)}
        assert titles >= {"Go to logs", "Reload", "Diagnostics", "Restart street", "Preview street"}


async def test_a_filter_of_the_overview_keeps_what_fits(daemon: EdgedProcess) -> None:
    async with console(daemon.socket) as pilot:
        await pilot.press("slash", *"stre")
        await until(pilot, lambda: list(pilot.app.screen.query_one(Rows)._shown) == ["street"])
        await pilot.press("escape", "escape")
        await until(pilot, lambda: len(pilot.app.screen.query_one(Rows)._shown) == 2)


async def test_it_says_that_the_daemon_is_down_and_comes_back(tmp_path: Path) -> None:
    with EdgedProcess(tmp_path, config()) as daemon:
        async with console(daemon.socket) as pilot:
            daemon.stop()
            await until(pilot, lambda: isinstance(pilot.app.screen, DaemonDown))
            await until(pilot, lambda: "no such socket: edged does not run here" in text(pilot))
            daemon.launch()
            await until(pilot, lambda: isinstance(pilot.app.screen, Overview), 30)


async def test_old_data_says_so(socket: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with FakeControl(socket, box({"front": camera()})), console(socket) as pilot:
        monkeypatch.setattr(app(pilot).live, "_told_s", app(pilot).live._told_s - 7)
        await until(pilot, lambda: "NO DATA for" in str(pilot.app.screen.query_one(Head).render()))


async def test_a_daemon_that_knows_more_than_this_console(socket: Path) -> None:
    news = box({"front": camera(state="melted", why="too hot", fever=41), "yard": camera()}, weather="fine")
    async with FakeControl(socket, news), console(socket) as pilot:
        await until(pilot, lambda: "melted" in text(pilot))
        assert "too hot" in str(pilot.app.screen.query_one("#detail", Static).render())
