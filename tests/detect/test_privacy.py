"""A box tells nobody what it does: the inference library must not report to its maker."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

OPEN = "from edged.detect.session import OnnxSession; print('loaded')"


def test_onnxruntime_leaves_no_trace_of_a_report(tmp_path: Path) -> None:
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "ORT_"))}
    environ |= {"HOME": str(tmp_path), "TMPDIR": str(tmp_path)}
    printed = subprocess.check_output([sys.executable, "-c", OPEN], env=environ, text=True)
    assert printed == "loaded\n"
    assert list(tmp_path.iterdir()) == []
