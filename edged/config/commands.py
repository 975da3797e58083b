"""What can be asked of a running camera: one table behind MQTT, the control API and the console."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import ConfigDict, TypeAdapter, ValidationError

from edged.config.settings import FramesPerSecond, Score
from edged.core.types import Quality

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

_SWITCH = {"on": True, "true": True, "1": True, "off": False, "false": False, "0": False}


@dataclass(frozen=True, slots=True)
class EnableCamera:
    """Connect to a camera, or let go of it; holds over a restart."""

    camera_id: str
    enabled: bool


@dataclass(frozen=True, slots=True)
class SetDetect:
    """Switch detection of a camera."""

    camera_id: str
    enabled: bool


@dataclass(frozen=True, slots=True)
class SetConfidence:
    """Report only what the model is at least this sure of."""

    camera_id: str
    value: float


@dataclass(frozen=True, slots=True)
class SetFps:
    """Detect this often."""

    camera_id: str
    value: float


@dataclass(frozen=True, slots=True)
class SetQuality:
    """Send viewers this who ask for nothing else."""

    camera_id: str
    value: Quality


@dataclass(frozen=True, slots=True)
class RestartCamera:
    """Drop the connection to a camera and open it anew."""

    camera_id: str


@dataclass(frozen=True, slots=True)
class TakeSnapshot:
    """Publish a picture of now."""

    camera_id: str


@dataclass(frozen=True, slots=True)
class RestartBox:
    """End the daemon so that whoever started it starts it anew."""


CameraChange = EnableCamera | SetDetect | SetConfidence | SetFps | SetQuality | RestartCamera
Command = CameraChange | TakeSnapshot | RestartBox


class RefusedError(ValueError):
    """A command that is not obeyed; the text says what would have been."""


def camera_command(camera_id: str, name: str, value: object) -> Command:
    """Build a command from what somebody sent; raises RefusedError if it is none that we can obey."""
    build = BUILDERS.get(name)
    if build is None:
        raise RefusedError(unknown("setting", name, BUILDERS))
    return build(camera_id, value)


def _enable(camera_id: str, _value: object) -> Command:
    return EnableCamera(camera_id, enabled=True)


def _disable(camera_id: str, _value: object) -> Command:
    return EnableCamera(camera_id, enabled=False)


def _restart(camera_id: str, _value: object) -> Command:
    return RestartCamera(camera_id)


def _snapshot(camera_id: str, _value: object) -> Command:
    return TakeSnapshot(camera_id)


def _set_detect(camera_id: str, value: object) -> Command:
    enabled = value if isinstance(value, bool) else _SWITCH.get(str(value).lower())
    if enabled is None:
        msg = f"expected ON or OFF, got {_shown(value)}"
        raise RefusedError(msg)
    return SetDetect(camera_id, enabled)


def _set_confidence(camera_id: str, value: object) -> Command:
    return SetConfidence(camera_id, _number(value, _SCORE))


def _set_fps(camera_id: str, value: object) -> Command:
    return SetFps(camera_id, _number(value, _FPS))


def _set_quality(camera_id: str, value: object) -> Command:
    try:
        return SetQuality(camera_id, Quality(str(value).lower()))
    except ValueError:
        msg = f"expected one of {', '.join(Quality)}, got {_shown(value)}"
        raise RefusedError(msg) from None


_FINITE = ConfigDict(allow_inf_nan=False)
_SCORE = TypeAdapter[float](Score, config=_FINITE)
_FPS = TypeAdapter[float](FramesPerSecond, config=_FINITE)
BUILDERS: dict[str, Callable[[str, object], Command]] = {
    "enable": _enable,
    "disable": _disable,
    "restart": _restart,
    "snapshot": _snapshot,
    "detect": _set_detect,
    "confidence": _set_confidence,
    "fps": _set_fps,
    "quality": _set_quality,
}


def _number(value: object, adapter: TypeAdapter[float]) -> float:
    """Read a number in the range that the configuration has for it; a switch is no number."""
    try:
        return adapter.validate_python("" if isinstance(value, bool) else value)
    except ValidationError:
        schema = adapter.json_schema()
        msg = f"expected a number from {schema['minimum']:g} to {schema['maximum']:g}, got {_shown(value)}"
        raise RefusedError(msg) from None


def _shown(value: object) -> str:
    """Quote what came so that it can neither forge a log line nor upset a terminal."""
    text = "" if value is None else str(value)
    return ascii(text[:32]) if text else "nothing"


def unknown(what: str, name: str, known: Collection[str]) -> str:
    """Say that there is no such thing, and what may have been meant."""
    guesses = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean '{guesses[0]}'?" if guesses else f"known: {', '.join(sorted(known)) or 'none'}"
    return f"there is no {what} {name[:64]!a}; {hint}"
