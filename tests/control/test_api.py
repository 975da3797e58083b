"""The verbs of a real daemon over its real socket."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import tarfile
import urllib.request
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest

from edged.control.places import ZONE_BGR
from edged.control.verbs import COMMANDS, VERBS
from tests.control.conftest import PASSWORD, TOKEN, config
from tests.parts.control import ask, lines
from tests.parts.daemon import EdgedProcess
from tests.parts.waiting import wait_for

if TYPE_CHECKING:
    from pathlib import Path

STREET = "/cameras/street"


def ctl(daemon: EdgedProcess, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "edged", "ctl", *arguments, "--socket", str(daemon.socket)]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


def settings(daemon: EdgedProcess) -> Any:
    return ask(daemon.socket, "/status")[1]["cameras"]["street"]["settings"]


def test_every_verb_without_arguments_answers(daemon: EdgedProcess) -> None:
    for verb in VERBS:
        if verb.name not in {"watch", "logs", *COMMANDS}:
            route = verb.path.replace("{camera}", "street")
            status, _ = ask(daemon.socket, route, {} if verb.effect.value == "POST" else None)
            assert status == 200, verb.name


def test_status_says_what_is_wrong_and_what_happens_next(daemon: EdgedProcess) -> None:
    while (status := ask(daemon.socket, "/status")[1])["cameras"]["gone"]["state"] != "waiting":
        pass  # between two tries
    gone, street = status["cameras"]["gone"], status["cameras"]["street"]
    assert gone["why"] == "connection refused: nothing listens at this port"
    assert status["problems"] == [f"camera gone: {gone['state']}: {gone['why']}"]
    assert (street["name"], street["state"]) == ("The street", "streaming")
    assert street["age_s"] < 5


def test_settings_are_changed_and_answered(daemon: EdgedProcess) -> None:
    before = settings(daemon)
    assert ask(daemon.socket, f"{STREET}/confidence", {"value": 0.6})[1]["settings"]["confidence"] == 0.6
    assert ask(daemon.socket, f"{STREET}/fps", {"value": "2.5"})[1]["settings"]["fps"] == 2.5
    assert ask(daemon.socket, f"{STREET}/detect", {"value": False})[1]["settings"]["detect"] is False
    for key in ("confidence", "fps", "detect"):
        ask(daemon.socket, f"{STREET}/{key}", {"value": before[key]})
    assert settings(daemon) == before


def test_a_picture_is_had_without_detection_too(daemon: EdgedProcess) -> None:
    ask(daemon.socket, f"{STREET}/detect", {"value": "off"})
    try:
        status, jpeg = ask(daemon.socket, f"{STREET}/snapshot?quality=50")
        assert (status, jpeg[:2]) == (200, b"\xff\xd8")
        status, rgb = ask(daemon.socket, f"{STREET}/preview?width=64&height=64")
        assert (status, len(rgb)) == (200, 64 * 36 * 3)
    finally:
        ask(daemon.socket, f"{STREET}/detect", {"value": "on"})


def test_a_picture_shows_zones_and_lines_where_that_is_asked_for(
    daemon: EdgedProcess, tmp_path: Path
) -> None:
    for name, options in (("plain", ()), ("zones", ("--zones",))):
        file = str(tmp_path / f"{name}.jpg")
        assert ctl(daemon, "snapshot", "street", file, "--no-boxes", *options).returncode == 0
    plain, zones = (cv2.imread(str(tmp_path / f"{name}.jpg")) for name in ("plain", "zones"))
    assert plain is not None
    assert zones is not None
    edge = (slice(269, 271), slice(20, 60))  # of the zone: half of 540 rows down
    assert np.abs(zones[edge].mean((0, 1)) - ZONE_BGR).max() < 40
    assert np.abs(plain[edge].mean((0, 1)) - ZONE_BGR).max() > 60


def test_a_camera_that_is_away_has_no_picture_and_says_why(daemon: EdgedProcess) -> None:
    status, answer = ask(daemon.socket, "/cameras/gone/snapshot")
    assert status == 409
    assert "connection refused" in answer["error"]["text"]


@pytest.mark.parametrize(
    ("route", "body", "refusal"),
    [
        ("/nonsense", None, (404, "unknown_verb", "known: GET /api/v1/cameras/<camera>/preview")),
        ("/status", {}, (404, "unknown_verb", "there is no POST")),
        (f"{STREET}/restart", None, (404, "unknown_verb", "there is no GET")),
        ("/cameras/stret/restart", {}, (404, "unknown_camera", "did you mean 'street'?")),
        (f"{STREET}/fps", {"value": 99}, (400, "bad_value", "expected a number from 0.1 to 30, got '99'")),
        (f"{STREET}/fps", {"value": [1]}, (400, "bad_value", "expected a number")),
        (f"{STREET}/fps", {"value": True}, (400, "bad_value", "expected a number")),
        (f"{STREET}/fps", {}, (400, "bad_value", "got nothing")),
        (f"{STREET}/detect", {"value": "maybe"}, (400, "bad_value", "expected ON or OFF, got 'maybe'")),
        (f"{STREET}/fps", [1, 2], (400, "bad_value", "expected a JSON object")),
        (f"{STREET}/snapshot?quality=0", None, (400, "bad_value", "from 1 to 100")),
        (f"{STREET}/preview?width=9999999999999", None, (400, "bad_value", "from 2 to 512")),
        ("/logs?level=loud", None, (400, "bad_value", "known: critical, debug")),
    ],
)
def test_a_wrong_question_gets_a_clear_answer(
    daemon: EdgedProcess, route: str, body: object, refusal: tuple[int, str, str]
) -> None:
    status, code, text = refusal
    got, answer = ask(daemon.socket, route, body)
    assert (got, answer["error"]["code"]) == (status, code)
    assert text in answer["error"]["text"]


def test_a_body_that_is_no_json_is_refused(daemon: EdgedProcess) -> None:
    for raw in (b"{", b"\xff\xfe", b"[" * 10_000):
        assert ask(daemon.socket, f"{STREET}/fps", raw=raw)[0] == 400
    assert ask(daemon.socket, f"{STREET}/fps", raw=b"value=5", content_type="text/plain")[0] == 415
    assert ask(daemon.socket, f"{STREET}/fps", raw=b'{"value": "' + b"x" * 20_000 + b'"}')[0] == 413


def test_watch_tells_all_once_and_then_what_changes(daemon: EdgedProcess) -> None:
    with lines(daemon.socket, "/watch") as told:
        first = next(told)
        assert first["status"]["cameras"].keys() == {"street", "gone"}
        second = next(told)
        assert "status" not in second
        assert second["changes"]["timestamp"] > first["status"]["timestamp"]
        assert "name" not in second["changes"]["cameras"].get("street", {})


def test_events_are_told_as_they_happen(daemon: EdgedProcess) -> None:
    ask(daemon.socket, f"{STREET}/restart", {})
    daemon.wait_for_camera("street", state="streaming")
    with lines(daemon.socket, "/watch") as told:
        events = next(told)["events"]
        while not any(event["type"] == "track_started" for event in events):
            events += next(told).get("events", [])


def test_logs_are_the_last_ones_and_then_those_to_come(daemon: EdgedProcess) -> None:
    with lines(daemon.socket, "/logs?lines=1&follow=1") as told:
        next(told)
        ask(daemon.socket, f"{STREET}/confidence", {"value": 0.31})
        while "detect.confidence = 0.31" not in next(told).get("text", ""):
            pass
    with lines(daemon.socket, "/logs?level=error") as told:
        assert all(line["level"] in {"error", "critical"} for line in told)


def test_secrets_stay_inside(daemon: EdgedProcess) -> None:
    archive = tarfile.open(fileobj=io.BytesIO(ask(daemon.socket, "/diagnostics")[1]))  # noqa: SIM115
    names = {member.name.partition("/")[2] for member in archive.getmembers()}
    assert names >= {"status.json", "config.json", "log.txt", "threads.txt", "system.json", "events.json"}
    files = [archive.extractfile(member) for member in archive.getmembers()]
    told = [file.read().decode() for file in files if file]
    told += [
        json.dumps(ask(daemon.socket, route)[1]) for route in ("/config", "/status", "/model", "/system")
    ]
    for secret in (PASSWORD, "mqtt-secret", "admin"):
        assert not [text for text in told if secret in text]
    threads = next(text for text in told if "MainThread" in text and "File " in text)
    assert "inference-0" in threads


def test_config_says_where_each_value_comes_from(daemon: EdgedProcess) -> None:
    ask(daemon.socket, f"{STREET}/fps", {"value": 4})
    ask(daemon.socket, f"{STREET}/quality", {"value": "low"})
    rows = {
        row["path"]: (row["value"], row["origin"]) for row in ask(daemon.socket, "/config")[1]["settings"]
    }
    ask(daemon.socket, f"{STREET}/fps", {"value": 5})
    ask(daemon.socket, f"{STREET}/quality", {"value": "auto"})
    assert rows["mqtt.password"] == ("***", "file")
    assert rows["mqtt.keepalive_s"] == ("15", "default")
    assert rows["cameras.street.detect.fps"] == ("4.0", "command")
    assert rows["cameras.street.quality"] == ("low", "command")
    assert rows["cameras.street.enabled"] == ("true", "default")
    assert rows["cameras.gone.detect.confidence"] == ("0.3", "[detect]")
    assert rows["cameras.gone.url"] == ("rtsp://***@127.0.0.1:9/x", "file")


def test_ctl_is_a_table_for_people_and_json_for_scripts(daemon: EdgedProcess) -> None:
    while "nothing listens at this port" not in (table := ctl(daemon, "status")).stdout:
        assert "connecting" in table.stdout  # once again
    assert table.returncode == 0
    assert "gone" in table.stdout.splitlines()[3]  # after two lines of the box and the heading
    assert json.loads(ctl(daemon, "status", "--json").stdout)["cameras"].keys() == {"street", "gone"}


def test_ctl_has_exit_codes_that_say_whose_fault_it_is(daemon: EdgedProcess, tmp_path: Path) -> None:
    assert ctl(daemon, "set", "street", "fps", "99").returncode == 2
    assert ctl(daemon, "camera", "restart", "nobody").returncode == 2
    assert ctl(daemon, "snapshot", "gone", str(tmp_path / "x.jpg")).returncode == 1
    nowhere = [sys.executable, "-m", "edged", "ctl", "status", "--socket", str(tmp_path / "none")]
    down = subprocess.run(nowhere, capture_output=True, text=True, check=False)
    assert (down.returncode, down.stderr) == (
        1,
        f"edged: {tmp_path / 'none'}: no such socket: edged does not run here\n",
    )


def test_a_camera_that_is_switched_off_stays_off_over_a_restart(tmp_path: Path) -> None:
    with EdgedProcess(tmp_path, config()) as daemon:
        daemon.wait_for_camera("street", state="streaming")
        answer = ask(daemon.socket, f"{STREET}/disable", {})[1]
        assert (answer["state"], answer["why"]) == ("disabled", "switched off by a command")
        assert daemon.stop() == 0
        assert not daemon.socket.exists()
        daemon.start()
        assert daemon.camera("street")["state"] == "disabled"
        ask(daemon.socket, f"{STREET}/enable", {})
        daemon.wait_for_camera("street", state="streaming")


def test_the_socket_of_a_daemon_that_was_killed_is_replaced_and_that_of_a_living_one_is_not(
    tmp_path: Path,
) -> None:
    with EdgedProcess(tmp_path, config()) as daemon:
        other_folder = tmp_path / "other"
        other_folder.mkdir()
        runtime = {"XDG_RUNTIME_DIR": str(daemon.socket.parents[1])}
        with EdgedProcess(other_folder, config(), environ=runtime) as other:
            other.wait_for_line("another edged answers there")
            assert ask(daemon.socket, "/version")[1]["pid"] == daemon.pid
            daemon.signal(signal.SIGKILL)
            daemon.wait()
            assert daemon.socket.exists()
        daemon.start()
        assert ask(daemon.socket, "/version")[1]["pid"] == daemon.pid
        assert daemon.socket.stat().st_mode & 0o777 == 0o660
        daemon.reload(config(readers="everyone"))
        wait_for(lambda: daemon.socket.stat().st_mode & 0o777 == 0o666, 10)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_others_may_look_or_not_as_the_configuration_says(tmp_path: Path) -> None:
    with EdgedProcess(tmp_path, config(readers="everyone")) as daemon:
        for folder in daemon.socket.parents[:2]:
            folder.chmod(0o755)
        assert as_stranger(daemon.socket, "GET", "/api/v1/status") == 200
        assert as_stranger(daemon.socket, "POST", "/api/v1/cameras/street/restart") == 403
        daemon.reload(config())
        wait_for(lambda: daemon.socket.stat().st_mode & 0o777 == 0o660, 10)
        assert as_stranger(daemon.socket, "GET", "/api/v1/status") == "PermissionError"
        daemon.socket.chmod(0o666)  # even where the file lets one in
        assert as_stranger(daemon.socket, "GET", "/api/v1/status") == 403


def as_stranger(path: Path, method: str, route: str) -> int | str:
    """Ask as a user who has nothing to do with the daemon; returns the status, or why there was none."""
    script = f"""
import os, socket
os.setgroups([]); os.setgid(54321); os.setuid(54321)
connection = socket.socket(socket.AF_UNIX)
try:
    connection.connect({str(path)!r})
except OSError as error:
    print(type(error).__name__)
else:
    connection.sendall(b"{method} {route} HTTP/1.0\\r\\nContent-Type: application/json\\r\\n\\r\\n")
    print(int(connection.recv(12).split()[1]))
"""
    said = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    ).stdout.strip()
    return int(said) if said.isdigit() else said


def test_the_listener_has_the_verbs_only_with_a_token(daemon: EdgedProcess, tmp_path: Path) -> None:
    assert daemon.get("/api/v1/version")[0] == 404
    with EdgedProcess(tmp_path, config(), environ={"EDGED_HTTP__TOKEN": TOKEN}) as guarded:
        assert guarded.get("/api/v1/version")[0] == 401
        url = f"http://127.0.0.1:{guarded.http_port}/api/v1/version"
        request = urllib.request.Request(url, headers={"Authorization": f"Bearer {TOKEN}"})
        with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310 - our own daemon
            assert json.load(response)["pid"] == guarded.pid
