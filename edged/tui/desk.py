"""What a screen needs of the console around it: what is known, and somebody who does what keys ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable

    from edged.control.client import RawPicture
    from edged.control.verbs import Verb
    from edged.tui.live import Live

Json = dict[str, Any]


class Desk(Protocol):
    """The console, as its screens see it."""

    live: Live

    async def ask(self, verb: Verb, camera_id: str = "", value: object = None) -> Json:
        """Ask the daemon; raises ControlError."""

    async def picture(self, camera_id: str, width: int, height: int) -> RawPicture:
        """Fetch a picture of now; raises ControlError."""

    def act(self, what: str, camera_id: str) -> None:
        """Do something with a camera; what stops it is asked first."""

    def step(self, camera_id: str, setting: str, steps: int) -> None:
        """Change a setting of a camera by so many steps."""

    def obey(self, command: str, camera_id: str | None) -> None:
        """Do what was typed after the colon."""

    def suggestions(self) -> Iterable[str]:
        """List what can be typed after the colon."""

    def open_camera(self, camera_id: str, *, with_preview: bool = False) -> None:
        """Go into a camera."""

    def go_back(self) -> None:
        """Leave a screen for the one before it."""
