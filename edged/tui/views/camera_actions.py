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
        Binding("e", "camera('toggle')", "on/off"),
        Binding("r", "camera('restart')", "restart"),
        Binding("d", "camera('detect')", "detect"),
        Binding("s", "camera('snapshot')", "snap"),
    ]

    def action_camera(self, what: str) -> None:
        """Do something with the camera that is meant."""
        if self.camera_id is not None:
            self.desk.act(what, self.camera_id)
