"""How the box does, and what of all that a person should be told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psutil

from edged import __version__
from edged.core.clock import SYSTEM_CLOCK
from edged.core.types import BoxHealth, CameraState

if TYPE_CHECKING:
    from edged.core.clock import Clock
    from edged.core.types import Health

# Where the boards and CPUs that we know of report the temperature that matters, best first.
SENSORS = ("coretemp", "k10temp", "cpu_thermal", "soc_thermal", "acpitz")
CPU_OVER_S = 1.0


class BoxMeter:
    """Measures this process and the machine around it; CPU is the mean over at least ``CPU_OVER_S``."""

    def __init__(self, clock: Clock = SYSTEM_CLOCK) -> None:
        self._clock = clock
        self._started_s = clock.wall_s()
        self._started_monotonic_s = clock.monotonic_s()
        self._process = psutil.Process()
        self._process.cpu_percent()  # the first call only sets the mark from which the next one measures
        self._cpu_percent, self._cpu_at_s = 0.0, self._started_monotonic_s

    def measure(self, loop_lag_ms: float) -> BoxHealth:
        """Measure now."""
        return BoxHealth(
            version=__version__,
            started_s=self._started_s,
            uptime_s=self._clock.monotonic_s() - self._started_monotonic_s,
            cpu_percent=self._mean_cpu_percent(),
            memory_bytes=self._process.memory_info().rss,
            temperature_c=temperature_c(),
            loop_lag_ms=loop_lag_ms,
        )

    def _mean_cpu_percent(self) -> float:
        """Measure over a while, however many ask: over a few milliseconds the kernel's clock says nothing."""
        now_s = self._clock.monotonic_s()
        if now_s - self._cpu_at_s >= CPU_OVER_S:
            self._cpu_percent, self._cpu_at_s = self._process.cpu_percent(), now_s
        return self._cpu_percent


def temperature_c() -> float | None:
    """Return the CPU's temperature in °C; None where the machine does not tell."""
    sensors = psutil.sensors_temperatures()
    for name in (*SENSORS, *sensors):
        if readings := sensors.get(name):
            return float(readings[0].current)
    return None


def problems(health: Health) -> list[str]:
    """List what is not as the owner wants it, each in one sentence; empty when all is well."""
    found = []
    if health.broker and not health.broker.connected:
        found.append(f"broker {health.broker.address}: {health.broker.reason}")
    found += [
        f"camera {camera.camera_id}: {camera.status.state.value}: {camera.status.reason}"
        for camera in health.cameras
        if camera.status.state not in {CameraState.STREAMING, CameraState.DISABLED}
    ]
    if health.inference and health.inference.overloaded:
        slow = [camera.camera_id for camera in health.cameras if camera.overloaded]
        found.append(f"this box cannot keep up: detection is slower than wanted on {', '.join(slow)}")
    return found


def summary(health: Health) -> str:
    """Say it all in one line, for ``systemctl status``."""
    wanted = [camera for camera in health.cameras if camera.status.state is not CameraState.DISABLED]
    streaming = sum(camera.status.state is CameraState.STREAMING for camera in wanted)
    broker = "off" if health.broker is None else "ok" if health.broker.connected else "down"
    detections = f"{health.inference.fps:.0f} detections/s" if health.inference else "no detection"
    return f"{streaming}/{len(wanted)} cameras, mqtt {broker}, {detections}"
