"""The daemon against the floor, measured in turns so that whatever else the machine does hits both."""

from __future__ import annotations

import time
from dataclasses import dataclass
from statistics import mean
from typing import TYPE_CHECKING

from edged.bench.floor import Decoding, decode, inference_ms

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from edged.bench.daemon import MeasuredDaemon
    from edged.bench.recording import Recording
    from edged.detect import Detector


@dataclass(frozen=True, slots=True)
class Floor:
    """What the bare work costs: of each camera's pictures, and of one run of the model."""

    decodings: Mapping[str, Decoding]
    inference_ms: float


@dataclass(frozen=True, slots=True)
class Work:
    """What the daemon does for one camera."""

    fps_in: float
    fps_detected: float


@dataclass(frozen=True, slots=True)
class Round:
    """One turn: milliseconds of CPU per second, of all cameras together."""

    begun_s: float  # monotonic
    ended_s: float
    floor: Floor
    floor_ms_per_s: float
    daemon_ms_per_s: float
    rss_bytes: int
    work: Mapping[str, Work]

    @property
    def ratio(self) -> float:
        """The daemon's cost as a multiple of the floor."""
        return self.daemon_ms_per_s / self.floor_ms_per_s


def measure_floor(recordings: Mapping[str, Recording], detector: Detector) -> Floor:
    """Decode every recording once and run the model a few times; cameras may share a recording."""
    unique = {id(recording): recording for recording in recordings.values()}
    decodings = {key: decode(recording) for key, recording in unique.items()}
    by_camera = {camera_id: decodings[id(recording)] for camera_id, recording in recordings.items()}
    return Floor(by_camera, inference_ms(detector))


def measure_rounds(
    daemon: MeasuredDaemon,
    recordings: Mapping[str, Recording],
    detector: Detector,
    *,
    count: int,
    round_s: float,
    advance: Callable[[float], None],
) -> list[Round]:
    """Measure ``count`` turns of ``round_s`` each; ``advance`` is told the seconds that have gone by."""
    rounds = []
    floor = measure_floor(recordings, detector)
    for _ in range(count):
        before = daemon.usage()
        while (left_s := before.at_s + round_s - time.monotonic()) > 0:
            step_s = min(left_s, 0.5)
            time.sleep(step_s)
            advance(step_s)
        after = daemon.usage()
        work = {
            camera_id: Work(health["fps_in"] or 0.0, health["fps_detected"] or 0.0)
            for camera_id, health in daemon.cameras().items()
            if camera_id in recordings
        }
        earlier, floor = floor, measure_floor(recordings, detector)
        rounds.append(
            Round(
                begun_s=before.at_s,
                ended_s=after.at_s,
                floor=floor,
                floor_ms_per_s=mean((floor_ms_per_s(earlier, work), floor_ms_per_s(floor, work))),
                daemon_ms_per_s=(after.cpu_s - before.cpu_s) * 1000 / (after.at_s - before.at_s),
                rss_bytes=after.rss_bytes,
                work=work,
            )
        )
    return rounds


def floor_ms_per_s(floor: Floor, work: Mapping[str, Work]) -> float:
    """What the floor of ``work`` is."""
    return sum(
        floor.decodings[camera_id].picture_ms * each.fps_in + floor.inference_ms * each.fps_detected
        for camera_id, each in work.items()
    )


def median_round(rounds: Sequence[Round]) -> Round:
    """The round whose ratio is the middle one."""
    return sorted(rounds, key=lambda each: each.ratio)[len(rounds) // 2]
