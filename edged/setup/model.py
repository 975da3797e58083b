"""The step in which a model is chosen, fetched if need be, and tried."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from edged.core.errors import EdgedError, SetupError
from edged.detect import ModelOptions, check_model, report_lines
from edged.models.known import KNOWN
from edged.models.progress import watched
from edged.models.pull import pull
from edged.setup.talk import SKIP

if TYPE_CHECKING:
    from edged.models.known import KnownModel
    from edged.setup.answers import Answers
    from edged.setup.talk import Talk

FIRST = next(model for model in KNOWN if model.url)


def model(answers: Answers, talk: Talk) -> bool:
    """Choose a model that works; whether there is one. Raises SetupError where nobody can choose another."""
    talk.heading("The model, which finds people and vehicles in the pictures.")
    given = answers.model
    if given is None and talk.has_somebody:
        for known in KNOWN:
            talk.say(f"  {known.name:<12} {known.made_for}")
    while True:
        given = (
            given
            or talk.question(f"A name, or an ONNX file (Enter: {FIRST.name}; {SKIP}: later)")
            or FIRST.name
        )
        if given == SKIP:
            answers.model_file = FIRST.file
            talk.say(f"model: until `edged models pull {FIRST.name}` has fetched it, edged does not start")
            return False
        answers.model_file = _found(given, talk)
        if answers.model_file and _try(answers.model_file, talk):
            return True
        if not talk.has_somebody:
            msg = f"no model: {given} cannot be used; name another with --model"
            raise SetupError(msg)
        given = None


def _found(given: str, talk: Talk) -> Path | None:
    """Return the file that was named, or that of a known model, fetched if need be."""
    known = next((model for model in KNOWN if model.name == given), None)
    file = known.file if known else Path(given).expanduser().absolute()
    if known and not file.exists():
        _fetch(known, talk)
    if file.is_file():
        return file
    talk.say(f"model: {file}: no such file")
    return None


def _fetch(known: KnownModel, talk: Talk) -> None:
    if known.url is None:
        return
    try:
        with watched(known.name, sys.stderr) as watcher:
            pull(known.url, known.file, watcher=watcher, sha256=known.sha256)
    except EdgedError as error:
        talk.say(f"model: {error}")


def _try(file: Path, talk: Talk) -> bool:
    try:
        report = check_model(ModelOptions(file))
    except EdgedError as error:
        talk.say(f"model: {error}")
        return False
    for line in report_lines(report):
        talk.say(f"model: {line}")
    return True
