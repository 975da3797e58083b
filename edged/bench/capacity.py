"""How many cameras a box carries, from what one of them costs."""

from __future__ import annotations

import math
from dataclasses import dataclass

from edged.core.types import Size

RATES_FPS = (1.0, 2.0, 5.0, 10.0)
USUAL_SIZES = (Size(640, 360), Size(1280, 720), Size(1920, 1080))
BUSY_MOST = 0.8  # of the box: the rest is for viewers, busy scenes and whatever else it runs
ALIKE = 0.05  # an estimate for a size that was measured, or nearly, says nothing new


@dataclass(frozen=True, slots=True)
class StreamCost:
    """What a stream costs at the floor."""

    size: Size
    fps: float
    picture_ms: float  # of CPU, to decode one

    def scaled_to(self, size: Size) -> StreamCost:
        """The same stream at another size, if decoding goes with the number of pixels."""
        return StreamCost(size, self.fps, self.picture_ms * _pixels(size) / _pixels(self.size))


@dataclass(frozen=True, slots=True)
class BoxCost:
    """What the box is, and what the rest of the work costs on it."""

    cores: int
    workers: int  # threads that run the model, one core each at most
    inference_ms: float
    ratio: float  # of the daemon to the floor, as measured

    def camera_ms_per_s(self, stream: StreamCost, detect_fps: float) -> float:
        """CPU milliseconds per second that one camera costs the daemon."""
        passes = min(detect_fps, stream.fps)
        return self.ratio * (stream.fps * stream.picture_ms + passes * self.inference_ms)

    def cameras(self, stream: StreamCost, detect_fps: float) -> int:
        """How many such cameras the box carries."""
        by_all = self.cores * BUSY_MOST * 1000 / self.camera_ms_per_s(stream, detect_fps)
        passes_ms_per_s = min(detect_fps, stream.fps) * self.inference_ms * self.ratio
        by_workers = min(self.workers, self.cores) * BUSY_MOST * 1000 / passes_ms_per_s
        return math.floor(min(by_all, by_workers))


@dataclass(frozen=True, slots=True)
class Carried:
    """One row: how many cameras of a size at each of ``RATES_FPS``."""

    stream: StreamCost
    is_estimate: bool
    cameras: tuple[int, ...]


def carried(box: BoxCost, measured: list[StreamCost]) -> list[Carried]:
    """Rows for every size that was measured, the dearest of each, and estimates for the usual others."""
    by_size: dict[Size, StreamCost] = {}
    for stream in sorted(measured, key=lambda each: each.fps * each.picture_ms):
        by_size[stream.size] = stream
    rows = [_row(box, stream, is_estimate=False) for stream in by_size.values()]
    rows += [
        _row(box, _nearest(size, by_size).scaled_to(size), is_estimate=True)
        for size in USUAL_SIZES
        if all(abs(_pixels(known) / _pixels(size) - 1) > ALIKE for known in by_size)
    ]
    return sorted(rows, key=lambda row: _pixels(row.stream.size))


def _row(box: BoxCost, stream: StreamCost, *, is_estimate: bool) -> Carried:
    return Carried(stream, is_estimate, tuple(box.cameras(stream, fps) for fps in RATES_FPS))


def _nearest(size: Size, known: dict[Size, StreamCost]) -> StreamCost:
    nearest = min(known, key=lambda each: abs(math.log(_pixels(each) / _pixels(size))))
    return known[nearest]


def _pixels(size: Size) -> int:
    return size.width * size.height
