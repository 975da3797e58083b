"""What the guided start knows so far, and how that reads as a configuration."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from edged.config.settings import ID_PATTERN, RESERVED_CAMERA_IDS
from edged.core.errors import SetupError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

LONGEST_ID = 64


@dataclass(slots=True)
class Answers:
    """What is known so far; what a command line gives is known from the start."""

    cameras: dict[str, str] = field(default_factory=dict)
    broker: dict[str, str | int] | None = None
    model: str | None = None  # a file, or the name of a known one
    model_file: Path | None = None


def parse_cameras(given: Sequence[str]) -> dict[str, str]:
    """Read ``ID=URL``; raises SetupError for what is not of that form."""
    cameras: dict[str, str] = {}
    for each in given:
        camera_id, equals, url = each.partition("=")
        problem = id_problem(camera_id, cameras)
        if not equals or problem:
            text = problem or "expected ID=URL, such as porch=rtsp://192.168.1.20/stream1"
            msg = f"--camera {camera_id[:LONGEST_ID]!a}: {text}"
            raise SetupError(msg)
        cameras[camera_id] = url
    return cameras


def id_problem(camera_id: str, taken: Mapping[str, str]) -> str:
    """Say why this cannot be the id of one more camera; nothing where it can."""
    if not re.fullmatch(ID_PATTERN, camera_id) or len(camera_id) > LONGEST_ID:
        return f"an id has at most {LONGEST_ID} letters, digits, _ and -"
    if camera_id in RESERVED_CAMERA_IDS:
        return "no camera can be called that: it is a topic of the box itself"
    return "there is a camera of that id already" if camera_id in taken else ""


def as_toml(answers: Answers) -> str:
    """Write down what is known; every other key keeps its default."""
    lines = ["# Written by `edged setup`. Every key there is: etc/edged.toml of the project.", ""]
    lines += _table("mqtt", {"enabled": False} if answers.broker is None else answers.broker)
    lines += _table("model", {"file": str(answers.model_file)})
    for camera_id, url in answers.cameras.items():
        lines += _table(f"cameras.{camera_id}", {"url": url})
    return "\n".join(lines)


def _table(name: str, members: Mapping[str, str | int]) -> list[str]:
    # A JSON string is a TOML string; so are its numbers and true and false.
    return [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in members.items()), ""]
