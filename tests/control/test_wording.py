from __future__ import annotations

from typing import Any

import pytest

from edged.control.wording import age, ago, camera_rows, event_line

NOW_S = 1000.0


def camera(**facts: object) -> dict[str, Any]:
    return {"state": "streaming", "why": "h264", "settings": {"detect": True}, **facts}


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (59.9, "59 s"), (61, "1 min 1 s"), (3600, "1 h 0 min"), (90_061, "1 d 1 h"), (-3, "0 s")],
)
def test_durations(seconds: float, words: str) -> None:
    assert ago(seconds) == words


def test_age_is_precise_while_that_matters() -> None:
    assert [age(None), age(0.04), age(9.9), age(14.2)] == ["-", "0.0 s", "9.9 s", "14 s"]


def test_problems_come_first_with_why_and_the_next_try() -> None:
    rows = camera_rows(
        {
            "cameras": {
                "a": camera(),
                "b": camera(state="disabled", why="switched off by a command"),
                "c": camera(state="waiting", why="401 from camera", next_try=NOW_S + 16.2),
                "d": camera(overloaded=True, fps_wanted=5.0),
                "e": camera(state="waiting", why="x", next_try=NOW_S - 1),
                "f": camera(settings={"detect": False}),
            }
        },
        NOW_S,
    )
    assert [(row.camera_id, row.word, row.why, row.is_well) for row in rows] == [
        ("c", "retry", "401 from camera; next try in 16 s", False),
        ("e", "retry", "x; next try now", False),
        ("d", "slow", "this box cannot keep up: 5 a second are wanted", False),
        ("a", "ok", "", True),
        ("f", "ok", "detection is off", True),
        ("b", "off", "switched off by a command", True),
    ]


def test_a_state_that_is_newer_than_the_client_is_shown_first() -> None:
    rows = camera_rows({"cameras": {"a": camera(), "b": camera(state="melted")}}, NOW_S)
    assert [(row.camera_id, row.word) for row in rows] == [("b", "melted"), ("a", "ok")]


def test_an_event_in_one_line() -> None:
    event = {
        "timestamp": 0,
        "camera_id": "porch",
        "type": "track_started",
        "track": {"label": "person", "track_id": 7},
    }
    assert event_line(event)[8:] == " porch track started person 7"
    lost = {"timestamp": 0, "camera_id": "porch", "type": "camera_lost", "reason": "no packet for 10 s"}
    assert event_line(lost)[8:] == " porch camera lost: no packet for 10 s"
