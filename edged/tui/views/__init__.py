"""The screens one works on, one to a module; each shows what ``desk.live`` knows whenever it is told to."""

from edged.tui.views.camera import CameraView
from edged.tui.views.config import ConfigView
from edged.tui.views.logs import LogsView
from edged.tui.views.overview import Overview
from edged.tui.views.system import SystemView
from edged.tui.views.view import View

__all__ = ["VIEWS", "CameraView", "ConfigView", "LogsView", "Overview", "SystemView", "View"]

VIEWS: dict[str, type[View]] = {
    "overview": Overview,
    "logs": LogsView,
    "system": SystemView,
    "config": ConfigView,
}
