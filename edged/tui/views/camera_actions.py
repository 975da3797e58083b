"""Keys that act on a camera, on every screen that shows one."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding

from edged.tui.views.view import View

if TYPE_CHECKING:
    from textual.binding import BindingType


class CameraActions(View):
    """A screen on which a camera can be acted on."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("e", "camera('toggle')", "on/off", tooltip="let go of the camera, or connect to it"),
        Binding("r", "camera('restart')", "restart", tooltip="restart: connect to the camera anew, at once"),
        Binding("d", "camera('detect')", "detect", tooltip="switch detection on or off"),
        Binding("s", "camera('snapshot')", "save", show=False, tooltip="save a picture into this folder"),
    ]

    def action_camera(self, what: str) -> None:
        """Do something with the camera that is meant."""
        if self.camera_id is not None:
            self.desk.act(what, self.camera_id)
