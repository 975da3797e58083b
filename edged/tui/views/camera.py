"""One camera from near: its numbers, what is in sight, and its picture."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, ClassVar

from rich.text import Text
from textual.binding import Binding
from textual.containers import Horizontal
from textual.widgets import Static

from edged.control.wording import camera_row, seen, settings_line
from edged.core.errors import ControlError
from edged.tui.views.camera_actions import CameraActions
from edged.tui.views.view import BACK, QUIT, WIDE_COLUMNS
from edged.tui.widgets import Preview, Rows, trends

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from edged.control.wording import CameraRow
    from edged.tui.desk import Desk

Json = dict[str, Any]

PREVIEW_EVERY_S = 0.7
LARGEST_PREVIEW_PX = 512
SURE = "how sure the model must be: more or less"
OFTEN = "how often to detect: less or more"
SPARK_COLUMNS = 120
OBJECT_TITLES = (("TRACK", 6), ("LABEL", 12), ("SURE", 5), ("AGE", 7), ("MOTION", 20), ("ZONES", 18))


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
        Binding("p", "preview", "view", tooltip="preview: the picture of now, here"),
        Binding("plus,equals_sign", "change('confidence', 1)", "sure", key_display="+-", tooltip=SURE),
        Binding("minus", "change('confidence', -1)", "less sure", show=False),
        Binding("right_square_bracket", "change('fps', 1)", "fps", key_display="[]", tooltip=OFTEN),
        Binding("left_square_bracket", "change('fps', -1)", "less fps", show=False),
        Binding("v", "change('quality', 1)", "live", tooltip="what viewers get who ask for nothing else"),
        BACK,
        QUIT,
    ]

    def __init__(self, desk: Desk, camera_id: str, *, with_preview: bool = False) -> None:
        super().__init__(desk)
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
        live = self.desk.live
        self.set_class(self.size.width >= WIDE_COLUMNS, "wide")
        camera = live.cameras.get(self._camera_id)
        if camera is None:
            self.query_one("#facts", Static).update(Text(f"there is no camera {self._camera_id} any more"))
            return
        row = camera_row(self._camera_id, camera, live.now_s)
        width = max(10, min(SPARK_COLUMNS, self.size.width - 28))
        self.query_one("#facts", Static).update(
            Text.assemble(
                (row.camera_id, "bold"),
                f"  {row.name}  " if row.name != row.camera_id else "  ",
                (row.word, row.style),
                f"  {row.why}\n" if row.why else "\n",
                _numbers(camera, row),
                "\n",
                trends(live.history(row.camera_id), row, width),
                ("settings     ", "dim"),
                _settings(camera["settings"]),
                "\n",
                ("in sight     ", "dim"),
                seen(camera),
                *_zones(camera),
            )
        )
        shown = [each for each in _objects(camera) if self.is_wanted(*(cell.plain for cell in each[1]))]
        self.query_one("#objects", Rows).show(OBJECT_TITLES, shown)

    def action_change(self, setting: str, steps: int) -> None:
        """Change a number of detection by one step."""
        self.desk.step(self._camera_id, setting, steps)

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
                    preview.show(await self.desk.picture(self._camera_id, *limits))
                except ControlError as error:
                    preview.say(str(error))
            await asyncio.sleep(PREVIEW_EVERY_S)


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
