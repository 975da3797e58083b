"""The guided start, step by step."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from edged.config import load_text
from edged.core.errors import SetupError
from edged.models.known import known_model
from edged.setup.answers import as_toml
from edged.setup.broker import broker
from edged.setup.cameras import cameras
from edged.setup.file import write
from edged.setup.model import model
from edged.setup.unit import offer_unit

if TYPE_CHECKING:
    from pathlib import Path

    from edged.setup.answers import Answers
    from edged.setup.talk import Talk

ANY_MODEL = known_model("edged-demo").bundled  # stands in for one that is fetched later


def guide(file: Path, answers: Answers, talk: Talk) -> bool:
    """Ask, try, and write ``file``; whether everything that was kept has worked. Raises SetupError."""
    if talk.has_somebody:
        talk.say(
            "edged setup: every step can be skipped, and nothing is written before the end (Ctrl-C leaves)."
        )
        if file.exists():
            talk.say(f"{file} is there already: it will be kept beside the new one.")
    try:
        results = [step(answers, talk) for step in (cameras, broker, model)]
    except (EOFError, KeyboardInterrupt):
        msg = "nothing is written: the answers ended too soon"
        raise SetupError(msg) from None
    has_model = answers.model_file is not None and answers.model_file.is_file()
    tried = answers if has_model else replace(answers, model_file=ANY_MODEL)
    load_text(as_toml(tried), file)  # raises ConfigError: nothing is written that the daemon would refuse
    backup = write(file, as_toml(answers))
    count = len(answers.cameras)
    talk.heading("Done.")
    if backup:
        talk.say(f"the file that was there is kept as {backup}")
    talk.say(f"{file}: written; {count} camera{'' if count == 1 else 's'}")
    if has_model:
        offer_unit(file, talk)
    return all(results)
