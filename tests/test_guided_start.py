"""The guided start: what it tries, what it writes, and what it never loses."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from edged.config import load
from edged.core.errors import SetupError
from edged.setup import Answers, Setup, as_toml, parse_cameras
from tests.daemon.conftest import MODEL, STREET
from tests.parts.broker import Broker, free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    folder = tmp_path / "broker"
    folder.mkdir()
    made = Broker(folder)
    made.start()
    yield made
    made.kill()


def edged_setup(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "edged", "setup", *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=60, stdin=subprocess.DEVNULL
    )


def replies(*answers: str) -> Callable[[str], str]:
    """Answers the questions in their order."""
    waiting = iter(answers)
    return lambda _question: next(waiting)


def test_it_writes_what_a_script_gives_and_keeps_what_was_there(tmp_path: Path) -> None:
    file = tmp_path / "edged.toml"
    file.write_text("# somebody's work\n")
    given = ("--camera", f"street={STREET}", "--model", str(MODEL))
    done = edged_setup("--yes", "--config", str(file), *given)
    assert done.returncode == 0, done.stderr
    assert "camera street: h264" in done.stdout
    settings = load(file, {})
    assert (settings.cameras["street"].url, settings.model.file) == (str(STREET), MODEL)
    assert settings.mqtt.enabled is False
    assert file.stat().st_mode & 0o777 == 0o640
    (backup,) = tmp_path.glob("edged.toml.*.bak")
    assert backup.read_text() == "# somebody's work\n"


def test_what_does_not_work_is_said_and_written_all_the_same(tmp_path: Path) -> None:
    file = tmp_path / "edged.toml"
    camera = f"gone=rtsp://admin:secret@127.0.0.1:{free_port()}/x"
    given = ("--camera", camera, "--broker", "127.0.0.1", "--model", str(MODEL))
    done = edged_setup("--yes", "--config", str(file), *given)
    assert done.returncode == 1
    assert "nothing listens at this port" in done.stdout
    assert "secret" not in done.stdout + done.stderr
    assert load(file, {}).cameras.keys() == {"gone"}


def test_without_a_terminal_it_asks_nothing(tmp_path: Path) -> None:
    done = edged_setup("--config", str(tmp_path / "edged.toml"))
    assert (done.returncode, list(tmp_path.iterdir())) == (1, [])
    assert "there is nobody to ask: say --yes" in done.stderr


def test_it_asks_and_tries(tmp_path: Path, broker: Broker, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "made" / "edged.toml"
    answers = Answers(broker={"host": "127.0.0.1", "port": broker.port})
    asked = replies(str(STREET), "not an id", str(STREET), "street", "", "nonsense.onnx", str(MODEL), "n")
    assert Setup(file, answers, asked).run()
    said = capsys.readouterr().out
    assert "'not an id' cannot be an id" in said
    assert "nonsense.onnx: no such file" in said
    assert f"broker: 127.0.0.1:{broker.port} speaks" in said
    assert load(file, {}).cameras.keys() == {"street"}


def test_every_step_but_the_model_can_be_skipped(tmp_path: Path) -> None:
    file = tmp_path / "edged.toml"
    assert Setup(file, Answers(), replies("", "-", str(MODEL), "n")).run()
    settings = load(file, {})
    assert (len(settings.cameras), settings.mqtt.enabled) == (0, False)


def test_a_model_that_is_none_ends_it_and_writes_nothing(tmp_path: Path) -> None:
    bad = tmp_path / "bad.onnx"
    bad.write_text("no model")
    file = tmp_path / "edged.toml"
    with pytest.raises(SetupError, match=r"bad\.onnx"):
        Setup(file, Answers(model=bad), None).run()
    assert not file.exists()


def test_strings_of_every_kind_survive(tmp_path: Path) -> None:
    file = tmp_path / "edged.toml"
    broker: dict[str, str | int] = {"host": "b", "username": 'a"\\b', "password": "p\u00e4ss\tword$"}
    text = as_toml(Answers({"x": "rtsp://a:b@c/d?e=f"}, broker, MODEL))
    file.write_text(text)
    settings = load(file, {})
    assert settings.mqtt.username == 'a"\\b'
    assert settings.mqtt.password is not None
    assert settings.mqtt.password.get_secret_value() == "p\u00e4ss\tword$"


@pytest.mark.parametrize("given", ["street", "=rtsp://x", "a b=rtsp://x"])
def test_a_camera_without_its_id_is_refused(given: str) -> None:
    with pytest.raises(SetupError, match="expected ID=URL"):
        parse_cameras([given])
