from __future__ import annotations

import logging
from itertools import product

import pytest

from edged.capture.state import TRANSITIONS, CameraStateMachine, IllegalTransitionError
from edged.core.types import CameraState, CameraStatus

S = CameraState
PATHS = {
    S.DISABLED: [],
    S.CONNECTING: [S.CONNECTING],
    S.STREAMING: [S.CONNECTING, S.STREAMING],
    S.STALLED: [S.CONNECTING, S.STREAMING, S.STALLED],
    S.LOST: [S.CONNECTING, S.STREAMING, S.LOST],
    S.WAITING: [S.CONNECTING, S.WAITING],
}


def machine() -> tuple[CameraStateMachine, list[tuple[CameraStatus, CameraStatus]]]:
    changes: list[tuple[CameraStatus, CameraStatus]] = []
    return CameraStateMachine("front", lambda old, new: changes.append((old, new))), changes


@pytest.mark.parametrize(("here", "there"), list(product(S, S)))
def test_only_the_table_is_legal(here: CameraState, there: CameraState) -> None:
    state, changes = machine()
    for step in PATHS[here]:
        state.move(step, "because")
    if there in TRANSITIONS[here]:
        state.move(there, "because")
        assert (changes[-1][0].state, changes[-1][1].state) == (here, there)
    else:
        with pytest.raises(IllegalTransitionError, match="front"):
            state.move(there, "because")
        assert state.status.state is here
        assert len(changes) == len(PATHS[here])


def test_next_try_is_told() -> None:
    state, _ = machine()
    state.move(S.CONNECTING, "opening")
    state.move(S.WAITING, "refused", next_try_in_s=7)
    assert state.status.next_try_s == pytest.approx(state.status.since_s + 7)


def test_a_camera_that_stays_away_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    state, _ = machine()
    for _ in range(5):
        state.move(S.CONNECTING, "opening")
        state.move(S.WAITING, "no answer", next_try_in_s=1)
    state.move(S.CONNECTING, "opening")
    state.move(S.WAITING, "wrong password", next_try_in_s=30)
    state.move(S.CONNECTING, "opening")
    state.move(S.STREAMING, "h264 1280x720")
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("INFO", "front: connecting: opening"),
        ("WARNING", "front: waiting: no answer; next try in 1 s"),
        ("WARNING", "front: waiting: wrong password; next try in 30 s"),
        ("INFO", "front: streaming: h264 1280x720"),
    ]


def test_a_loss_is_a_warning_and_its_wait_says_only_when(caplog: pytest.LogCaptureFixture) -> None:
    state, _ = machine()
    state.move(S.CONNECTING, "opening")
    state.move(S.STREAMING, "h264 1280x720")
    caplog.set_level(logging.INFO)
    state.move(S.STALLED, "nothing came for 10 s")
    state.move(S.WAITING, "nothing came for 10 s", next_try_in_s=2)
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("WARNING", "front: stalled: nothing came for 10 s"),
        ("INFO", "front: waiting: next try in 2 s"),
    ]
