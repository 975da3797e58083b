"""A webcam: FFmpeg's own V4L2 code on a device that a library between it and the kernel makes up."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.daemon.conftest import MODEL

if TYPE_CHECKING:
    from collections.abc import Iterator

SOURCE = Path(__file__).parents[1] / "parts" / "fake_webcam.c"

HANGS = """
import os, sys
from edged.capture import CaptureOptions
from edged.core.types import CameraState
from tests.parts.watching import Watcher

watcher = Watcher(CaptureOptions(sys.argv[1], read_timeout_s=1))
watcher.stream.start()
frame = watcher.wait_for_frames(10)[-1]
print(frame.size, frame.picture.bgr().shape)
print(watcher.wait_for_state(CameraState.STALLED).reason)
print("let go:", watcher.stream.stop(0.5), watcher.states[-1].value, flush=True)
os._exit(0)  # as the daemon does, for the driver still holds the thread
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler for the webcam")
    library = tmp_path_factory.mktemp("webcam") / "fake_webcam.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, SOURCE, "-ldl"], check=True)
    return library


@pytest.fixture
def device() -> Iterator[Path]:
    """A file below /dev, which is what tells a device from a recording."""
    with tempfile.NamedTemporaryFile(dir="/dev/shm", prefix="edged-webcam-") as file:
        yield Path(file.name)


def run(library: Path, device: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, "LD_PRELOAD": str(library), "FAKE_WEBCAM": str(device), **environ},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.slow
def test_what_a_webcam_sends_is_said(library: Path, device: Path, tmp_path: Path) -> None:
    config = tmp_path / "edged.toml"
    config.write_text(
        f'[mqtt]\nenabled = false\n[model]\nfile = "{MODEL}"\n[cameras.desk]\nurl = "{device}"\n'
    )
    done = run(library, device, "-m", "edged", "check", "--config", str(config), "--probe")
    assert (done.returncode, done.stderr) == (0, "")
    assert "camera desk: rawvideo, 64x48, 2" in done.stdout
    assert "every picture a key frame, no B-frames, decoded by rawvideo" in done.stdout


@pytest.mark.slow
def test_a_webcam_that_hangs_is_found(library: Path, device: Path) -> None:
    done = run(library, device, "-c", HANGS, str(device), FAKE_WEBCAM_PICTURES="30")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "64x48 (48, 64, 3)\nnothing came for 1 s\nlet go: False disabled\n"
