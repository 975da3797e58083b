"""The unit as systemd reads it: nothing to complain of, and little that it leaves open."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

UNIT = Path(__file__).parents[1] / "systemd" / "edged.service"
EXPOSURE_MOST = 2.0

pytestmark = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not here: it comes with systemd"
)


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["systemd-analyze", *arguments], capture_output=True, text=True, timeout=60, check=False
    )


def installed(folder: Path, text: str) -> Path:
    """The unit with a command that is there: it is looked for, and edged need not be installed."""
    unit = folder / UNIT.name
    unit.write_text(re.sub(r"(?m)^ExecStart=\S+", f"ExecStart={sys.executable}", text))
    return unit


def test_systemd_has_nothing_to_say_about_it(tmp_path: Path) -> None:
    done = analyze("verify", "--man=no", str(installed(tmp_path, UNIT.read_text())))
    assert (done.stdout + done.stderr, done.returncode) == ("", 0)


def test_a_mistake_in_it_would_be_found(tmp_path: Path) -> None:
    done = analyze("verify", "--man=no", str(installed(tmp_path, UNIT.read_text() + "NoSuchKey=1\n")))
    assert "NoSuchKey" in done.stderr  # the exit code says nothing


def test_little_is_left_open(tmp_path: Path) -> None:
    unit = installed(tmp_path, UNIT.read_text())
    done = analyze("security", "--offline=true", "--no-pager", str(unit))
    exposure = re.search(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)
    assert exposure, done.stderr
    assert float(exposure[1]) <= EXPOSURE_MOST


def test_what_the_daemon_promises_systemd_stands_in_it() -> None:
    lines = UNIT.read_text().splitlines()
    for line in (
        "Type=notify",
        "ExecReload=/bin/kill -HUP $MAINPID",
        "RestartPreventExitStatus=78",
        "RestartForceExitStatus=75",
        "StateDirectory=edged",
        "RuntimeDirectory=edged",
    ):
        assert line in lines
    assert any(re.fullmatch(r"WatchdogSec=\d+", line) for line in lines)
