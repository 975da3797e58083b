"""A model to pull and places to pull it to."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.detect.synthetic import YOLOX_RAW, colour_model
from tests.models.mirror import Mirror

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def model_bytes(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A small detector, big enough to be cut in the middle of it."""
    return colour_model(tmp_path_factory.mktemp("model") / "squares.onnx", YOLOX_RAW).read_bytes()


@pytest.fixture
def mirror(model_bytes: bytes) -> Iterator[Mirror]:
    with Mirror(model_bytes) as running:
        yield running


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
