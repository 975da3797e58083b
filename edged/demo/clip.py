"""Writes a scene as an H.264 clip with its truth beside it, and reads the truth back.

The truth is in the format of MOTChallenge, one line per box:
``frame,id,left,top,width,height,consider,class,visibility``. Frames count from 1, class 1 is a person and 3
a car, and ``consider`` is 0 where less than ``LEAST_VISIBLE`` of the figure can be seen: whoever finds such
a one is neither right nor wrong.
"""

from __future__ import annotations

from contextlib import contextmanager
from fractions import Fraction
from typing import TYPE_CHECKING

import av
from av.video.frame import PictureType, VideoFrame

from edged.demo.render import TruthBox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from edged.core.types import Bgr, Size
    from edged.demo.render import Label

LEAST_VISIBLE = 0.3
KEY_FRAME_EVERY_S = 2
CLASS_NUMBERS: dict[Label, int] = {"person": 1, "car": 3}  # as MOTChallenge numbers them
LABELS: dict[int, Label] = {number: label for label, number in CLASS_NUMBERS.items()}


@contextmanager
def h264_writer(path: Path, size: Size, fps: int, crf: int) -> Iterator[Callable[[Bgr], None]]:
    """A function that appends a picture to an MP4 as a camera would: no B-frames, regular key frames."""
    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", rate=fps)
        stream.width, stream.height, stream.pix_fmt = size.width, size.height, "yuv420p"
        stream.time_base = Fraction(1, fps)
        stream.gop_size, stream.max_b_frames, stream.thread_count = KEY_FRAME_EVERY_S * fps, 0, 1
        stream.profile = "Main"
        stream.options = {"crf": str(crf), "preset": "slow", "sc_threshold": "0", "bf": "0", "refs": "2"}
        written = 0

        def append(picture: Bgr) -> None:
            nonlocal written
            frame = VideoFrame.from_ndarray(picture, format="bgr24")
            frame.pts, frame.time_base, frame.pict_type = written, Fraction(1, fps), PictureType.NONE
            container.mux(stream.encode(frame))
            written += 1

        yield append
        container.mux(stream.encode(None))


def mot_line(frame: int, box: TruthBox) -> str:
    """One line of the truth file."""
    place = f"{box.left_px},{box.top_px},{box.width_px},{box.height_px}"
    consider = int(box.visibility >= LEAST_VISIBLE)
    return f"{frame},{box.track_id},{place},{consider},{CLASS_NUMBERS[box.label]},{box.visibility:.3f}"


def read_truth(path: Path) -> dict[int, list[TruthBox]]:
    """The boxes of a truth file by frame number (from 1)."""
    frames: dict[int, list[TruthBox]] = {}
    for line in path.read_text("ascii").splitlines():
        frame, track_id, left, top, width, height, _, number, visibility = line.split(",")
        box = TruthBox(
            track_id=int(track_id),
            label=LABELS[int(number)],
            left_px=int(left),
            top_px=int(top),
            width_px=int(width),
            height_px=int(height),
            visibility=float(visibility),
        )
        frames.setdefault(int(frame), []).append(box)
    return frames
