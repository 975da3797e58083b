"""Files that are there whole or not at all."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path


def replace_json(file: Path, content: Any) -> None:  # noqa: ANN401 - whatever JSON holds
    """Replace ``file`` in one step: a power cut leaves the old one or the new one. Raises OSError."""
    part = file.with_suffix(".part")
    file.parent.mkdir(parents=True, exist_ok=True)
    with part.open("w", encoding="utf-8") as out:
        json.dump(content, out, indent=1)
        out.flush()
        os.fsync(out.fileno())
    part.replace(file)
