"""The verb table: everything that the daemon can be asked, and where; servers and clients share it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

PREFIX = "/api/v1"
SETTINGS = ("confidence", "fps", "quality")


class Effect(Enum):
    """Whether a verb looks or changes something; who may do the one may not always do the other."""

    READ = "GET"
    CHANGE = "POST"


@dataclass(frozen=True, slots=True)
class Verb:
    """One thing to ask; ``{camera}`` in its path is the id of a camera."""

    name: str
    effect: Effect
    path: str
    help: str

    @property
    def is_for_camera(self) -> bool:
        """Whether it is asked of one camera."""
        return "{camera}" in self.path

    def address(self, camera_id: str = "") -> str:
        """Return the path to ask."""
        return PREFIX + self.path.replace("{camera}", camera_id)


_CAMERA = "/cameras/{camera}"

VERSION = Verb("version", Effect.READ, "/version", "which edged runs, since when, and with which file")
STATUS = Verb("status", Effect.READ, "/status", "how the box, the broker, the model and every camera do")
WATCH = Verb("watch", Effect.READ, "/watch", "one whole status, then what changes, once a second")
LOGS = Verb("logs", Effect.READ, "/logs", "the last lines of the log, and those to come")
MODEL = Verb("model", Effect.READ, "/model", "which model runs, on what, and how fast")
SYSTEM = Verb("system", Effect.READ, "/system", "threads with their CPU time, queues with what they dropped")
CONFIG = Verb("config", Effect.READ, "/config", "every setting in force, and where it comes from; no secrets")
DIAGNOSTICS = Verb(
    "diagnostics", Effect.READ, "/diagnostics", "one archive for a bug report, without secrets"
)
RELOAD = Verb("reload", Effect.CHANGE, "/reload", "read the configuration again")
SNAPSHOT = Verb("snapshot", Effect.READ, f"{_CAMERA}/snapshot", "the picture of now as JPEG")
PREVIEW = Verb("preview", Effect.READ, f"{_CAMERA}/preview", "a small picture of now as raw RGB")
ENABLE = Verb("enable", Effect.CHANGE, f"{_CAMERA}/enable", "connect to the camera")
DISABLE = Verb("disable", Effect.CHANGE, f"{_CAMERA}/disable", "let go of the camera, over a restart too")
RESTART = Verb("restart", Effect.CHANGE, f"{_CAMERA}/restart", "connect to the camera anew")
DETECT = Verb("detect", Effect.CHANGE, f"{_CAMERA}/detect", "switch detection on or off")
CONFIDENCE = Verb("confidence", Effect.CHANGE, f"{_CAMERA}/confidence", "set how sure the model must be")
FPS = Verb("fps", Effect.CHANGE, f"{_CAMERA}/fps", "set how often to detect")
QUALITY = Verb(
    "quality", Effect.CHANGE, f"{_CAMERA}/quality", "set what viewers get who ask for nothing else"
)

VERBS = (
    *(VERSION, STATUS, WATCH, LOGS, MODEL, SYSTEM, CONFIG, DIAGNOSTICS, RELOAD),
    *(SNAPSHOT, PREVIEW, ENABLE, DISABLE, RESTART, DETECT, CONFIDENCE, FPS, QUALITY),
)
COMMANDS = {verb.name: verb for verb in (ENABLE, DISABLE, RESTART, DETECT, CONFIDENCE, FPS, QUALITY)}
"""Those that become a command of ``edged.config.commands`` under the same name."""
