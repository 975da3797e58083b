"""``edged setup``: from nothing to a configuration that works, trying everything as it goes.

Every step can be skipped; nothing is written before all of it is known, and no file is lost.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError
from rich.console import Console
from rich.style import Style
from rich.text import Text

from edged.camera import capture_options
from edged.capture import probe
from edged.check import camera_lines
from edged.config import CameraSettings, MqttSettings, load_text
from edged.config.settings import ID_PATTERN
from edged.core.errors import EdgedError, SetupError
from edged.core.halfblock import UPPER_HALF, rows
from edged.core.types import Size
from edged.detect import ModelOptions, check_model, report_lines
from edged.models.known import KNOWN
from edged.models.progress import watched
from edged.models.pull import pull
from edged.publish import address, probe_broker

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from edged.core.types import Picture

PROBE_S = 3.0
PREVIEW_COLUMNS = 72
UNIT = "edged"
FIRST_MODEL = "yolox-nano"


@dataclass(slots=True)
class Answers:
    """What is known so far; what a command line gives is known from the start."""

    cameras: dict[str, str] = field(default_factory=dict)
    broker: dict[str, str | int] | None = None
    model: Path | None = None


class Setup:
    """Asks, tries, and writes ``file``; with ``ask`` None it takes what it was given."""

    def __init__(self, file: Path, answers: Answers, ask: Callable[[str], str] | None) -> None:
        self._file = file
        self._answers = answers
        self._ask = ask
        self._console = Console(highlight=False)

    def run(self) -> bool:
        """Go through every step; whether everything that was tried has worked. Raises SetupError."""
        is_well = self._try_cameras()
        is_well &= self._try_broker()
        self._choose_model()
        text = as_toml(self._answers)
        load_text(text, self._file)  # raises ConfigError: nothing is written that the daemon would refuse
        self._write(text)
        self._offer_unit()
        return is_well

    def _try_cameras(self) -> bool:
        is_well = True
        for camera_id, url in self._answers.cameras.items():
            is_well &= self._try_camera(camera_id, url)
        while self._ask and (url := self._question("Address of a camera, rtsp://… (Enter: no more)")):
            default = f"camera{len(self._answers.cameras) + 1}"
            camera_id = self._question(f"Its id: letters, digits, _ and - (Enter: {default})") or default
            if not re.fullmatch(ID_PATTERN, camera_id):
                self._say(f"{camera_id!r} cannot be an id: letters, digits, _ and - only")
            elif self._try_camera(camera_id, url) or self._agrees("Keep it all the same?"):
                self._answers.cameras[camera_id] = url
        return is_well

    def _try_camera(self, camera_id: str, url: str) -> bool:
        try:
            settings = CameraSettings(url=url)
            report = probe(capture_options(settings), PROBE_S)
        except ValidationError as error:
            self._say(f"camera {camera_id}: expected {error.errors()[0]['ctx']['error']}")
            return False
        except EdgedError as error:
            self._say(f"camera {camera_id}: {error}")
            return False
        for line in camera_lines(f"camera {camera_id}", report):
            self._say(line)
        if self._console.is_terminal:
            self._show(report.picture)
        return True

    def _try_broker(self) -> bool:
        if self._ask and self._answers.broker is None:
            host = self._question("MQTT broker, host name or address (Enter: localhost; - for none)")
            if host == "-":
                return True
            self._answers.broker = {"host": host or "localhost"}
            if username := self._question("Its user (Enter: none)"):
                password = self._question("And password")
                self._answers.broker |= {"username": username, "password": password}
        if self._answers.broker is None:
            return True
        try:
            settings = MqttSettings.model_validate(self._answers.broker)
            protocol = probe_broker(settings)
        except (EdgedError, ValueError) as error:
            self._say(f"broker: {str(error).splitlines()[0]}")
            return False
        self._say(f"broker: {address(settings)} speaks {protocol.value}")
        return True

    def _choose_model(self) -> None:
        """Have a model that works, or raise SetupError: without one there is no daemon."""
        while self._answers.model is None:
            names = ", ".join(f"{model.name} ({model.made_for})" for model in KNOWN)
            given = self._question(f"Model: a file, or one of {names} (Enter: {FIRST_MODEL})") or FIRST_MODEL
            self._answers.model = self._model(given)
            if self._answers.model is None and self._ask is None:
                msg = "no model: name a file with --model, or get one with `edged models pull`"
                raise SetupError(msg)
        try:
            report = check_model(ModelOptions(self._answers.model))
        except EdgedError as error:
            msg = f"model: {error}"
            raise SetupError(msg) from None
        for line in report_lines(report):
            self._say(f"model: {line}")

    def _model(self, given: str) -> Path | None:
        """Return the file of a known model, fetched if need be, or the file that was named."""
        known = next((model for model in KNOWN if model.name == given), None)
        file = known.file if known else Path(given).expanduser().absolute()
        if known and not file.exists() and known.url:
            try:
                with watched(known.name, sys.stderr) as watcher:
                    pull(known.url, file, watcher=watcher, sha256=known.sha256)
            except EdgedError as error:
                self._say(f"model: {error}")
        if file.is_file():
            return file
        self._say(f"model: {file}: no such file")
        return None

    def _write(self, text: str) -> None:
        """Put the configuration in its place; what stood there is kept beside it."""
        backup = None
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            if self._file.exists():
                backup = self._file.with_name(f"{self._file.name}.{time.strftime('%Y%m%d-%H%M%S')}.bak")
                shutil.copy2(self._file, backup)
            part = self._file.with_name(f"{self._file.name}.part")
            part.unlink(missing_ok=True)
            part.touch(mode=0o640)  # before a password stands in it
            part.write_text(text, encoding="utf-8")
            if os.geteuid() == 0:
                _give_to_service(part)
            part.replace(self._file)
        except OSError as error:
            msg = f"{self._file}: cannot be written: {error.strerror}: be root, or name another with --config"
            raise SetupError(msg) from None
        if backup:
            self._say(f"the file that was there is kept as {backup}")
        self._say(f"{self._file}: written; {len(self._answers.cameras)} camera(s)")

    def _offer_unit(self) -> None:
        command = ["systemctl", "enable", "--now", UNIT]
        if self._ask is None or not shutil.which("systemctl"):
            self._say(f"start it with: {' '.join(command)}   or: edged run --config {self._file}")
        elif self._agrees(f"Start edged now, and at every boot ({' '.join(command)})?"):
            started = subprocess.run(command, check=False, capture_output=True, text=True)
            self._say(started.stderr.strip() or "started; `edged tui` shows it")

    def _show(self, picture: Picture) -> None:
        """Show a picture in the terminal."""
        width = min(PREVIEW_COLUMNS, self._console.width) & ~1
        size = Size(width, max(2, int(picture.size.height * width / picture.size.width) & ~1))
        rgb = picture.bgr(size)[:, :, ::-1].tobytes()
        for row in rows(rgb, size.width, size.height):
            text = Text()
            for upper, lower in row:
                text.append(UPPER_HALF, Style(color=f"rgb{upper}", bgcolor=f"rgb{lower}"))
            self._console.print(text)

    def _question(self, text: str) -> str:
        return self._ask(f"{text}: ").strip() if self._ask else ""

    def _agrees(self, text: str) -> bool:
        return self._question(f"{text} (y/N)").lower() in {"y", "yes"}

    def _say(self, text: str) -> None:
        self._console.print(Text(text), soft_wrap=True)


def _give_to_service(file: Path) -> None:
    """Let the daemon's group read the file, where there is such a group."""
    try:
        shutil.chown(file, group="edged")
    except LookupError:
        return


def as_toml(answers: Answers) -> str:
    """Write down what is known; every other key keeps its default."""
    lines = ["# Written by `edged setup`. Every key there is: etc/edged.toml of the project.", ""]
    if answers.broker is None:
        lines += _table("mqtt", {"enabled": False})
    else:
        lines += _table("mqtt", answers.broker)
    lines += _table("model", {"file": str(answers.model)})
    for camera_id, url in answers.cameras.items():
        lines += _table(f"cameras.{camera_id}", {"url": url})
    return "\n".join(lines)


def _table(name: str, members: Mapping[str, str | int]) -> list[str]:
    # A JSON string is a TOML string; so are its numbers and true and false.
    return [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in members.items()), ""]


def run(file: Path, answers: Answers, *, asks: bool) -> bool:
    """Set up ``file``; whether everything that was tried has worked."""
    return Setup(file, answers, input if asks else None).run()


def parse_cameras(given: Sequence[str]) -> dict[str, str]:
    """Read ``ID=URL``; raises SetupError for what is not of that form."""
    cameras = {}
    for each in given:
        camera_id, equals, url = each.partition("=")
        if not equals or not re.fullmatch(ID_PATTERN, camera_id):
            msg = f"--camera {camera_id[:64]!a}: expected ID=URL, such as porch=rtsp://192.168.1.20/stream1"
            raise SetupError(msg)
        cameras[camera_id] = url
    return cameras
