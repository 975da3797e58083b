"""What a model file is, and how fast it runs here."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edged.detect.model import load_model
from edged.detect.recognise import probe_blob

if TYPE_CHECKING:
    from pathlib import Path

    from edged.core.types import Size
    from edged.detect.model import Detector, ModelOptions

CAMERA_FPS = 5.0
_MOST_PASSES = 30
_FEWEST_PASSES = 5
_LONGEST_S = 3.0
_LABELS_SHOWN = 8


@dataclass(frozen=True, slots=True)
class ModelReport:
    """Everything that is known of a model that can be used."""

    file: Path
    size_bytes: int
    sha256: str
    layout: str
    input_size: Size
    input_type: str
    labels: tuple[str, ...]
    provider: str
    description: str | None
    author: str | None
    licence: str | None
    load_ms: float
    inference_ms: float  # median
    inference_p95_ms: float

    @property
    def inferences_per_s(self) -> float:
        """How many inferences one core does per second."""
        return 1000 / self.inference_ms

    @property
    def cameras_per_core(self) -> float:
        """How many cameras at 5 fps one core bears by inference alone; decoding comes on top."""
        return self.inferences_per_s / CAMERA_FPS


def check_model(options: ModelOptions) -> ModelReport:
    """Load the model and time it; a ModelError says why it cannot be used."""
    begun_s = time.perf_counter()
    detector = load_model(options)
    load_ms = (time.perf_counter() - begun_s) * 1000
    times_ms = _time(detector)
    with options.path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return ModelReport(
        file=options.path,
        size_bytes=options.path.stat().st_size,
        sha256=sha256,
        layout=detector.layout,
        input_size=detector.input_size,
        input_type=detector.input_type,
        labels=detector.labels,
        provider=detector.provider,
        description=detector.metadata.get("description"),
        author=detector.metadata.get("author"),
        licence=detector.metadata.get("license"),
        load_ms=load_ms,
        inference_ms=float(np.median(times_ms)),
        inference_p95_ms=float(np.percentile(times_ms, 95)),
    )


def report_lines(report: ModelReport) -> list[str]:
    """The report for a person to read."""
    shown = ", ".join(report.labels[:_LABELS_SHOWN])
    more = len(report.labels) - _LABELS_SHOWN
    said = {
        "file": f"{report.file} ({report.size_bytes / 1e6:.1f} MB)",
        "sha256": report.sha256,
        "layout": report.layout,
        "input": f"{report.input_size} {report.input_type}",
        "classes": f"{len(report.labels)}: {shown}" + (f" and {more} more" if more > 0 else ""),
        "description": report.description,
        "author": report.author,
        "licence": report.licence or "not stated in the file",
        "provider": report.provider,
        "loading": f"{report.load_ms:.0f} ms",
        "inference": f"{report.inference_ms:.1f} ms (95 %: {report.inference_p95_ms:.1f} ms), "
        f"{report.inferences_per_s:.0f} per second on one core",
        "bears": f"{report.cameras_per_core:.1f} cameras at {CAMERA_FPS:g} fps per core, decoding aside",
    }
    return [f"{name:<12} {text}" for name, text in said.items() if text is not None]


def report_json(report: ModelReport) -> dict[str, object]:
    """The report for a program to read."""
    return {
        "file": str(report.file),
        "size_bytes": report.size_bytes,
        "sha256": report.sha256,
        "layout": report.layout,
        "input": {
            "width": report.input_size.width,
            "height": report.input_size.height,
            "type": report.input_type,
        },
        "labels": list(report.labels),
        "provider": report.provider,
        "description": report.description,
        "author": report.author,
        "licence": report.licence,
        "load_ms": round(report.load_ms, 1),
        "inference_ms": round(report.inference_ms, 2),
        "inference_p95_ms": round(report.inference_p95_ms, 2),
        "inferences_per_s": round(report.inferences_per_s, 1),
        "cameras_per_core": round(report.cameras_per_core, 1),
    }


def _time(detector: Detector) -> list[float]:
    """Milliseconds of each of some passes; a slow box gets fewer of them."""
    blob = probe_blob(detector.input_size, detector.dtype)
    times_ms: list[float] = []
    while len(times_ms) < _MOST_PASSES and (
        len(times_ms) < _FEWEST_PASSES or sum(times_ms) < _LONGEST_S * 1000
    ):
        begun_s = time.perf_counter()
        detector.infer(blob)
        times_ms.append((time.perf_counter() - begun_s) * 1000)
    return times_ms
