from __future__ import annotations

import io
import logging
import re

import pytest

from edged.core import log as logs

LOG = logging.getLogger("edged.test")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def said(stream: io.StringIO, environ: dict[str, str], level: str = "info") -> str:
    logs.set_up(level, stream, environ)
    LOG.warning("front: lost")
    return stream.getvalue()


def test_the_journal_gets_priorities() -> None:
    assert said(io.StringIO(), {"JOURNAL_STREAM": "8:1"}) == "<4>front: lost\n"


def test_a_terminal_gets_colours_unless_it_wants_none() -> None:
    assert "\033[33mwarning" in said(Terminal(), {})
    assert "\033" not in said(Terminal(), {"NO_COLOR": "1"})


def test_a_file_gets_dated_plain_text() -> None:
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ warning front: lost\n", said(io.StringIO(), {}))


def test_a_level_holds_back_what_is_below_it() -> None:
    assert said(io.StringIO(), {}, "error") == ""


def test_secrets_are_hidden_wherever_they_come_from() -> None:
    stream = io.StringIO()
    logs.set_up("info", stream, {})
    LOG.info("opening %s", "rtsp://admin:sesame@camera/a")
    try:
        raise OSError("http://camera/?pwd=sesame")
    except OSError:
        LOG.exception("failed")
    assert "sesame" not in stream.getvalue()
    assert "(OSError: http://camera/?pwd=***" in stream.getvalue()


@pytest.mark.parametrize(("level", "has_traceback"), [("info", False), ("debug", True)])
def test_a_traceback_is_for_debugging_only(level: str, *, has_traceback: bool) -> None:
    stream = io.StringIO()
    logs.set_up(level, stream, {"JOURNAL_STREAM": "8:1"})
    try:
        raise ValueError("odd\nthing")
    except ValueError:
        LOG.exception("failed")
    lines = stream.getvalue().splitlines()
    assert lines[0] == "<3>failed (ValueError: odd thing)"
    assert (len(lines) > 1) is has_traceback
    assert all(line.startswith("<3>") for line in lines)
