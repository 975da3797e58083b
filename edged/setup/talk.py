"""The conversation: questions, what is said, and pictures in the terminal."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING

from rich.console import Console
from rich.style import Style
from rich.text import Text

from edged.core.halfblock import UPPER_HALF, rows
from edged.core.types import Size

if TYPE_CHECKING:
    from collections.abc import Callable

    from edged.core.types import Picture

    Ask = Callable[[str], str]

PREVIEW_COLUMNS = 72
SKIP = "-"


class Talk:
    """Asks somebody, or nobody: then every question has the empty answer."""

    def __init__(self, ask: Ask | None = input, ask_hidden: Ask | None = getpass.getpass) -> None:
        self._ask = ask
        self._ask_hidden = ask_hidden or ask
        self._console = Console(highlight=False)

    @classmethod
    def with_nobody(cls) -> Talk:
        """For scripts."""
        return cls(None, None)

    @property
    def has_somebody(self) -> bool:
        """Whether there is anybody to ask."""
        return self._ask is not None

    def question(self, text: str) -> str:
        """Ask for something."""
        return self._ask(f"{text}: ").strip() if self._ask else ""

    def secret(self, text: str) -> str:
        """Ask for something that nobody may read over one's shoulder."""
        return self._ask_hidden(f"{text}: ") if self._ask_hidden else ""

    def agrees(self, text: str) -> bool:
        """Ask for a yes."""
        return self.question(f"{text} (y/N)").lower() in {"y", "yes"}

    def say(self, text: str) -> None:
        """Say something, in a line of its own."""
        self._console.print(Text(text), soft_wrap=True)

    def heading(self, text: str) -> None:
        """Say what comes next, to whoever is there."""
        if self.has_somebody:
            self._console.print(Text(f"\n{text}", "bold"), soft_wrap=True)

    def show(self, picture: Picture) -> None:
        """Show a picture, where there is a terminal."""
        if not self._console.is_terminal:
            return
        width = max(2, min(PREVIEW_COLUMNS, self._console.width) & ~1)
        size = Size(width, max(2, int(picture.size.height * width / picture.size.width) & ~1))
        rgb = picture.bgr(size)[:, :, ::-1].tobytes()
        for row in rows(rgb, size.width, size.height):
            text = Text()
            for upper, lower in row:
                text.append(UPPER_HALF, Style(color=f"rgb{upper}", bgcolor=f"rgb{lower}"))
            self._console.print(text)
