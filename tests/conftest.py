"""What tests of every part share."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.parts.clips import ClipSpec, make_clip

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Some tests import onnxruntime before edged does, which tells it not to report to its maker.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"


@pytest.fixture(scope="session")
def test_data() -> Path:
    """The folder of outside clips and models; local tests only."""
    folder = Path(os.environ.get("EDGED_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no test data at {folder}: set EDGED_TEST_DATA")
    return folder


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Callable[[ClipSpec], Path]:
    """Makes clips, each only once in a session."""
    folder = tmp_path_factory.mktemp("clips")
    made: dict[ClipSpec, Path] = {}

    def make(spec: ClipSpec) -> Path:
        if spec not in made:
            made[spec] = make_clip(folder / f"{len(made)}.mp4", spec)
        return made[spec]

    return make


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """A file system of its own, with the options given."""
    folder = tmp_path / "mounted"

    def mount(options: str) -> Path:
        folder.mkdir(exist_ok=True)
        command = ["mount", "-t", "tmpfs", "-o", options, "none", str(folder)]
        if os.geteuid() != 0 or subprocess.run(command, check=False, capture_output=True).returncode != 0:
            pytest.skip("only root may mount a small file system")
        return folder

    yield mount
    if folder.is_mount():
        subprocess.run(["umount", str(folder)], check=True)
