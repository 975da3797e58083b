"""What other programs may ask of a camera over MQTT, and what is refused and why."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import ConfigDict, TypeAdapter, ValidationError

from edged.config.settings import FramesPerSecond, Score

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from edged.publish.topics import CommandTopic

LONGEST_PAYLOAD_BYTES = 64

_SWITCH = {"on": True, "true": True, "1": True, "off": False, "false": False, "0": False}


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


Command = SetDetect | SetConfidence | SetFps | RestartCamera | TakeSnapshot | RestartBox


class RefusedError(ValueError):
    """A command that is not obeyed; the text says what would have been."""


def parse(target: CommandTopic, payload: bytes, cameras: Collection[str]) -> Command:
    """Turn a message into a command; raises RefusedError if it is none that we can obey."""
    if target.camera_id is None:
        return _parse_for_box(target.setting)
    if target.camera_id not in cameras:
        raise RefusedError(_unknown("camera", target.camera_id, cameras))
    build = _BUILDERS.get(target.setting)
    if build is None:
        raise RefusedError(_unknown("setting", target.setting, _BUILDERS))
    if len(payload) > LONGEST_PAYLOAD_BYTES:
        msg = f"the payload has {len(payload)} bytes, more than any command needs ({LONGEST_PAYLOAD_BYTES})"
        raise RefusedError(msg)
    return build(target.camera_id, payload)


def _parse_for_box(setting: str) -> Command:
    if setting != "restart":
        msg = f"there is no setting {setting[:64]!a} of the whole box but restart; others are set per camera"
        raise RefusedError(msg)
    return RestartBox()


def _set_detect(camera_id: str, payload: bytes) -> Command:
    enabled = _SWITCH.get(_text(payload).lower())
    if enabled is None:
        msg = f"expected ON or OFF, got {_shown(payload)}"
        raise RefusedError(msg)
    return SetDetect(camera_id, enabled)


def _set_confidence(camera_id: str, payload: bytes) -> Command:
    return SetConfidence(camera_id, _number(payload, _SCORE))


def _set_fps(camera_id: str, payload: bytes) -> Command:
    return SetFps(camera_id, _number(payload, _FPS))


def _restart(camera_id: str, _payload: bytes) -> Command:
    return RestartCamera(camera_id)


def _snapshot(camera_id: str, _payload: bytes) -> Command:
    return TakeSnapshot(camera_id)


_FINITE = ConfigDict(allow_inf_nan=False)
_SCORE = TypeAdapter[float](Score, config=_FINITE)
_FPS = TypeAdapter[float](FramesPerSecond, config=_FINITE)
_BUILDERS: dict[str, Callable[[str, bytes], Command]] = {
    "detect": _set_detect,
    "confidence": _set_confidence,
    "fps": _set_fps,
    "restart": _restart,
    "snapshot": _snapshot,
}


def _number(payload: bytes, adapter: TypeAdapter[float]) -> float:
    """Read a number in the range that the configuration has for it."""
    try:
        return adapter.validate_python(_text(payload))
    except ValidationError:
        schema = adapter.json_schema()
        msg = f"expected a number from {schema['minimum']:g} to {schema['maximum']:g}, got {_shown(payload)}"
        raise RefusedError(msg) from None


def _text(payload: bytes) -> str:
    return payload.decode("ascii", errors="replace").strip()


def _shown(payload: bytes) -> str:
    """Quote what came so that it can neither forge a log line nor upset a terminal."""
    return ascii(payload[:32].decode("ascii", errors="replace")) if payload else "nothing"


def _unknown(what: str, name: str, known: Collection[str]) -> str:
    guesses = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean '{guesses[0]}'?" if guesses else f"known: {', '.join(sorted(known)) or 'none'}"
    return f"there is no {what} {name[:64]!a}; {hint}"
