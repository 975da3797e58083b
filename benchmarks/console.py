"""What the console costs with sixteen cameras that all change every second.

``python -m benchmarks.console`` runs it in a pseudo-terminal against a server that talks like the daemon, and
counts the bytes that would go over SSH and the CPU time of the console.
"""

from __future__ import annotations

import argparse
import asyncio
import fcntl
import os
import pty
import random
import struct
import sys
import tempfile
import termios
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from tests.parts.fake_control import FakeControl, box, camera, track

if TYPE_CHECKING:
    from collections.abc import Iterator

CAMERAS = 16
START_S = 6.0
SIZES = ((80, 24), (120, 40), (200, 60))
BUDGET_KIB_PER_S, BUDGET_CPU_PERCENT = 25.0, 5.0


def changes(rng: random.Random, at_s: float) -> Iterator[dict[str, Any]]:
    """Every number of every camera, anew each second."""
    while True:
        at_s += 1
        cameras = {
            f"cam{number:02}": {
                "fps_in": rng.uniform(20, 25),
                "fps_detected": rng.uniform(4, 5),
                "latency_ms": rng.uniform(20, 120),
                "tracks": rng.randrange(6),
                "age_s": round(rng.uniform(0, 0.3), 1),
                "objects": [track(rng.randrange(999), "person", rng.random(), 3.0) for _ in range(3)],
            }
            for number in range(CAMERAS)
        }
        event = {"type": "track_started", "camera_id": "cam00", "timestamp": at_s, "id": str(at_s)}
        box_facts = {"cpu_percent": rng.uniform(20, 40), "uptime_s": int(at_s)}
        yield {"changes": {"timestamp": at_s, "box": box_facts, "cameras": cameras}, "events": [event]}


class Terminal:
    """Runs the console in a pseudo-terminal and reads all that it writes."""

    def __init__(self, socket: Path, columns: int, lines: int) -> None:
        command = [sys.executable, "-m", "edged", "tui", "--socket", str(socket)]
        self.pid, self._descriptor = pty.fork()
        if self.pid == 0:
            os.environ |= {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
            os.execv(sys.executable, command)  # noqa: S606 - our own command
        fcntl.ioctl(self._descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self.written = 0
        threading.Thread(target=self._read, daemon=True).start()

    def close(self) -> None:
        """End the console."""
        os.write(self._descriptor, b"q")
        os.waitpid(self.pid, 0)

    def _read(self) -> None:
        while True:
            try:
                self.written += len(os.read(self._descriptor, 65536))
            except OSError:  # it has ended
                return


async def measure(columns: int, lines: int, seconds: float) -> tuple[float, float]:
    """Return KiB per second and per cent of a core."""
    rng = random.Random(1)  # noqa: S311 - repeatable
    cameras = {f"cam{number:02}": camera() for number in range(CAMERAS)}
    with tempfile.TemporaryDirectory() as folder:
        socket = Path(folder, "s")
        status = box(cameras)
        async with FakeControl(socket, status, changes=changes(rng, status["timestamp"])):
            terminal = Terminal(socket, columns, lines)
            await asyncio.sleep(START_S)
            process = psutil.Process(terminal.pid)
            before, written, begun_s = process.cpu_times(), terminal.written, time.monotonic()
            await asyncio.sleep(seconds)
            after, took_s = process.cpu_times(), time.monotonic() - begun_s
            kib = (terminal.written - written) / 1024
            await asyncio.to_thread(terminal.close)
    cpu_s = after.user + after.system - before.user - before.system
    return kib / took_s, 100 * cpu_s / took_s


def main() -> int:
    """Measure and print; 1 when a budget is exceeded."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0)
    seconds = parser.parse_args().seconds
    is_within = True
    print(f"{CAMERAS} cameras, every number new each second; budget {BUDGET_KIB_PER_S:g} KiB/s and "
          f"{BUDGET_CPU_PERCENT:g} % of a core")  # fmt: skip
    for columns, lines in SIZES:
        kib_per_s, cpu_percent = asyncio.run(measure(columns, lines, seconds))
        is_within &= kib_per_s <= BUDGET_KIB_PER_S and cpu_percent <= BUDGET_CPU_PERCENT
        print(f"{columns:>4}x{lines:<3} {kib_per_s:6.1f} KiB/s {cpu_percent:6.1f} % CPU")
    return 0 if is_within else 1


if __name__ == "__main__":
    sys.exit(main())
