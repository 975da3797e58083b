"""The step in which cameras are named, tried at once, and seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import ValidationError

from edged.camera import capture_options
from edged.capture import probe
from edged.check import camera_lines
from edged.config import CameraSettings
from edged.core.errors import EdgedError
from edged.setup.answers import id_problem

if TYPE_CHECKING:
    from edged.setup.answers import Answers
    from edged.setup.talk import Talk

PROBE_S = 3.0


def cameras(answers: Answers, talk: Talk) -> bool:
    """Try the cameras that are known and ask for more; whether all that were kept have worked."""
    tried = [_try(camera_id, url, talk) for camera_id, url in answers.cameras.items()]
    is_well = all(tried)
    talk.heading("Cameras. The address is in the camera's manual or its own web page, under RTSP.")
    while url := talk.question("Address of a camera, rtsp://user:password@… (Enter: no more)"):
        camera_id = _id(answers, talk)
        worked = _try(camera_id, url, talk)
        if worked or talk.agrees("Keep it all the same?"):
            answers.cameras[camera_id] = url
            is_well &= worked
    return is_well


def _id(answers: Answers, talk: Talk) -> str:
    default = next(name for n in range(1, 1000) if (name := f"camera{n}") not in answers.cameras)
    while True:
        camera_id = talk.question(f"A short id for it, such as porch (Enter: {default})") or default
        problem = id_problem(camera_id, answers.cameras)
        if not problem:
            return camera_id
        talk.say(f"{camera_id!r}: {problem}")


def _try(camera_id: str, url: str, talk: Talk) -> bool:
    talk.say(f"camera {camera_id}: trying …")
    try:
        report = probe(capture_options(CameraSettings(url=url)), PROBE_S)
    except ValidationError as error:
        talk.say(f"camera {camera_id}: expected {error.errors()[0]['ctx']['error']}")
        return False
    except EdgedError as error:
        talk.say(f"camera {camera_id}: {error}")
        return False
    for line in camera_lines(f"camera {camera_id}", report):
        talk.say(line)
    talk.show(report.picture)
    return True
