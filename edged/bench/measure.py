"""What ``edged bench`` does: measures the floor and a daemon of its own in turns, and sums up."""

from __future__ import annotations

import json
import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import cv2

from edged.bench.capacity import BoxCost, StreamCost, carried
from edged.bench.daemon import MeasuredDaemon
from edged.bench.recording import Recording, record
from edged.bench.rounds import Round, measure_rounds, median_round
from edged.camera import capture_options
from edged.config import load
from edged.core.errors import BenchError, CaptureError
from edged.demo.stage import CLIPS, MODEL
from edged.detect import load_model
from edged.pipeline import model_options

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edged.bench.capacity import Carried
    from edged.capture import CaptureOptions
    from edged.config import Settings
    from edged.detect import Detector

RECORD_S = 4.0
ROUND_S = 5.0
DAEMON_SETTINGS = {"EDGED_MQTT__ENABLED": "false", "EDGED_LOG__LEVEL": "warning"}


class Progress(Protocol):
    """Who is told how far it is."""

    def step(self, what: str) -> None:
        """Something else begins."""

    def advance(self, seconds: float) -> None:
        """So much of the time is over."""


@dataclass(frozen=True, slots=True)
class BenchReport:
    """Everything that was measured, and what it means."""

    is_sample: bool
    model: str
    provider: str
    seconds: float
    streams: Mapping[str, tuple[str, StreamCost]]  # of each camera its codec and its cost
    wanted_fps: Mapping[str, float]
    typical: Round
    box: BoxCost
    rows: tuple[Carried, ...]

    @property
    def share(self) -> float:
        """How much of the box these cameras take."""
        return self.typical.daemon_ms_per_s / 1000 / self.box.cores

    @property
    def fps_wanted(self) -> float:
        """Detection passes per second of all cameras that the configuration asks for."""
        return sum(min(fps, self.streams[camera_id][1].fps) for camera_id, fps in self.wanted_fps.items())

    @property
    def fps_detected(self) -> float:
        """Detection passes per second of all cameras that the box managed."""
        return sum(work.fps_detected for work in self.typical.work.values())


def total_s(seconds: float) -> float:
    """How long ``run_bench`` takes, as far as is known before."""
    return RECORD_S + seconds


def run_bench(config: Path | None, seconds: float, progress: Progress) -> BenchReport:
    """Measure for ``seconds`` what ``config``, or the sample where there is none, costs on this box."""
    cv2.setNumThreads(1)
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="edged-bench-")))
        file = config or _write_sample(scratch)
        environ = os.environ if config else _without_settings(os.environ)
        settings = load(file, environ)
        cameras = _cameras(settings, file)
        progress.step("loading the model")
        detector = load_model(model_options(settings.model))
        progress.step(f"recording {len(cameras)} camera{'s' if len(cameras) > 1 else ''}")
        recordings = _record_all(cameras)
        progress.advance(RECORD_S)
        progress.step("starting a daemon of its own")
        token = settings.http.token.get_secret_value() if settings.http.token else None
        daemon = stack.enter_context(MeasuredDaemon(file, scratch, {**environ, **DAEMON_SETTINGS}, token))
        daemon.wait_until_steady(cameras)
        progress.step("measuring")
        rounds = measure_rounds(
            daemon,
            recordings,
            detector,
            count=max(1, round(seconds / ROUND_S)),
            round_s=min(seconds, ROUND_S),
            advance=progress.advance,
        )
        return _report(settings, detector, recordings, rounds, is_sample=config is None)


def _write_sample(scratch: Path) -> Path:
    """Write a configuration of what comes with edged."""
    lines = ["[model]", f"file = {json.dumps(str(MODEL))}"]
    for name, clip in CLIPS.items():
        lines += [f"[cameras.{name}]", f"url = {json.dumps(str(clip))}"]
    file = scratch / "sample.toml"
    file.write_text("\n".join(lines))
    return file


def _without_settings(environ: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environ.items() if not name.startswith("EDGED_")}


def _cameras(settings: Settings, file: Path) -> dict[str, CaptureOptions]:
    """How to connect to each camera on which something is detected."""
    cameras = {
        camera_id: capture_options(camera)
        for camera_id, camera in settings.cameras.items()
        if camera.enabled and camera.detect.enabled
    }
    if not cameras:
        msg = f"{file}: there is no camera to measure: add one, or enable one and its detection"
        raise BenchError(msg)
    return cameras


def _record_all(cameras: Mapping[str, CaptureOptions]) -> dict[str, Recording]:
    """Record every address once, all at the same time."""
    addresses = list(dict.fromkeys(cameras.values()))

    def try_record(options: CaptureOptions) -> Recording:
        try:
            return record(options, RECORD_S)
        except CaptureError as error:
            names = ", ".join(camera_id for camera_id, each in cameras.items() if each == options)
            msg = f"camera {names}: {error}"
            raise BenchError(msg) from None

    with ThreadPoolExecutor(len(addresses)) as pool:
        recordings = dict(zip(addresses, pool.map(try_record, addresses), strict=True))
    return {camera_id: recordings[options] for camera_id, options in cameras.items()}


def _report(
    settings: Settings,
    detector: Detector,
    recordings: Mapping[str, Recording],
    rounds: list[Round],
    *,
    is_sample: bool,
) -> BenchReport:
    typical = median_round(rounds)
    streams = {}
    for camera_id, recording in recordings.items():
        decoding = typical.floor.decodings[camera_id]
        cost = StreamCost(decoding.size, recording.fps, decoding.picture_ms)
        streams[camera_id] = (recording.encoding.codec, cost)
    box = BoxCost(
        cores=len(os.sched_getaffinity(0)),
        workers=settings.model.workers,
        inference_ms=typical.floor.inference_ms,
        ratio=typical.ratio,
    )
    return BenchReport(
        is_sample=is_sample,
        model=detector.name,
        provider=detector.provider,
        seconds=sum(each.ended_s - each.begun_s for each in rounds),
        streams=streams,
        wanted_fps={camera_id: settings.cameras[camera_id].detect.fps for camera_id in recordings},
        typical=typical,
        box=box,
        rows=tuple(carried(box, [cost for _, cost in streams.values()])),
    )
