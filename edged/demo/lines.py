"""The demo as plain lines: one a second, and the summary that both views end with."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

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
    cameras = board.health.get("cameras", {}).items()
    parts = [f"{board.running_s:3.0f} s", *(_one_camera(name, health, board) for name, health in cameras)]
    return " | ".join([*parts, f"{board.messages} messages", *board.problems])


def _one_camera(camera_id: str, health: dict[str, Any], board: Board) -> str:
    if health["state"] != "streaming":
        return f"{camera_id} {health['state']}"
    numbers: dict[str, str] = {}
    for seen in board.cameras[camera_id].now:
        numbers[seen.label] = f"{numbers.get(seen.label, seen.label)} {seen.track_id}"
    return f"{camera_id} {health['fps_detected']:.0f}/s: {', '.join(numbers.values()) or 'nobody'}"


def summary(board: Board) -> Iterator[str]:
    """Say what came of it."""
    first = f"; first tracks after {board.first_tracks_s:.1f} s" if board.first_tracks_s is not None else ""
    yield f"ran {board.running_s:.0f} s, {board.messages} messages{first}"
    yield f"{'camera':<10}{'frames':>8}{'detections':>12}{'tracks':>8}{'events':>8}{'mean latency':>14}"
    for camera_id, camera in board.cameras.items():
        latency = f"{camera.latency_ms:.0f} ms" if camera.latency_ms is not None else "-"
        counts = f"{camera.frames:>8}{camera.passes:>12}{camera.tracks:>8}{camera.events:>8}"
        yield f"{camera_id:<10}{counts}{latency:>14}"
