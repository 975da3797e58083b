"""Values that commands have set, kept over restarts.

A value holds until the file says something new about the same key: who edits the file means it.
"""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from pydantic import ValidationError

from edged.config.settings import DetectSettings
from edged.core.files import replace_json
from edged.core.types import Quality

if TYPE_CHECKING:
    from pathlib import Path

log = logging.getLogger(__name__)

Value = bool | float | str
DETECT_KEYS = ("enabled", "confidence", "fps")
CAMERA_KEY = "camera"  # whether the camera itself is wanted
QUALITY_KEY = "quality"
KEYS = (*DETECT_KEYS, CAMERA_KEY, QUALITY_KEY)


@dataclass(frozen=True, slots=True)
class Override:
    """A value that a command has set, and the value of the file that it stands in for."""

    value: Value
    configured: Value


class Overrides:
    """What commands have set of each camera and its ``[detect]``; written to ``file`` at each change."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._by_camera: dict[str, dict[str, Override]] = self._read()

    def applied(self, camera_id: str, configured: DetectSettings) -> DetectSettings:
        """Return ``configured`` with what commands have set for this camera laid over it."""
        held = {
            key: override.value
            for key, override in self._by_camera.get(camera_id, {}).items()
            if key in DETECT_KEYS and override.configured == getattr(configured, key)
        }
        try:
            return DetectSettings.model_validate({**configured.model_dump(), **held})
        except ValidationError:  # from another version, or somebody's hand
            log.warning("%s: values of %s are out of range and not used", self._file, camera_id)
            return configured

    def set(self, camera_id: str, key: str, value: Value, configured: DetectSettings) -> None:
        """Hold ``value`` for ``key`` from now on."""
        self._hold(camera_id, key, Override(value, getattr(configured, key)))

    def is_enabled(self, camera_id: str, *, configured: bool) -> bool:
        """Whether the camera is wanted: as the file says, or as a command has said since."""
        return bool(self._held(camera_id, CAMERA_KEY, configured))

    def enable(self, camera_id: str, *, enabled: bool, configured: bool) -> None:
        """Want the camera from now on, or no more."""
        self._hold(camera_id, CAMERA_KEY, Override(enabled, configured))

    def quality(self, camera_id: str, configured: Quality) -> Quality:
        """What viewers get who ask for nothing else: as the file says, or as a command has said since."""
        held = self._held(camera_id, QUALITY_KEY, configured)
        return Quality(held) if held in set(Quality) else configured

    def set_quality(self, camera_id: str, value: Quality, configured: Quality) -> None:
        """Send it from now on."""
        self._hold(camera_id, QUALITY_KEY, Override(value, configured))

    def _held(self, camera_id: str, key: str, configured: Value) -> Value:
        held = self._by_camera.get(camera_id, {}).get(key)
        return held.value if held and held.configured == configured else configured

    def _hold(self, camera_id: str, key: str, override: Override) -> None:
        self._by_camera.setdefault(camera_id, {})[key] = override
        self._write()

    def _read(self) -> dict[str, dict[str, Override]]:
        try:
            stored = json.loads(self._file.read_text(encoding="utf-8"))
            return {
                camera_id: {key: Override(**held) for key, held in camera.items() if key in KEYS}
                for camera_id, camera in stored.items()
            }
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError, AttributeError) as error:
            log.warning("%s: cannot be used, values set by commands are lost: %s", self._file, error)
            return {}

    def _write(self) -> None:
        stored = {
            camera_id: {key: asdict(override) for key, override in camera.items()}
            for camera_id, camera in self._by_camera.items()
        }
        try:
            replace_json(self._file, stored)
        except OSError as error:
            log.warning("%s: cannot be written, the value is lost at the next restart: %s", self._file, error)
