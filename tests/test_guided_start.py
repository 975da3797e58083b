"""The guided start: what it tries, what it writes, and what it never loses."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from edged.config import load
from edged.core.errors import SetupError
from edged.setup import Answers, Talk, guide, parse_cameras
from edged.setup.answers import as_toml
from edged.setup.broker import parsed
from edged.setup.file import write
from tests.daemon.conftest import MODEL, STREET
from tests.parts.broker import Broker, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
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


def someone(*answers: str) -> Talk:
    """Answers the questions in their order, and no more of them."""
    waiting = iter(answers)
    return Talk(lambda _question: next(waiting), None)


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


def test_a_broker_may_have_a_port_and_a_model_a_name(tmp_path: Path, broker: Broker) -> None:
    file = tmp_path / "edged.toml"
    given = ("--broker", f"127.0.0.1:{broker.port}", "--model", "edged-demo")
    done = edged_setup("--yes", "--config", str(file), *given)
    assert done.returncode == 0, done.stderr
    assert f"broker: 127.0.0.1:{broker.port} speaks" in done.stdout
    assert load(file, {}).model.file == MODEL


def test_it_asks_and_tries_until_it_works(
    tmp_path: Path, broker: Broker, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "made" / "edged.toml"
    bad = tmp_path / "bad.onnx"
    bad.write_text("no model")
    talk = someone(
        *(str(STREET), "not an id", "status", "street"),
        *(str(STREET), "street", ""),  # that id is taken: the default is not
        *("rtsp://127.0.0.1:9/x", "", "n"),
        "",
        *("no host", "", "n", f"127.0.0.1:{broker.port}", "somebody", "secret"),
        *("nonsense.onnx", str(bad), str(MODEL)),
    )
    assert guide(file, Answers(), talk)
    said = capsys.readouterr().out
    for text in (
        "'not an id': an id has at most 64 letters, digits, _ and -",
        "'status': no camera can be called that",
        "'street': there is a camera of that id already",
        "nothing listens at this port",
        "broker: 'no host' is no name or address of a machine",
        f"broker: 127.0.0.1:{broker.port} speaks",
        "nonsense.onnx: no such file",
        "bad.onnx: onnxruntime cannot use this file",
        f"start it with: edged run --config {file}",
    ):
        assert text in said
    assert "secret" not in said
    settings = load(file, {})
    assert settings.cameras.keys() == {"street", "camera1"}
    assert settings.mqtt.username == "somebody"


def test_every_step_can_be_skipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    file = tmp_path / "edged.toml"
    assert not guide(file, Answers(), someone("", "-", "-"))
    assert "edged models pull yolox-nano" in capsys.readouterr().out
    model = tmp_path / "models" / "yolox-nano.onnx"
    model.parent.mkdir()
    model.symlink_to(MODEL)
    settings = load(file, {})
    assert (len(settings.cameras), settings.mqtt.enabled, settings.model.file) == (0, False, model)


@pytest.mark.parametrize("end", [EOFError, KeyboardInterrupt])
def test_who_leaves_in_the_middle_finds_everything_as_it_was(
    tmp_path: Path, end: type[BaseException]
) -> None:
    file = tmp_path / "edged.toml"
    file.write_text("# somebody's work\n")

    def leave(_question: str) -> str:
        raise end

    with pytest.raises(SetupError, match="nothing is written"):
        guide(file, Answers(), Talk(leave))
    assert [file.read_text(), *tmp_path.glob("*.bak")] == ["# somebody's work\n"]


def test_no_backup_is_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "edged.toml"
    for text in ("first", "second", "third"):
        write(file, text)
    assert {each.read_text() for each in tmp_path.glob("*.bak")} == {"first", "second"}


def test_a_model_that_is_none_ends_it_where_nobody_can_name_another(tmp_path: Path) -> None:
    bad = tmp_path / "bad.onnx"
    bad.write_text("no model")
    file = tmp_path / "edged.toml"
    with pytest.raises(SetupError, match=r"bad\.onnx cannot be used; name another with --model"):
        guide(file, Answers(model=str(bad)), Talk.with_nobody())
    assert not file.exists()


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("broker.lan", {"host": "broker.lan"}),
        ("broker.lan:1884", {"host": "broker.lan", "port": 1884}),
        ("::1", {"host": "::1"}),
        ("[::1]:1884", {"host": "::1", "port": 1884}),
        ("fe80::2:1", {"host": "fe80::2:1"}),
    ],
)
def test_a_broker_is_a_host_and_perhaps_a_port(given: str, read: dict[str, object]) -> None:
    assert parsed(given) == read


def test_strings_of_every_kind_survive(tmp_path: Path) -> None:
    file = tmp_path / "edged.toml"
    broker: dict[str, str | int] = {"host": "b", "username": 'a"\\b', "password": "p\u00e4ss\tword$"}
    text = as_toml(Answers({"x": "rtsp://a:b@c/d?e=f"}, broker, model_file=MODEL))
    file.write_text(text)
    settings = load(file, {})
    assert settings.mqtt.username == 'a"\\b'
    assert settings.mqtt.password is not None
    assert settings.mqtt.password.get_secret_value() == "p\u00e4ss\tword$"


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ("street", "expected ID=URL"),
        ("=rtsp://x", "an id has at most 64"),
        ("a b=rtsp://x", "an id has at most 64"),
        ("health=rtsp://x", "no camera can be called that"),
    ],
)
def test_a_camera_without_its_id_is_refused(given: str, text: str) -> None:
    with pytest.raises(SetupError, match=text):
        parse_cameras([given])
