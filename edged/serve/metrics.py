"""Health as Prometheus reads it (text exposition format 0.0.4, by the official client library)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CONTENT_TYPE_LATEST as CONTENT_TYPE
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily
from prometheus_client.registry import Collector

from edged.core.types import CameraState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from prometheus_client.metrics_core import Metric

    from edged.core.types import CameraHealth, Health

__all__ = ["CONTENT_TYPE", "exposition"]

_Read = "Callable[[CameraHealth], float | None]"

GAUGES: tuple[tuple[str, str, Callable[[CameraHealth], float | None]], ...] = (
    ("fps_in", "Pictures that arrive per second", lambda camera: camera.fps_in),
    ("fps_wanted", "Detection passes per second asked for", lambda camera: camera.fps_wanted),
    ("fps_detected", "Detection passes per second", lambda camera: camera.fps_detected),
    ("latency_seconds", "From capture to tracks", lambda camera: _seconds(camera.latency_ms)),
    ("tracks", "Tracks in the newest frame", lambda camera: camera.tracks),
    ("viewers", "Who watches live", lambda camera: camera.viewers),
    ("overloaded", "1 while the box gives it less than its rate", lambda camera: float(camera.overloaded)),
)
COUNTERS: tuple[tuple[str, str, Callable[[CameraHealth], float]], ...] = (
    ("frames_dropped", "Frames replaced before their turn", lambda camera: camera.frames_dropped),
    ("decode_errors", "Packets that could not be decoded", lambda camera: camera.decode_errors),
    ("tracker_failures", "Passes that went out untracked", lambda camera: camera.tracker_failures),
    ("reconnects", "Connections made after the first", lambda camera: camera.reconnects),
)


def exposition(health: Health) -> bytes:
    """Return ``health`` in Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(_HealthCollector(health))
    return generate_latest(registry)


class _HealthCollector(Collector):
    """Gives the families of one measurement, once."""

    def __init__(self, health: Health) -> None:
        self._health = health

    def collect(self) -> Iterator[Metric]:
        yield from self._box()
        yield from self._inference()
        yield from self._broker()
        yield from self._cameras()

    def _box(self) -> Iterator[Metric]:
        box = self._health.box
        yield InfoMetricFamily("edged", "The daemon", value={"version": box.version})
        yield GaugeMetricFamily("edged_start_time_seconds", "Start, since the epoch", value=box.started_s)
        yield GaugeMetricFamily(
            "edged_cpu_percent", "CPU of the daemon; 100 is one core", value=box.cpu_percent
        )
        yield GaugeMetricFamily("edged_memory_bytes", "Resident memory of the daemon", value=box.memory_bytes)
        yield GaugeMetricFamily(
            "edged_loop_lag_seconds", "Worst lateness of the loop", value=box.loop_lag_ms / 1000
        )
        if box.temperature_c is not None:
            yield GaugeMetricFamily("edged_temperature_celsius", "CPU temperature", value=box.temperature_c)

    def _inference(self) -> Iterator[Metric]:
        inference = self._health.inference
        if inference is None:
            return
        yield GaugeMetricFamily("edged_inference_fps", "Detection passes per second", value=inference.fps)
        if inference.inference_ms is not None:
            seconds = inference.inference_ms / 1000
            yield GaugeMetricFamily("edged_inference_seconds", "Median time of a pass", value=seconds)

    def _broker(self) -> Iterator[Metric]:
        broker = self._health.broker
        if broker is None:
            return
        yield GaugeMetricFamily("edged_broker_connected", "1 while connected", value=float(broker.connected))
        yield GaugeMetricFamily(
            "edged_events_waiting", "Events not yet confirmed", value=broker.events_waiting
        )
        yield CounterMetricFamily("edged_events_dropped", "Events lost", value=broker.events_dropped)
        yield CounterMetricFamily(
            "edged_tracks_dropped", "Tracks messages not sent", value=broker.tracks_dropped
        )
        yield CounterMetricFamily("edged_commands_refused", "Commands refused", value=broker.commands_refused)

    def _cameras(self) -> Iterator[Metric]:
        state = GaugeMetricFamily(
            "edged_camera_state", "1 for the state it is in", labels=["camera", "state"]
        )
        for camera in self._health.cameras:
            for each in CameraState:
                state.add_metric([camera.camera_id, each.value], float(camera.status.state is each))
        yield state
        for name, text, read in GAUGES:
            gauge = GaugeMetricFamily(f"edged_camera_{name}", text, labels=["camera"])
            for camera in self._health.cameras:
                if (value := read(camera)) is not None:
                    gauge.add_metric([camera.camera_id], value)
            yield gauge
        for name, text, read in COUNTERS:
            counter = CounterMetricFamily(f"edged_camera_{name}", text, labels=["camera"])
            for camera in self._health.cameras:
                counter.add_metric([camera.camera_id], read(camera))
            yield counter


def _seconds(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000
