"""What is typed after the colon: ``restart porch``, ``set fps 2``, ``logs``."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edged.control import verbs

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from edged.control.verbs import Verb

BOX_ACTIONS = {
    "reload": "app.reload",
    "diagnostics": "app.diagnostics",
    "keys": "app.keys",
    "quit": "app.quit",
}
CAMERA_ACTS = ("enable", "disable", "restart", "detect", "snapshot")
LOOKS = ("camera", "preview")
SET_EXAMPLE = "for example: set porch fps 5, or set porch confidence 0.4"


class NotUnderstoodError(ValueError):
    """Says what would have been understood."""


@dataclass(frozen=True, slots=True)
class GoTo:
    """Show one of the screens."""

    view: str


@dataclass(frozen=True, slots=True)
class Run:
    """Do something with the whole box, or the console."""

    action: str


@dataclass(frozen=True, slots=True)
class LookAt:
    """Go into a camera."""

    camera_id: str
    with_preview: bool


@dataclass(frozen=True, slots=True)
class Act:
    """Do what a key does with a camera."""

    what: str
    camera_id: str


@dataclass(frozen=True, slots=True)
class Change:
    """Give a setting of a camera a value."""

    verb: Verb
    camera_id: str
    value: str


Typed = GoTo | Run | LookAt | Act | Change


def understand(
    command: str, chosen: str | None, *, views: Collection[str], cameras: Collection[str]
) -> Typed:
    """Read a command; one for a camera means ``chosen`` where it names none. Raises NotUnderstoodError."""
    name, *words = command.split()
    if name in views:
        return GoTo(name)
    if name in BOX_ACTIONS:
        return Run(BOX_ACTIONS[name])
    if name not in (*CAMERA_ACTS, *LOOKS, "set"):
        raise NotUnderstoodError(_unknown(name, [*views, *BOX_ACTIONS, *CAMERA_ACTS, *LOOKS, "set"]))
    if words and words[0] in cameras:
        chosen, *words = words
    if chosen is None:
        msg = f"which camera? For example: {name} porch"
        raise NotUnderstoodError(msg)
    return _for_camera(name, chosen, words)


def suggestions(views: Collection[str], cameras: Collection[str]) -> Iterator[str]:
    """List what can be typed, for who begins to."""
    yield from views
    yield from BOX_ACTIONS
    for camera_id in cameras:
        yield from (f"{name} {camera_id}" for name in (*CAMERA_ACTS, *LOOKS))
        yield from (f"set {camera_id} {setting} " for setting in verbs.SETTINGS)


def _for_camera(name: str, camera_id: str, words: list[str]) -> Typed:
    match name, words:
        case ("set", [setting, value]) if setting in verbs.SETTINGS:
            return Change(verbs.COMMANDS[setting], camera_id, value)
        case ("set", _):
            raise NotUnderstoodError(SET_EXAMPLE)
        case ("detect", [value]):
            return Change(verbs.DETECT, camera_id, value)
        case (_, [stranger, *_]):
            msg = f"there is no camera {stranger[:64]}"
            raise NotUnderstoodError(msg)
    return LookAt(camera_id, name == "preview") if name in LOOKS else Act(name, camera_id)


def _unknown(name: str, known: list[str]) -> str:
    guess = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {guess[0]}?" if guess else f"known: {', '.join(known)}"
    return f"there is no command {name[:64]}; {hint}"
