"""What the demo draws, from messages as the daemon sends them."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from edged.demo.board import Board
from edged.demo.lines import one_line, summary
from edged.demo.screen import render

CAMERA = {"state": "streaming", "why": "", "fps_in": 25.0, "fps_detected": 5.0, "latency_ms": 31.4}
PLACES = [
    "health   http://127.0.0.1:1/health",
    "metrics  http://127.0.0.1:1/metrics",
    "MQTT     mosquitto_sub",
]


def tracks(number: int, *boxes: tuple[int, int, int, int]) -> bytes:
    return json.dumps(
        {
            "camera_id": "yard",
            "timestamp": 1.0,
            "frame": {"width": 960, "height": 540, "number": number},
            "tracks": [
                {"track_id": index, "label": "person", "bbox": box} for index, box in enumerate(boxes, 1)
            ],
            "stats": {"latency_ms": 20.0},
        }
    ).encode()


@pytest.fixture
def board() -> Board:
    made = Board("edged/demo", ["yard", "street"])
    inference: dict[str, Any] = {"overloaded": False}
    made.health = {
        "box": {"cpu_percent": 12.0, "memory_bytes": 226e6},
        "broker": {"connected": True, "reason": "connected"},
        "inference": inference,
        "cameras": {"yard": CAMERA, "street": CAMERA},
    }
    for topic in ("status", "yard/status", "yard/state", "street/status", "street/state"):
        made.on_message(f"edged/demo/{topic}", b"online", 0.5)
    started = {"camera_id": "yard", "type": "track_started", "track": {"track_id": 1, "label": "person"}}
    made.on_message("edged/demo/yard/events", json.dumps(started).encode(), 1.0)
    made.on_message("edged/demo/yard/snapshot", b"\xff\xd8" * 5000, 1.0)
    made.on_message("edged/demo/yard/tracks", tracks(5, (96, 54, 480, 432)), 2.0)
    made.on_message("edged/demo/yard/tracks", tracks(10, (96, 54, 480, 432), (500, 54, 860, 500)), 2.2)
    return made


def drawn(board: Board, columns: int, rows: int) -> list[str]:
    console = Console(width=columns, height=rows, file=StringIO(), force_terminal=False)
    lines = console.render_lines(render(board, PLACES, console.size), pad=False)
    return ["".join(segment.text for segment in line).rstrip() for line in lines]


@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (80, 40), (132, 43), (200, 60), (250, 30)])
def test_it_fits(board: Board, columns: int, rows: int) -> None:
    lines = drawn(board, columns, rows)
    assert len(lines) <= rows
    assert max(map(len, lines)) <= columns
    assert lines[-1].startswith("MQTT")


def test_a_small_screen_has_the_numbers(board: Board) -> None:
    lines = drawn(board, 80, 24)
    yard = next(line for line in lines if line.startswith("yard "))
    assert yard.split()[:9] == ["yard", "streaming", "25", "fps", "5.0/s", "31", "ms", "2", "▄█"]
    assert any(line.split()[:4] == ["yard/snapshot", "1", "10", "kB,"] for line in lines)
    assert not any("┌" in line for line in lines)


def test_a_large_screen_has_the_boxes_and_the_events(board: Board) -> None:
    lines = drawn(board, 200, 60)
    top = next(line for line in lines if "┌person 1" in line)
    bottom = next(line for line in lines if "└" in line)
    left, right = top.index("┌"), top.index("┐")
    assert (bottom.index("└"), bottom.index("┘")) == (left, right)
    width = top.index("│", 1) - 1  # inside the frame of the first picture
    assert left / width == pytest.approx(0.1, abs=0.03)
    assert right / width == pytest.approx(0.5, abs=0.03)
    assert "yard  track started  person 1" in lines


def test_trouble_is_shown(board: Board) -> None:
    board.health["cameras"]["yard"] = CAMERA | {"state": "lost", "why": "no answer"}
    board.health["broker"] = {"connected": False, "reason": "connection refused"}
    board.health["inference"]["overloaded"] = True
    assert board.problems == [
        "camera yard: lost: no answer",
        "broker: connection refused",
        "this machine cannot keep up: detection is slower than wanted",
    ]
    assert "! camera yard: lost: no answer" in drawn(board, 80, 24)
    assert one_line(board).endswith(" | ".join(board.problems))


def test_the_line_and_the_summary(board: Board) -> None:
    board.running_s = 3.2
    line = one_line(board)
    assert line == "  3 s | yard 5/s: person 1 2 | street 5/s: nobody | 9 messages"
    assert [row.split() for row in summary(board)][2:] == [
        ["yard", "10", "2", "1", "1", "20", "ms"],
        ["street", "0", "0", "0", "0", "-"],
    ]
    assert next(iter(summary(board))) == "ran 3 s, 9 messages; first tracks after 2.0 s"
