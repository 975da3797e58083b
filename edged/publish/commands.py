"""What other programs may ask of a camera over MQTT, and what is refused and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edged.config.commands import RefusedError, RestartBox, camera_command, unknown

if TYPE_CHECKING:
    from collections.abc import Collection

    from edged.config.commands import Command
    from edged.publish.topics import CommandTopic

LONGEST_PAYLOAD_BYTES = 64
SETTINGS = ("detect", "confidence", "fps", "quality", "restart", "snapshot")


def parse(target: CommandTopic, payload: bytes, cameras: Collection[str]) -> Command:
    """Turn a message into a command; raises RefusedError if it is none that we can obey."""
    if target.camera_id is None:
        return _parse_for_box(target.setting)
    if target.camera_id not in cameras:
        raise RefusedError(unknown("camera", target.camera_id, cameras))
    if target.setting not in SETTINGS:
        raise RefusedError(unknown("setting", target.setting, SETTINGS))
    if len(payload) > LONGEST_PAYLOAD_BYTES:
        msg = f"the payload has {len(payload)} bytes, more than any command needs ({LONGEST_PAYLOAD_BYTES})"
        raise RefusedError(msg)
    return camera_command(target.camera_id, target.setting, payload.decode("ascii", errors="replace").strip())


def _parse_for_box(setting: str) -> Command:
    if setting != "restart":
        msg = f"there is no setting {setting[:64]!a} of the whole box but restart; others are set per camera"
        raise RefusedError(msg)
    return RestartBox()
