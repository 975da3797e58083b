"""What was measured, for people and for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.table import Table

from edged import __version__
from edged.bench.capacity import BUSY_MOST, RATES_FPS
from edged.core.types import Size

if TYPE_CHECKING:
    from edged.bench.capacity import Carried
    from edged.bench.measure import BenchReport

SUBSTREAM = Size(640, 360)
DECODING_DOMINATES = 0.5
CONTENT_FROM = 0.95  # of the passes wanted
USUAL_FPS = 5.0


def costs_table(report: BenchReport) -> Table:
    """What each camera costs at the least."""
    table = Table("camera", "stream", title="What the bare work takes of one core")
    for heading in ("decoding", "detections", "model", "together"):
        table.add_column(heading, justify="right")
    for camera_id, (codec, stream) in report.streams.items():
        work = report.typical.work[camera_id]
        decoding, model = stream.picture_ms * work.fps_in, report.box.inference_ms * work.fps_detected
        table.add_row(
            camera_id,
            f"{codec} {stream.size} {stream.fps:.0f} fps",
            _of_core(decoding),
            f"{work.fps_detected:.1f}/s",
            _of_core(model),
            _of_core(decoding + model),
        )
    return table


def overhead(report: BenchReport) -> str:
    """What the daemon makes of it."""
    typical = report.typical
    return (
        f"Together {_of_core(typical.floor_ms_per_s)} of a core at the least; the daemon takes"
        f" {_of_core(typical.daemon_ms_per_s)}, {typical.ratio:.2f} times that, and"
        f" {typical.rss_bytes / 1e6:.0f} MB."
    )


def capacity_table(report: BenchReport) -> Table:
    """How many cameras the box carries."""
    table = Table(
        "stream",
        *(f"{fps:g}/s" for fps in RATES_FPS),
        title=f"Cameras that {_cores(report)} carry",
    )
    for row in report.rows:
        mark = "~" if row.is_estimate else ""
        table.add_row(
            f"{mark}{row.stream.size} {row.stream.fps:.0f} fps", *(f"{mark}{count}" for count in row.cameras)
        )
    return table


def legend() -> str:
    """How the table of cameras is to be read."""
    return (
        f"So many detections a second; {1 - BUSY_MOST:.0%} of the box stays free."
        " ~ is an estimate: decoding goes by the pixel."
    )


def advice(report: BenchReport) -> list[str]:
    """What the owner of the box should know, in a line or two."""
    return [line for line in (_verdict(report), _cheaper(report)) if line]


def report_json(report: BenchReport) -> dict[str, Any]:
    """The report for a program to read."""
    return {
        "edged": __version__,
        "sample": report.is_sample,
        "cores": report.box.cores,
        "seconds": round(report.seconds, 1),
        "model": {
            "file": report.model,
            "provider": report.provider,
            "inference_ms": round(report.box.inference_ms, 2),
        },
        "cameras": {
            camera_id: {
                "codec": codec,
                "width": stream.size.width,
                "height": stream.size.height,
                "fps": round(stream.fps, 2),
                "decode_ms": round(stream.picture_ms, 3),
                "fps_wanted": report.wanted_fps[camera_id],
                "fps_detected": round(report.typical.work[camera_id].fps_detected, 2),
            }
            for camera_id, (codec, stream) in report.streams.items()
        },
        "floor_ms_per_s": round(report.typical.floor_ms_per_s, 1),
        "daemon_ms_per_s": round(report.typical.daemon_ms_per_s, 1),
        "ratio": round(report.typical.ratio, 3),
        "rss_bytes": report.typical.rss_bytes,
        "box_share": round(report.share, 3),
        "carries": [_carries(report, row) for row in report.rows],
        "advice": advice(report),
    }


def _carries(report: BenchReport, row: Carried) -> dict[str, Any]:
    return {
        "width": row.stream.size.width,
        "height": row.stream.size.height,
        "fps": round(row.stream.fps, 2),
        "estimate": row.is_estimate,
        "at": [
            {
                "detect_fps": fps,
                "cameras": count,
                "ms_per_camera_s": round(report.box.camera_ms_per_s(row.stream, fps), 1),
            }
            for fps, count in zip(RATES_FPS, row.cameras, strict=True)
        ],
    }


def _verdict(report: BenchReport) -> str:
    count = len(report.streams)
    what = f"{count} camera{'s' if count > 1 else ''}{' of the sample' if report.is_sample else ''}"
    share = f"{what} took {report.share:.0%} of {_cores(report)}"
    if report.fps_detected < CONTENT_FROM * report.fps_wanted:
        return (
            f"{share}, and got {report.fps_detected:.1f} detections a second of {report.fps_wanted:.1f}"
            " wanted: too much for this box, or the box was busy with something else."
        )
    if report.share > BUSY_MOST:
        return f"{share}: it works, but there is nothing left for anything else."
    return f"{share}: the box carries that."


def _cheaper(report: BenchReport) -> str | None:
    """Name what would help most: a smaller stream where decoding is most of the work, else a lower rate."""
    dearest = max(
        (stream for _, stream in report.streams.values()), key=lambda each: each.fps * each.picture_ms
    )
    smaller = dearest.scaled_to(SUBSTREAM)
    whole_ms = report.box.camera_ms_per_s(dearest, USUAL_FPS)
    saved = 1 - report.box.camera_ms_per_s(smaller, USUAL_FPS) / whole_ms
    decoding = report.box.ratio * dearest.fps * dearest.picture_ms / whole_ms
    if decoding >= DECODING_DOMINATES and smaller.picture_ms < dearest.picture_ms:
        return (
            f"Decoding {dearest.size} is {decoding:.0%} of a camera's cost at {USUAL_FPS:g} fps: detecting on"
            f" a {SUBSTREAM} substream (detect_url) would save about {saved:.0%}."
        )
    return (
        f"The model is {1 - decoding:.0%} of a camera's cost at {USUAL_FPS:g} fps: a lower detect.fps or a"
        " model with a smaller input saves most."
    )


def _of_core(ms_per_s: float) -> str:
    return f"{ms_per_s / 1000:.1%}"


def _cores(report: BenchReport) -> str:
    return f"{report.box.cores} core{'s' if report.box.cores > 1 else ''}"
