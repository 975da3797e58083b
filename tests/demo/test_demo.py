"""``edged demo`` as a person runs it: on a terminal or not, with signals, and with parts that are missing."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import signal
import socket
import struct
import subprocess
import sys
import termios
import time
from typing import TYPE_CHECKING, Self

import psutil
import pytest

from edged.demo.broker import free_port
from tests.parts.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

START_S = 30.0
END_S = 15.0
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
ADDRESS = re.compile(r"127\.0\.0\.1(?::| -p )(\d+)")

COMMAND = "import sys; from edged.cli import main; sys.exit(main(['demo', *sys.argv[1:]]))"
NO_MOSQUITTO = "import os, edged.demo.broker as b; os.environ['PATH'] = b.SBIN = '/nonexistent'; "
NO_AMQTT = "import sys; sys.modules['amqtt'] = None; "
THESE_PORTS = "import edged.demo.run as r; r.free_port = [{http}, {mqtt}].pop; "


class DemoProcess:
    """``edged demo`` with a home and a temporary folder of its own, where nothing may be left."""

    def __init__(
        self,
        folder: Path,
        *arguments: str,
        before: str = "",
        terminal: int | None = None,
        keyboard: int = subprocess.DEVNULL,
        temporary: Path | None = None,
    ) -> None:
        self._home, self._temporary = folder / "home", temporary or folder / "tmp"
        self._output, self._errors = folder / "stdout", folder / "stderr"
        self._home.mkdir()
        self._temporary.mkdir(exist_ok=True)
        environ = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "ORT_"))}
        environ |= {"HOME": str(self._home), "TMPDIR": str(self._temporary), "TERM": "xterm"}
        with self._output.open("wb") as output, self._errors.open("wb") as errors:
            self._process = psutil.Popen(
                [sys.executable, "-c", before + COMMAND, *arguments],
                env=environ,
                stdin=keyboard,
                stdout=output if terminal is None else terminal,
                stderr=errors if keyboard == subprocess.DEVNULL else terminal,  # Textual draws there
            )
        self._family: set[psutil.Process] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in (*self.children().values(), self._process):
            if is_alive(process):
                process.kill()
        self._process.wait()

    @property
    def output(self) -> str:
        return self._output.read_text()

    @property
    def errors(self) -> list[str]:
        return self._errors.read_text().splitlines()

    def children(self) -> dict[str, psutil.Process]:
        """Every process it has started and that lives, by a word that tells what it is."""
        if is_alive(self._process):
            self._family.update(self._process.children())
        alive = filter(is_alive, self._family)
        return {("edged" if "run" in child.cmdline() else "broker"): child for child in alive}

    def wait_for(self, text: str) -> None:
        wait_for(lambda: self.children() and text in self.output, START_S, lambda: f"{text}: {self.output}")

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def end(self, except_for: int | None = None) -> int:
        """Return the exit code, after a look whether it has left anything behind but on one port."""
        deadline_s = time.monotonic() + START_S + END_S
        while self._process.poll() is None and time.monotonic() < deadline_s:
            self.children()
            time.sleep(0.05)
        code: int = self._process.wait(0)
        assert self.children() == {}
        assert list(self._temporary.iterdir()) == []
        assert list(self._home.iterdir()) == []
        for port in {int(port) for port in ADDRESS.findall(self.output)} - {except_for}:
            with socket.socket() as probe:
                assert probe.connect_ex(("127.0.0.1", port)) != 0
        return code


def is_alive(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def tracks_seen(output: str) -> dict[str, int]:
    """Read the table at the end."""
    rows = [line.split() for line in output[output.rindex("\ncamera ") :].splitlines()[2:]]
    return {row[0]: int(row[3]) for row in rows}


def test_it_shows_the_product_and_ends_by_itself(tmp_path: Path) -> None:
    with DemoProcess(tmp_path, "--seconds", "6") as demo:
        assert demo.end() == 0
        output = demo.output
        for expected in ("http://127.0.0.1:", "/health", "/metrics", "mosquitto_sub -h 127.0.0.1 -p "):
            assert expected in output
        assert len(re.findall(r"yard \d+/s: .* \| street \d+/s: ", output)) >= 4
        seen = tracks_seen(output)
        assert set(seen) == {"yard", "street"}
        assert all(seen.values())
        assert demo.errors == []


def test_on_a_terminal_it_draws_one_screen_that_fits(tmp_path: Path) -> None:
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    with DemoProcess(tmp_path, "--seconds", "3", terminal=its) as demo:
        os.close(its)
        drawn = read_to_end(ours)
        assert demo.end() == 0
    before, screen, after = re.split(r"\x1b\[\?1049[hl]", drawn)
    assert before == ""
    assert drawn.rindex("\x1b[?25h") > drawn.rindex("\x1b[?25l")  # the cursor is back
    assert all(seen > 0 for seen in tracks_seen(after.replace("\r", "")).values())
    last = ESCAPE.sub("", screen.split("\x1b[H")[-1]).replace("\r", "").split("\n")
    assert len(last) <= 24
    assert max(len(line) for line in last) <= 80
    assert {"yard", "street"} <= {line.split(" ")[0] for line in last}
    assert any(re.match(r"yard/tracks +\d+ +\{", line) for line in last)


def test_on_a_terminal_that_can_be_typed_at_it_opens_the_console(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("d")  # the path of a Unix socket has room for 107 characters
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
    with DemoProcess(folder, "--seconds", "30", terminal=its, keyboard=its) as demo:
        os.close(its)
        drawn = b""
        while b"WHY" not in drawn:  # the last column of the console's table
            drawn += os.read(ours, 65536)
        os.write(ours, b"q")
        drawn += read_to_end(ours).encode()
        assert demo.end() == 0
    text = drawn.decode(errors="replace")
    before, _, after = text.partition("\x1b[?1049h")
    assert "mosquitto_sub" in before
    assert "\x1b[?1049l" in after  # the screen of before is back
    assert "messages; first tracks after" in after.rpartition("\x1b[?1049l")[2]


def read_to_end(terminal: int) -> str:
    drawn = b""
    try:
        while data := os.read(terminal, 65536):
            drawn += data
    except OSError:  # Linux says EIO when the last process has left the terminal
        pass
    os.close(terminal)
    return drawn.decode()


@pytest.mark.parametrize(
    ("number", "moment"),
    [
        (signal.SIGINT, "/s: "),
        (signal.SIGTERM, "/s: "),
        (signal.SIGHUP, "edged is starting"),
    ],
)
def test_a_signal_ends_it_and_everything_it_has_started(
    tmp_path: Path, number: signal.Signals, moment: str
) -> None:
    with DemoProcess(tmp_path) as demo:
        demo.wait_for(moment)
        demo.signal(number)
        assert demo.end() == 0
        assert set(tracks_seen(demo.output)) == {"yard", "street"}
        assert demo.errors == []


def test_it_brings_a_broker_where_there_is_no_mosquitto(tmp_path: Path) -> None:
    with DemoProcess(tmp_path, "--seconds", "4", before=NO_MOSQUITTO) as demo:
        assert demo.end() == 0
        assert "(amqtt)" in demo.output
        assert all(tracks_seen(demo.output).values())


def test_without_any_broker_it_says_what_to_install(tmp_path: Path) -> None:
    with DemoProcess(tmp_path, before=NO_MOSQUITTO + NO_AMQTT) as demo:
        assert demo.end() == 1
        assert demo.errors == [
            "edged: demo: no MQTT broker here: apt-get install mosquitto, or pip install 'edged[demo]'"
        ]


def test_a_full_disk_is_said_in_one_line(tmp_path: Path, mounted: Callable[[str], Path]) -> None:
    with DemoProcess(tmp_path, temporary=mounted("size=4k")) as demo:
        assert demo.end() == 1
        assert len(demo.errors) == 1
        assert demo.errors[0].startswith("edged: demo: cannot write ")
        assert demo.errors[0].endswith(": No space left on device: make room, or set TMPDIR")


@pytest.mark.parametrize("taken", ["mqtt", "http"])
def test_a_port_that_is_taken_is_said_in_one_line(tmp_path: Path, taken: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        ports = {"mqtt": free_port(), "http": free_port(), taken: port}
        with DemoProcess(tmp_path, before=THESE_PORTS.format(**ports)) as demo:
            assert demo.end(except_for=port) == 1
            assert len(demo.errors) == 1
            assert demo.errors[0].startswith("edged: demo: ")
            assert f"127.0.0.1:{port}" in demo.errors[0]


@pytest.mark.parametrize("victim", ["edged", "broker"])
def test_a_part_that_dies_is_named_with_its_last_words(tmp_path: Path, victim: str) -> None:
    with DemoProcess(tmp_path) as demo:
        demo.wait_for("/s: ")
        demo.children()[victim].kill()
        assert demo.end() == 1
        name = "mosquitto" if victim == "broker" else victim
        assert demo.errors[0] == f"edged: demo: {name} ended unasked (exit code -9)"
        assert len(demo.errors) > 1
        assert not any("Traceback" in line for line in demo.errors)


def test_nobody_followed_is_a_failure(tmp_path: Path) -> None:
    with DemoProcess(tmp_path, "--seconds", "0.01") as demo:
        assert demo.end() == 1
        assert demo.errors[0] == "edged: demo: edged followed nobody in 0.01 s"


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "soon"])
def test_seconds_must_be_a_time(tmp_path: Path, seconds: str) -> None:
    with DemoProcess(tmp_path, "--seconds", seconds) as demo:
        assert demo.end() == 2
