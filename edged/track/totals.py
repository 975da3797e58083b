"""How often each line was ever crossed, each way; kept over restarts."""

from __future__ import annotations

import json
import logging
import threading
from typing import TYPE_CHECKING

from edged.core.files import replace_json

if TYPE_CHECKING:
    from pathlib import Path

    from edged.config import LineSettings

log = logging.getLogger(__name__)


class LineTotals:
    """Counts crossings; ``save`` writes what is new to ``file``. Any thread may call it."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._saving = threading.Lock()
        self._counts = self._read()
        self._is_saved = True

    def add(self, camera_id: str, line: str, direction: str) -> None:
        """Count one crossing."""
        with self._lock:
            counts = self._counts.setdefault(camera_id, {}).setdefault(line, {})
            counts[direction] = counts.get(direction, 0) + 1
            self._is_saved = False

    def of(self, camera_id: str, line: str, settings: LineSettings) -> dict[str, int]:
        """Return the total of each direction of a line."""
        with self._lock:
            counts = self._counts.get(camera_id, {}).get(line, {})
            return {name: counts.get(name, 0) for name in (settings.to_right, settings.to_left)}

    def save(self) -> None:
        """Write what is new; takes as long as the disk does."""
        with self._saving:
            with self._lock:
                if self._is_saved:
                    return
                content = json.loads(json.dumps(self._counts))
                self._is_saved = True
            try:
                replace_json(self._file, content)
            except OSError as error:
                log.warning(
                    "%s: cannot be written, totals are lost at the next restart: %s", self._file, error
                )

    def _read(self) -> dict[str, dict[str, dict[str, int]]]:
        try:
            stored = json.loads(self._file.read_text(encoding="utf-8"))
            return {
                camera_id: {
                    line: {direction: int(count) for direction, count in counts.items()}
                    for line, counts in lines.items()
                }
                for camera_id, lines in stored.items()
            }
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError, AttributeError) as error:
            log.warning("%s: cannot be used, lines are counted from 0 again: %s", self._file, error)
            return {}
