"""The folders of edged say which way data flows; here the imports are held to it."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "edged"

# A module imports from its own row and from the rows above it. What is new takes its place here.
ROWS: tuple[tuple[str, ...], ...] = (
    ("edged",),  # edged/__init__.py: the version and nothing else
    ("edged.core",),
    ("edged.config",),
    ("edged.capture",),
    ("edged.detect",),
    ("edged.track",),
    ("edged.camera", "edged.health"),
    ("edged.publish",),
    ("edged.serve",),
    ("edged.control",),
    ("edged.service", "edged.pulse"),
    ("edged.pipeline",),
    ("edged.app",),
    ("edged.check", "edged.bench", "edged.demo", "edged.setup", "edged.models"),
)
# Clients stand beside the rows: each sees these parts and itself.
CLIENTS = {
    "edged.tui": ("edged", "edged.core", "edged.config", "edged.control"),
    "edged.cli": ("edged", "edged.core", "edged.config", "edged.control"),
    "edged.__main__": ("edged.cli",),
}
# What these import inside a function, when a command asks for it, may be anything.
LATE_IMPORTS_ARE_FREE = ("edged.cli",)
HEAVY = ("av", "cv2", "onnxruntime", "supervision")
IMPORTS_SUPERVISION = "edged.track.lean"


def test_every_module_has_its_place() -> None:
    homeless = [module for module in modules(PACKAGE) if place_of(module) is None]
    assert not homeless, (
        f"no row of {Path(__file__).name} knows {', '.join(homeless)}: add it to ROWS or CLIENTS"
    )


def test_imports_go_one_way() -> None:
    assert "\n".join(broken_rules(PACKAGE)) == ""


@pytest.mark.parametrize(
    ("file", "source", "rule"),
    [
        ("edged/core/types.py", "from edged.config import Settings", "core stands above config"),
        ("edged/config/load.py", "import edged.track.tracker", "config stands above track"),
        (
            "edged/track/tracker.py",
            "def f():\n    from edged.camera import Camera",
            "track stands above camera",
        ),
        ("edged/capture/pull.py", "from edged import detect", "capture stands above detect"),
        ("edged/camera.py", "from edged.app import main", "camera stands above app"),
        ("edged/track/motion.py", "from ..publish import topics", "track stands above publish"),
        ("edged/publish/mqtt.py", "import edged.tui", "tui is a client that nobody imports"),
        ("edged/tui/screen.py", "from edged.camera import Camera", "tui imports only core, config, control"),
        ("edged/cli.py", "from edged.app import Daemon", "cli imports only core, config, control"),
    ],
)
def test_the_check_finds_what_goes_the_wrong_way(tmp_path: Path, file: str, source: str, rule: str) -> None:
    (tmp_path / file).parent.mkdir(parents=True)
    (tmp_path / file).write_text(source)
    (found,) = broken_rules(tmp_path / "edged")
    assert found.startswith(f"{file}:")
    assert found.endswith(rule)


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("edged/core/types.py", "import json\nimport numpy as np\nfrom edged.core.errors import EdgedError"),
        ("edged/camera.py", "from edged.health import Sampler\nfrom edged import __version__"),
        ("edged/track/tracker.py", "from .motion import motion_of\nfrom edged.config import TrackSettings"),
        ("edged/cli.py", "def run():\n    from edged.app import Daemon"),
        ("edged/tui/app.py", "from edged.tui.theme import DARK\nfrom edged.control.client import Client"),
    ],
)
def test_the_check_leaves_the_right_way_alone(tmp_path: Path, file: str, source: str) -> None:
    (tmp_path / file).parent.mkdir(parents=True)
    (tmp_path / file).write_text(source)
    assert broken_rules(tmp_path / "edged") == []


def test_supervision_has_one_importer() -> None:
    importers = [
        module
        for module, file in modules(PACKAGE).items()
        if any(name.split(".")[0] == "supervision" for _, name, _ in imports_of(module, file))
    ]
    assert importers == [IMPORTS_SUPERVISION]


@pytest.mark.parametrize("module", ["edged.config", "edged.cli"])
def test_command_line_starts_without_the_pipeline(module: str) -> None:
    if module not in modules(PACKAGE):
        pytest.skip(f"{module} is not there yet")
    script = f"import sys, {module}; print(*sorted(sys.modules.keys() & set({HEAVY!r})))"
    loaded = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert loaded.stdout.strip() == "", f"import {module} loads {loaded.stdout.strip()}"


def broken_rules(package: Path) -> list[str]:
    """One line for each import below ``package`` that goes the wrong way."""
    return [
        f"{file.relative_to(package.parent)}:{line}: imports {name}, but {rule}"
        for module, file in modules(package).items()
        for line, name, is_late in imports_of(module, file)
        if name.split(".")[0] == "edged" and (rule := broken_rule(module, name, is_late=is_late))
    ]


def broken_rule(module: str, imported: str, *, is_late: bool) -> str | None:
    """Say what forbids ``module`` to import ``imported``, if anything does."""
    place, other = place_of(module), place_of(imported)
    if place == other or (is_late and place in LATE_IMPORTS_ARE_FREE):
        return None
    if place in CLIENTS:
        allowed = CLIENTS[place]
        names = ", ".join(map(short, allowed[1:] or allowed))
        return None if other in allowed else f"{short(place)} imports only {names}"
    if other in CLIENTS:
        return f"{short(other)} is a client that nobody imports"
    if place and other and row_of(other) > row_of(place):
        return f"{short(place)} stands above {short(other)}"
    return None


def place_of(module: str) -> str | None:
    """Find the part of the house that ``module`` belongs to."""
    parts = module.split(".")
    known = {*CLIENTS, *(name for row in ROWS for name in row)}
    candidates = [".".join(parts[:2]), *(["edged"] if parts == ["edged"] else [])]
    return next((name for name in candidates if name in known), None)


def row_of(place: str) -> int:
    return next(number for number, row in enumerate(ROWS) if place in row)


def short(place: str) -> str:
    return place.removeprefix("edged.")


def modules(package: Path) -> dict[str, Path]:
    """Every module below ``package`` by its dotted name."""
    return {
        ".".join(file.relative_to(package.parent).with_suffix("").parts).removesuffix(".__init__"): file
        for file in sorted(package.rglob("*.py"))
    }


def imports_of(module: str, file: Path) -> Iterator[tuple[int, str, bool]]:
    """Yield line and name of everything ``file`` imports, and whether it does so inside a function."""
    tree = ast.parse(file.read_text(encoding="utf-8"), str(file))
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    late = {id(node) for function in functions for node in ast.walk(function)}
    package = module.split(".") if file.stem == "__init__" else module.split(".")[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name, id(node) in late
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            source = ".".join([*above, *filter(None, [node.module])])
            for alias in node.names:
                # "from edged import detect" imports a part, "from edged import __version__" a name.
                part = f"{source}.{alias.name}"
                yield node.lineno, part if source == "edged" and place_of(part) else source, id(node) in late


def test_what_sends_video_is_loaded_for_the_first_viewer() -> None:
    code = "import sys, edged.app; sys.exit(bool({'aiortc', 'aioice'} & sys.modules.keys()))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
