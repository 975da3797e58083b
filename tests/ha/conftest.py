"""A broker, a box that publishes what a test says, and a real Home Assistant where one is installed."""

from __future__ import annotations

import json
import os
import re
import subprocess
import threading
from pathlib import Path
from queue import Empty, Queue
from typing import TYPE_CHECKING, Any, Self

import pytest

from edged.config import CameraSettings, HomeAssistantSettings, MqttSettings
from edged.core.retry import Backoff
from edged.core.types import CameraState
from edged.publish import Installation, Publisher
from tests.parts.broker import Broker
from tests.parts.subscriber import Subscriber
from tests.parts.waiting import wait_for
from tests.publish.facts import a_health, some_facts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from edged.config.commands import Command

PYTHON = os.environ.get("EDGED_TEST_HOME_ASSISTANT", "")
MISSING = "EDGED_TEST_HOME_ASSISTANT names no Python with Home Assistant: make test-ha"
ANSWER_TIMEOUT_S = 30.0
OURS = re.compile(r"(WARNING|ERROR|CRITICAL):(homeassistant\.(components\.mqtt|helpers\.template)|.*edged)")
ZONES = {"porch": {"polygon": [(0, 0), (1, 0), (1, 1)], "labels": ["person"]}}
LINES = {"gate": {"start": (0, 0), "end": (1, 1)}}


def a_camera(**more: Any) -> CameraSettings:
    """A camera with a zone and a line, looking for people and cars."""
    facts = {
        "url": "rtsp://127.0.0.1/",
        "detect": {"labels": ["person", "car"]},
        "zones": ZONES,
        "lines": LINES,
    }
    return CameraSettings.model_validate({**facts, **more})


def an_installation(cameras: dict[str, CameraSettings] | None = None, box_id: str = "porch") -> Installation:
    return Installation(
        box_id=box_id,
        version="0.1.0",
        configuration_url="http://box:8480/",
        has_temperature=True,
        cameras={"front": a_camera(name="Front door", area="Garden")} if cameras is None else cameras,
    )


class Box:
    """A publisher and what there is to be found of it."""

    def __init__(
        self,
        port: int,
        there: Installation | None = None,
        mqtt: dict[str, Any] | None = None,
        **settings: Any,
    ) -> None:
        there = there or an_installation()
        self.commands: list[Command] = []
        self.publisher = Publisher(
            MqttSettings(host="127.0.0.1", port=port, **(mqtt or {})),
            base_topic=f"edged/{there.box_id}",
            client_id=f"edged-{there.box_id}",
            on_command=self.commands.append,
            box_id=there.box_id,
            home_assistant=HomeAssistantSettings(**settings),
            backoff=Backoff(first_s=0.05, longest_s=0.2),
        )
        self.set(there)
        self.publisher.start()
        self.publisher.health(a_health())
        for camera_id in there.cameras:
            self.publisher.camera_status(camera_id, online=True)
        self.publisher.camera_state(some_facts(1))
        self.publisher.snapshot("front", b"\xff\xd8jpeg\xff\xd9")

    def set(self, there: Installation) -> None:
        self.publisher.set_cameras(there.cameras)
        self.publisher.set_installation(there)

    def lose_camera(self) -> None:
        self.publisher.camera_status("front", online=False)
        self.publisher.health(a_health(CameraState.LOST))


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    folder = tmp_path / "broker"
    folder.mkdir()
    made = Broker(folder)
    made.start()
    yield made
    made.kill()


@pytest.fixture
def listener(broker: Broker) -> Iterator[Subscriber]:
    """Somebody who hears all discovery."""
    made = Subscriber(broker.port, "homeassistant/#")
    yield made
    made.close()


@pytest.fixture
def box(broker: Broker) -> Iterator[Callable[..., Box]]:
    """Start a box."""
    made: list[Box] = []

    def start(there: Installation | None = None, **settings: Any) -> Box:
        made.append(Box(broker.port, there, **settings))
        return made[-1]

    yield start
    for each in made:
        each.publisher.stop(1.0)


def retained(port: int, topic_filter: str = "homeassistant/#") -> dict[str, bytes]:
    """What a broker has retained, read by somebody who comes late."""
    late = Subscriber(port, topic_filter)
    late.publish("homeassistant/end/of/what/is/retained", b"now")
    late.wait_for(lambda: late.all_of("homeassistant/end/of/what/is/retained"))
    found = {each.topic: each.payload for each in late.everything() if each.retain and each.payload}
    late.close()
    return found


class HomeAssistant:
    """A Home Assistant with its MQTT integration at a broker. A context manager."""

    def __init__(self, folder: Path, broker_port: int) -> None:
        self._command = [PYTHON, str(Path(__file__).with_name("hass.py")), str(folder), str(broker_port)]
        self._answers: Queue[Any] = Queue()
        self.log: list[str] = []

    def __enter__(self) -> Self:
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(self._command, stdin=pipe, stdout=pipe, stderr=pipe, text=True)
        threading.Thread(target=self._read_answers, daemon=True).start()
        threading.Thread(target=self._read_log, daemon=True).start()
        assert self._answer() == {"ready": True}
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._send({"do": "stop"})
        self._process.wait(20)
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            assert pipe
            pipe.close()

    def states(self) -> dict[str, str]:
        """The state of every entity by its id; None for one that is registered and has none."""
        found = self._ask({"do": "states"})
        return {name: (found["states"].get(name) or {"state": None})["state"] for name in found["registered"]}

    def attributes(self, entity_id: str) -> Any:
        return self._ask({"do": "states"})["states"][entity_id]["attributes"]

    def devices(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._ask({"do": "devices"})
        return found

    def call(self, service: str, **data: object) -> None:
        self._ask({"do": "call", "service": service, "data": data})

    def wait_state(self, entity_id: str, state: str, timeout_s: float = 10.0) -> None:
        wait_for(
            lambda: self.states().get(entity_id) == state,
            timeout_s,
            lambda: f"{entity_id} {state} in {self.states()}",
        )

    def complaints(self) -> list[str]:
        """What its log says of MQTT, of templates, or of us."""
        return [line for line in self.log if OURS.match(line)]

    def _ask(self, request: dict[str, Any]) -> Any:
        self._send(request)
        return self._answer()

    def _send(self, request: dict[str, Any]) -> None:
        assert self._process.stdin
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()

    def _answer(self) -> Any:
        try:
            return self._answers.get(timeout=ANSWER_TIMEOUT_S)
        except Empty:
            pytest.fail("Home Assistant does not answer:\n" + "\n".join(self.log))

    def _read_answers(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            self._answers.put(json.loads(line))

    def _read_log(self) -> None:
        assert self._process.stderr
        self.log.extend(line.rstrip() for line in self._process.stderr)


@pytest.fixture
def home_assistant(tmp_path: Path) -> Callable[[int], HomeAssistant]:
    """Make a Home Assistant; the second of a test remembers what the first knew."""
    if not PYTHON:
        pytest.skip(MISSING)

    def make(broker_port: int) -> HomeAssistant:
        return HomeAssistant(tmp_path / "hass", broker_port)

    return make


@pytest.fixture
def understands_devices() -> bool:
    """Whether this Home Assistant knows the device form."""
    if not PYTHON:
        pytest.skip(MISSING)
    script = "from homeassistant.const import MAJOR_VERSION as a, MINOR_VERSION as b; print(a * 100 + b)"
    said = subprocess.run([PYTHON, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    return int(said.stdout) >= 202411
