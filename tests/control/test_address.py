from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from edged.control.address import SERVICE_SOCKET, default_socket
from edged.core.folders import cache_folder, runtime_folder

if TYPE_CHECKING:
    from pathlib import Path


def test_the_runtime_folder_is_what_systemd_gives_or_the_users_own(tmp_path: Path) -> None:
    assert str(runtime_folder({"RUNTIME_DIRECTORY": "/run/edged:/run/b"})) == "/run/edged"
    assert runtime_folder({"XDG_RUNTIME_DIR": str(tmp_path)}) == tmp_path / "edged"
    assert str(runtime_folder({})) == "/run/edged"


def test_what_nobody_would_miss_goes_where_systemd_says_or_the_user_keeps_such_things(tmp_path: Path) -> None:
    assert str(cache_folder({"CACHE_DIRECTORY": "/var/cache/edged:/b"})) == "/var/cache/edged"
    assert cache_folder({"XDG_CACHE_HOME": str(tmp_path)}) == tmp_path / "edged"
    assert str(cache_folder({})) == "/var/cache/edged"


def test_the_users_own_daemon_is_asked_before_the_service(tmp_path: Path) -> None:
    environ = {"XDG_RUNTIME_DIR": str(tmp_path)}
    assert default_socket(environ) == SERVICE_SOCKET
    (tmp_path / "edged").mkdir()
    (tmp_path / "edged" / "control.sock").touch()
    assert default_socket(environ) == tmp_path / "edged" / "control.sock"


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_a_shell_completes_every_verb(shell: str) -> None:
    command = [sys.executable, "-m", "edged", "completion", shell]
    script = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    for word in ("diagnostics", "snapshot", "--socket", "disable"):
        assert word in script
