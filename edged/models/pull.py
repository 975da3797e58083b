"""Get a model: fetch it, see that it is the right one and that it works, and only then put it in place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edged.core.errors import ModelError, PullError
from edged.core.redact import redact
from edged.detect import ModelOptions, check_model
from edged.models.fetch import Patience, fetch
from edged.models.partial import PartialFile

if TYPE_CHECKING:
    from pathlib import Path

    from edged.detect import ModelReport
    from edged.models.progress import Watcher


def pull(
    source: str,
    destination: Path,
    *,
    watcher: Watcher,
    sha256: str | None = None,
    patience: Patience = Patience(),  # noqa: B008 - frozen
) -> ModelReport:
    """Put the model at ``source``, an address or a path, to ``destination`` and say what it is.

    Whatever goes wrong is a PullError, and then the destination is as it was.
    """
    with PartialFile(destination) as part:
        fetch(source, part, watcher, patience)
        try:
            report = _verify(part, redact(source), sha256)
        except PullError:
            part.discard()
            raise
        part.install()
    return report


def _verify(part: PartialFile, source: str, sha256: str | None) -> ModelReport:
    if sha256 is not None and (found := part.sha256()) != sha256:
        msg = (
            f"{source}: not the expected file: its SHA-256 is {found}, expected was {sha256}; "
            "nothing was installed"
        )
        raise PullError(msg)
    try:
        return check_model(ModelOptions(part.path))
    except ModelError as error:
        why = str(error).removeprefix(f"{part.path}: ").replace(str(part.path), "it")
        msg = f"{source}: not a model that edged can use: {why}; nothing was installed"
        raise PullError(msg) from error
