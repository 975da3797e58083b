"""The demo as plain lines: one a second, and the summary that both views end with."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from edged.demo.board import Board
    from edged.demo.stage import Ports


class PlainLines:
    """Prints what a log or a pipe can take."""

    every_s = 1.0

    is_over = False  # who watches has only Ctrl-C

    def open(self, ports: Ports, broker_name: str, control_socket: Path) -> None:  # noqa: ARG002 - for the console
        """Say where everything is."""
        for line in places(ports, broker_name):
            say(line)
        say("edged is starting")

    def show(self, board: Board) -> None:
        """Say everything in one line, as soon as there is anything to say."""
        if board.health:
            say(one_line(board))

    def close(self) -> None:
        """Nothing was changed."""


def say(text: str) -> None:
    """Print one line at once, also into a pipe."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def places(ports: Ports, broker_name: str) -> list[str]:
    """List the addresses to open and the command to try."""
    return [
        f"live     {ports.live_url}",
        f"health   {ports.health_url}",
        f"metrics  {ports.metrics_url}",
        f"MQTT     {ports.subscribe_command}   ({broker_name})",
    ]


def one_line(board: Board) -> str:
    """Say how every camera does, and what is wrong."""
    parts = [f"{board.running_s:4.0f} s"]
    for camera_id, camera in board.health.get("cameras", {}).items():
        now = ", ".join(str(each) for each in board.cameras[camera_id].now) or "nobody"
        latency = f"{camera['latency_ms']:.0f} ms" if camera["latency_ms"] is not None else "-"
        rates = f"{camera['fps_in']:.0f} fps in, {camera['fps_detected']:.1f} detected/s, {latency}"
        parts.append(f"{camera_id} {camera['state']}, {rates}: {now}")
    parts.append(f"{board.messages} messages")
    return " | ".join(parts + board.problems)


def summary(board: Board) -> Iterator[str]:
    """Say what came of it."""
    first = f"; first tracks after {board.first_tracks_s:.1f} s" if board.first_tracks_s is not None else ""
    yield f"ran {board.running_s:.0f} s, {board.messages} messages{first}"
    yield f"{'camera':<10}{'frames':>8}{'detections':>12}{'tracks':>8}{'events':>8}{'mean latency':>14}"
    for camera_id, camera in board.cameras.items():
        latency = f"{camera.latency_ms:.0f} ms" if camera.latency_ms is not None else "-"
        counts = f"{camera.frames:>8}{camera.passes:>12}{camera.tracks:>8}{camera.events:>8}"
        yield f"{camera_id:<10}{counts}{latency:>14}"
