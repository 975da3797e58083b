"""The console: follows the daemon, shows its screens, and asks it to do what keys and commands say."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import App, SystemCommand
from textual.binding import Binding

from edged.control import verbs
from edged.control.client import ControlClient
from edged.control.wording import settings_line
from edged.core.errors import ControlError
from edged.tui.dialogs import Confirm, DaemonDown, Keys
from edged.tui.live import Live
from edged.tui.steps import stepped
from edged.tui.typed import Act, Change, GoTo, LookAt, NotUnderstoodError, Run, suggestions, understand
from edged.tui.views import VIEWS, CameraView, ConfigView, Overview, View

if TYPE_CHECKING:
    from collections.abc import Iterable

    from textual.binding import BindingType
    from textual.screen import Screen

    from edged.control.client import Json, RawPicture
    from edged.control.verbs import Verb

RETRY_S = 1.0
TICK_S = 1.0
LINES_AT_FIRST = 500
SCREENS = {
    "overview": "all cameras, problems first",
    "logs": "the log as it comes",
    "system": "model, broker, threads, queues",
    "config": "every setting and where it comes from",
}
ACTS = {
    "camera": "look at its numbers and tracks",
    "preview": "show its picture",
    "restart": verbs.RESTART.help,
    "toggle": "let go of it, or connect to it",
    "detect": verbs.DETECT.help,
    "snapshot": "save a picture into this folder",
}


class Console(App[None]):
    """Shows and steers the daemon behind ``socket``."""

    TITLE = "edged"
    ENABLE_COMMAND_PALETTE = True
    # Swapped colours can be seen on light and dark terminals alike, and without any colour.
    CSS = """
    DataTable > .datatable--cursor { color: ansi_default; background: ansi_default; text-style: reverse; }
    Input > .input--cursor { color: ansi_default; background: ansi_default; text-style: reverse; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+c", "quit", "quit", show=False, priority=True)]

    def __init__(self, socket: Path) -> None:
        super().__init__()
        self.live = Live()
        self._client = ControlClient(socket)

    async def on_mount(self) -> None:
        """Begin to follow."""
        self.theme = "ansi-dark"
        await self._client.__aenter__()
        await self.push_screen(Overview(self))
        self.run_worker(self._follow_status(), group="status")
        self.run_worker(self._follow_log(), group="log")
        self.set_interval(TICK_S, self._tick)

    async def on_unmount(self) -> None:
        """Hang up."""
        await self._client.__aexit__()

    async def ask(self, verb: Verb, camera_id: str = "", value: object = None) -> Json:
        """Ask the daemon; raises ControlError."""
        return await self._client.ask(verb, camera_id, value=value)

    async def picture(self, camera_id: str, width: int, height: int) -> RawPicture:
        """Fetch a picture of now; raises ControlError."""
        return await self._client.picture(verbs.PREVIEW, camera_id, width=width, height=height)

    def open_camera(self, camera_id: str, *, with_preview: bool = False) -> None:
        """Go into a camera."""
        self.push_screen(CameraView(self, camera_id, with_preview=with_preview))

    def go_back(self) -> None:
        """Leave a screen for the one before it."""
        if len(self.screen_stack) > 2:  # noqa: PLR2004 - Textual's own empty screen, and the overview
            self.pop_screen()

    def act(self, what: str, camera_id: str) -> None:
        """Do something with a camera; what stops it is asked first."""
        camera = self.live.cameras.get(camera_id)
        if camera is None:
            self.notify(f"there is no camera {camera_id}", severity="error")
        elif what == "snapshot":
            self.run_worker(self._save_snapshot(camera_id))
        elif what == "toggle":
            self.act("enable" if camera["state"] == "disabled" else "disable", camera_id)
        elif what == "disable":
            question = f"Let go of {camera_id}? Nothing of it is seen until it is switched on again."
            self._after_question(question, verbs.DISABLE, camera_id)
        elif what == "detect" and camera["settings"]["detect"]:
            question = f"Stop detection on {camera_id}? Nothing is found until it is switched on again."
            self._after_question(question, verbs.DETECT, camera_id, value=False)
        elif what == "detect":
            self.run_worker(self._do(verbs.DETECT, camera_id, value=True))
        else:
            self.run_worker(self._do(verbs.COMMANDS[what], camera_id))

    def step(self, camera_id: str, setting: str, steps: int) -> None:
        """Change a setting of a camera by so many steps."""
        camera = self.live.cameras.get(camera_id)
        if camera:
            value = stepped(camera["settings"], setting, steps)
            self.run_worker(self._do(verbs.COMMANDS[setting], camera_id, value=value), group="step")

    def obey(self, command: str, camera_id: str | None) -> None:
        """Do what was typed after the colon; a command for a camera means the chosen one if it names none."""
        try:
            typed = understand(command, camera_id, views=VIEWS, cameras=self.live.cameras)
        except NotUnderstoodError as error:
            self.notify(str(error), severity="error")
            return
        match typed:
            case GoTo(view=view):
                self.action_view(view)
            case Run(action=action):
                self.run_worker(self.run_action(action))
            case LookAt(camera_id=camera_id, with_preview=with_preview):
                self.open_camera(camera_id, with_preview=with_preview)
            case Act(what=what, camera_id=camera_id):
                self.act(what, camera_id)
            case Change(verb=verb, camera_id=camera_id, value=value):
                self.run_worker(self._do(verb, camera_id, value=value))

    def suggestions(self) -> Iterable[str]:
        """List what can be typed after the colon."""
        return suggestions(VIEWS, self.live.cameras)

    def action_view(self, name: str) -> None:
        """Go to one of the screens."""
        while len(self.screen_stack) > 2:  # noqa: PLR2004
            self.pop_screen()
        if name != "overview":
            self.push_screen(VIEWS[name](self))

    def action_keys(self) -> None:
        """Show every key of this screen."""
        ours = [
            active.binding
            for active in self.screen.active_bindings.values()
            if isinstance(active.node, View) and active.binding.tooltip
        ]
        keys = [(key_of(binding), binding.tooltip) for binding in ours]
        self.push_screen(Keys([("Enter", "go into"), *keys, ("Ctrl-P", "palette of everything")]))

    def action_reload(self) -> None:
        """Have the daemon read its configuration again."""
        self.run_worker(self._reload())

    def action_diagnostics(self) -> None:
        """Save the archive for a bug report."""
        self.run_worker(self._save_diagnostics())

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Offer everything in the palette."""
        yield from super().get_system_commands(screen)
        for name in VIEWS:
            yield SystemCommand(f"Go to {name}", SCREENS[name], lambda name=name: self.action_view(name))
        yield SystemCommand("Reload", verbs.RELOAD.help, self.action_reload)
        yield SystemCommand("Diagnostics", verbs.DIAGNOSTICS.help, self.action_diagnostics)
        for camera_id in self.live.cameras:
            for what, text in ACTS.items():
                title = f"{what.capitalize()} {camera_id}"
                yield SystemCommand(title, text, self._later(what, camera_id))

    def _later(self, what: str, camera_id: str) -> Any:  # noqa: ANN401 - what the palette takes
        if what in {"camera", "preview"}:
            return lambda: self.open_camera(camera_id, with_preview=what == "preview")
        return lambda: self.act(what, camera_id)

    async def _follow_status(self) -> None:
        while True:
            try:
                async for line in self._client.lines(verbs.WATCH):
                    self.live.take(line)
                    self._show()
                self._say_down("edged has ended the connection: it stops or restarts")
            except ControlError as error:
                self._say_down(str(error))
            await asyncio.sleep(RETRY_S)

    async def _follow_log(self) -> None:
        while True:
            try:
                self.live.forget_log()
                async for line in self._client.lines(verbs.LOGS, lines=LINES_AT_FIRST, follow=1):
                    self.live.take_log(line)
            except ControlError:
                pass  # the other connection says it
            await asyncio.sleep(RETRY_S)

    def refresh_view(self) -> None:
        """Let the screen show what is known now, also below a question."""
        shown = (screen for screen in reversed(self.screen_stack) if isinstance(screen, View | DaemonDown))
        if screen := next(shown, None):
            screen.refresh_view()

    def _say_down(self, why: str) -> None:
        self.live.down = why
        if isinstance(self.screen, DaemonDown):
            self.refresh_view()
        else:
            self.push_screen(DaemonDown(self.live))

    def _show(self) -> None:
        if isinstance(self.screen, DaemonDown):
            self.pop_screen()
        else:
            self.refresh_view()

    def _tick(self) -> None:
        """Let what stands still be seen to."""
        if self.live.is_stale:
            self.refresh_view()

    def _after_question(self, question: str, verb: Verb, camera_id: str, *, value: object = None) -> None:
        def go_on(answer: bool | None) -> None:  # noqa: FBT001 - Textual's callback
            if answer:
                self.run_worker(self._do(verb, camera_id, value=value))

        self.push_screen(Confirm(question), go_on)

    async def _do(self, verb: Verb, camera_id: str, *, value: object = None) -> None:
        try:
            told = await self.ask(verb, camera_id, value)
        except ControlError as error:
            self.notify(str(error), severity="error")
            return
        self.live.take_camera(camera_id, told)
        self.refresh_view()
        text = f"{told['state']}; {settings_line(told['settings'])}"
        self.notify(text, title=f"{camera_id}: {verb.name}", timeout=3)

    async def _reload(self) -> None:
        try:
            told = await self.ask(verbs.RELOAD)
        except ControlError as error:
            self.notify(str(error), title="reload refused: the old configuration stays", severity="error")
            return
        self.notify(f"reloaded {told['reloaded']}")
        if isinstance(self.screen, ConfigView):
            await self.screen.ask()

    async def _save_snapshot(self, camera_id: str) -> None:
        file = Path.cwd() / f"{camera_id}-{time.strftime('%Y%m%d-%H%M%S')}.jpg"
        await self._save(file, verbs.SNAPSHOT, camera_id)

    async def _save_diagnostics(self) -> None:
        await self._save(Path.cwd() / "edged-diagnostics.tar.gz", verbs.DIAGNOSTICS, "")

    async def _save(self, file: Path, verb: Verb, camera_id: str) -> None:
        try:
            content = await self._client.fetch(verb, camera_id)
            await asyncio.to_thread(file.write_bytes, content)
        except (ControlError, OSError) as error:
            self.notify(str(error), severity="error")
        else:
            self.notify(f"{file}: {len(content)} bytes")


def key_of(binding: Binding) -> str:
    """Return what is printed on the key."""
    named = {"minus": "-", "left_square_bracket": "[", "right_square_bracket": "]"}
    return binding.key_display or named.get(binding.key, binding.key)


def main(socket: Path) -> None:
    """Run the console until its user leaves."""
    Console(socket).run(mouse="TERM" in os.environ)
