"""``scripts/setup``, with a Python that only writes down what it is asked to do."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FAKE_PYTHON = """#!/bin/sh
case "$*" in
    -VV) echo "Python 3.11.2 (fake)" ;;
    -V) echo "Python 3.11.2" ;;
    "-m pip --version") ;;
    "-m pip install"*)
        echo "$*" >>pip_calls
        echo "ERROR: nothing like that anywhere"
        exit "${PIP_EXIT:-0}" ;;
    *) exit 1 ;;
esac
"""


class Tree:
    """A copy of what setup reads, with an environment that seems to be made already."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "scripts").mkdir()
        for name in ("pyproject.toml", "constraints.txt", "scripts/setup"):
            shutil.copy(ROOT / name, folder / name)
        python = folder / ".venv" / "bin" / "python"
        python.parent.mkdir(parents=True)
        python.write_text(FAKE_PYTHON)
        python.chmod(0o755)

    def set_up(self, purpose: str, **environ: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["scripts/setup", purpose],
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], **environ},
            check=False,
            capture_output=True,
            text=True,
        )

    @property
    def pip_calls(self) -> list[str]:
        file = self.folder / "pip_calls"
        return file.read_text().splitlines() if file.exists() else []


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)


def test_the_second_time_costs_nothing(tree: Tree) -> None:
    assert tree.set_up("demo").returncode == 0
    assert [call.split()[-2:] for call in tree.pip_calls] == [["-e", ".[demo]"]]
    second = tree.set_up("demo")
    assert (second.returncode, second.stderr, len(tree.pip_calls)) == (0, "", 1)


@pytest.mark.parametrize("changed", ["pyproject.toml", "constraints.txt"])
def test_a_change_of_what_is_needed_is_taken_in(tree: Tree, changed: str) -> None:
    tree.set_up("demo")
    with (tree.folder / changed).open("a") as file:
        file.write("# changed\n")
    tree.set_up("demo")
    assert len(tree.pip_calls) == 2


def test_a_failure_is_said_and_not_taken_for_done(tree: Tree) -> None:
    failed = tree.set_up("demo", PIP_EXIT="1")
    assert failed.returncode == 1
    assert "nothing like that anywhere" in failed.stderr
    assert (
        failed.stderr.splitlines()[-1]
        == "setup: the packages could not be installed: .venv/pip.log has it all"
    )
    assert tree.set_up("demo").returncode == 0
    assert len(tree.pip_calls) == 2


def add_command(folder: Path, name: str, script: str) -> str:
    """Put a command before all others; returns the PATH for that."""
    commands = folder / "commands"
    commands.mkdir(exist_ok=True)
    (commands / name).write_text(f"#!/bin/sh\n{script}\n")
    (commands / name).chmod(0o755)
    return f"{commands}:{os.environ['PATH']}"


def test_an_ordinary_user_is_told_which_packages_are_missing(tree: Tree) -> None:
    add_command(tree.folder, "dpkg-query", "echo openssl:installed; echo mosquitto:config-files; exit 1")
    path = add_command(tree.folder, "id", "echo 1000")
    failed = tree.set_up("test", PATH=path)
    assert failed.returncode == 1
    assert failed.stderr.startswith("setup: missing Debian packages; as root: apt-get install --no-install-")
    assert " mosquitto " in failed.stderr
    assert "openssl" not in failed.stderr
    assert len(failed.stderr.splitlines()) == 1
    assert tree.set_up("demo", PATH=path).returncode == 0  # which brings its own broker


def test_root_gets_the_packages_installed(tree: Tree) -> None:
    add_command(tree.folder, "dpkg-query", "exit 1")
    add_command(tree.folder, "id", "echo 0")
    path = add_command(tree.folder, "apt-get", 'echo "$*" >>apt_calls')
    assert tree.set_up("test", PATH=path).returncode == 0
    update, install = (tree.folder / "apt_calls").read_text().splitlines()
    assert update.startswith("update")
    assert {"mosquitto", "gir1.2-gst-rtsp-server-1.0", "openssl"} <= set(install.split())
    assert tree.pip_calls[0].endswith(".[test,demo]")


def test_an_unknown_python_is_said(tree: Tree) -> None:
    shutil.rmtree(tree.folder / ".venv")
    failed = tree.set_up("demo", PYTHON="python9.9")
    assert failed.returncode == 1
    assert failed.stderr.startswith("setup: no Python 3.11 or newer (looked for python9.9")


def test_an_unknown_purpose_is_wrong_usage(tree: Tree) -> None:
    assert tree.set_up("everything").returncode == 2
