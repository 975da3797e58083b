"""The camera of the benchmarks: the demo's street at 720p25, as noisy and as wasteful as cameras are."""

from __future__ import annotations

import tempfile
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from av.video.frame import VideoFrame
from rich.progress import track as progress

from edged.core.types import Size
from edged.demo.scene import SceneSpec, render

SPEC = SceneSpec(kind="street", size=Size(1280, 720), fps=25, seconds=12, people=5, cars=3, seed=7)
BITS_PER_S = 3_000_000
GROUP_OF_PICTURES = 50
NOISE = 4.0  # standard deviation, of 255
OPTIONS = {"preset": "veryfast", "sc_threshold": "0", "bf": "0", "maxrate": "3M", "bufsize": "3M"}


def street_clip() -> Path:
    """The clip; made once, and kept with the system's temporary files."""
    path = Path(tempfile.gettempdir(), "edged-benchmark-720p25.mp4")
    if not path.is_file():
        unfinished = path.with_suffix(".unfinished.mp4")
        _write(unfinished)
        unfinished.rename(path)
    return path


def _write(path: Path) -> None:
    width, height = SPEC.size.width, SPEC.size.height
    rng = np.random.default_rng(1)
    noise = rng.normal(0, NOISE, (2 * height, 2 * width, 1))
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=SPEC.fps, options=OPTIONS)
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        video.bit_rate, video.gop_size, video.thread_count = BITS_PER_S, GROUP_OF_PICTURES, 1
        video.profile = "Main"
        shifts = rng.integers(0, (height, width), (SPEC.frame_count, 2))
        pictures = progress(render(SPEC), "drawing the street", SPEC.frame_count, transient=True)
        for index, (picture, _) in enumerate(pictures):
            top, left = shifts[index]
            grain = noise[top : top + height, left : left + width]
            noisy = cv2.add(picture, np.broadcast_to(grain, picture.shape), dtype=cv2.CV_8U)
            frame = VideoFrame.from_ndarray(noisy.astype(np.uint8), format="bgr24")
            frame.pts, frame.time_base = index, Fraction(1, SPEC.fps)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
