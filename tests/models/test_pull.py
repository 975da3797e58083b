from __future__ import annotations

import fcntl
import hashlib
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from edged.core.errors import PullError
from edged.models.fetch import Patience
from edged.models.partial import PartialFile
from edged.models.pull import pull
from tests.detect.synthetic import constant_model
from tests.models.mirror import Mirror
from tests.parts.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from edged.detect import ModelReport

OLD = b"the model of yesterday"
HURRIED = Patience(connect_s=2, read_s=0.3, tries=3, first_wait_s=0.01, longest_wait_s=0.02)


class Log:
    """Remembers what a transfer told."""

    def __init__(self) -> None:
        self.steps: list[tuple[int, int | None]] = []
        self.said: list[str] = []

    def at(self, done_bytes: int, total_bytes: int | None) -> None:
        self.steps.append((done_bytes, total_bytes))

    def say(self, text: str) -> None:
        self.said.append(text)


@pytest.fixture
def destination(tmp_path: Path) -> Path:
    """Where a working model is already."""
    path = tmp_path / "models" / "yolox-nano.onnx"
    path.parent.mkdir()
    path.write_bytes(OLD)
    return path


def get(source: str, destination: Path, log: Log | None = None, sha256: str | None = None) -> ModelReport:
    return pull(source, destination, watcher=log or Log(), sha256=sha256, patience=HURRIED)


def refusal(source: str, destination: Path, sha256: str | None = None) -> str:
    """Pull, and return the one line that says why it failed."""
    with pytest.raises(PullError) as caught:
        get(source, destination, sha256=sha256)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_model_is_pulled_into_a_folder_that_is_not_there_yet(mirror: Mirror, tmp_path: Path) -> None:
    destination = tmp_path / "state" / "models" / "m.onnx"
    log = Log()
    report = get(mirror.url, destination, log)
    assert destination.read_bytes() == mirror.data
    assert names_in(destination.parent) == ["m.onnx"]
    assert report.labels == ("red", "blue")
    assert report.sha256 == hashlib.sha256(mirror.data).hexdigest()
    assert log.steps[-1] == (len(mirror.data), len(mirror.data))
    assert mirror.asked == [(None, None)]


def test_a_model_in_place_is_replaced(mirror: Mirror, destination: Path) -> None:
    get(mirror.url, destination, sha256=hashlib.sha256(mirror.data).hexdigest())
    assert destination.read_bytes() == mirror.data


def test_a_redirect_is_followed(mirror: Mirror, destination: Path) -> None:
    get(f"{mirror.address}/elsewhere", destination)
    assert destination.read_bytes() == mirror.data


def test_a_redirect_without_end_is_refused(mirror: Mirror, destination: Path) -> None:
    assert "without end" in refusal(f"{mirror.address}/round", destination)


def test_a_cut_connection_goes_on_where_it_was_cut(mirror: Mirror, destination: Path) -> None:
    mirror.cuts = [1000, 500]
    log = Log()
    get(mirror.url, destination, log)
    assert destination.read_bytes() == mirror.data
    assert mirror.asked == [(None, None), ("bytes=1000-", '"one"'), ("bytes=1500-", '"one"')]
    assert len(log.said) == 2
    assert "the connection was cut; trying again" in log.said[0]


def test_many_cuts_are_borne_as_long_as_each_try_brings_something(mirror: Mirror, destination: Path) -> None:
    mirror.cuts = [100] * 8
    get(mirror.url, destination)
    assert destination.read_bytes() == mirror.data
    assert len(mirror.asked) == 9


def test_a_later_pull_takes_up_what_an_earlier_one_left(mirror: Mirror, destination: Path) -> None:
    mirror.cuts = [1000, 0, 0]
    text = refusal(mirror.url, destination)
    assert f"1000 of {len(mirror.data)} bytes are here: run the same command again" in text
    assert destination.read_bytes() == OLD
    mirror.asked.clear()
    get(mirror.url, destination)
    assert mirror.asked == [("bytes=1000-", '"one"')]
    assert destination.read_bytes() == mirror.data


def test_nothing_is_asked_for_when_all_is_here(mirror: Mirror, destination: Path) -> None:
    mirror.cuts = [1000, 0, 0]
    refusal(mirror.url, destination)
    part = destination.with_name(f"{destination.name}.part")
    part.write_bytes(mirror.data)
    mirror.asked.clear()
    get(mirror.url, destination)
    assert mirror.asked == []
    assert destination.read_bytes() == mirror.data


def test_what_another_address_left_is_not_taken_up(mirror: Mirror, destination: Path) -> None:
    mirror.cuts = [1000, 0, 0]
    refusal(f"{mirror.url}?other", destination)
    mirror.asked.clear()
    get(mirror.url, destination)
    assert mirror.asked == [(None, None)]


def test_a_part_that_nobody_knows_of_is_not_trusted(mirror: Mirror, destination: Path) -> None:
    destination.with_name(f"{destination.name}.part").write_bytes(b"x" * 700)
    destination.with_name(f"{destination.name}.part.json").write_text('{"sour')
    get(mirror.url, destination)
    assert mirror.asked == [(None, None)]
    assert destination.read_bytes() == mirror.data


def test_a_server_without_ranges_sends_all_again(mirror: Mirror, destination: Path) -> None:
    mirror.knows_ranges = False
    mirror.cuts = [1000]
    get(mirror.url, destination)
    assert destination.read_bytes() == mirror.data
    assert len(mirror.asked) == 2


def test_a_file_that_changed_between_two_tries_is_fetched_anew(mirror: Mirror, destination: Path) -> None:
    other = Mirror(b"y" * 1000 + mirror.data, etag='"other"', cuts=[1000, 0, 0])
    with other:
        refusal(other.url, destination)
        other.data, other.etag = mirror.data, '"one"'
        other.asked.clear()
        get(other.url, destination)
        assert other.asked == [("bytes=1000-", '"other"')]
    assert destination.read_bytes() == mirror.data


def test_a_changed_file_is_noticed_by_its_size_where_there_is_no_etag(
    mirror: Mirror, destination: Path
) -> None:
    original, mirror.etag = mirror.data, None
    mirror.data = b"y" * 1000 + original
    mirror.cuts = [1000, 0, 0]
    refusal(mirror.url, destination)
    mirror.data = original
    mirror.asked.clear()
    log = Log()
    get(mirror.url, destination, log)
    assert mirror.asked == [("bytes=1000-", None), (None, None)]
    assert "the file has changed on the server" in log.said[0]
    assert destination.read_bytes() == original


def test_a_weak_etag_is_no_proof_but_the_time_of_the_change_is(mirror: Mirror, destination: Path) -> None:
    mirror.etag, mirror.modified = 'W/"one"', "Fri, 20 Aug 2021 08:00:00 GMT"
    mirror.cuts = [1000]
    get(mirror.url, destination)
    assert mirror.asked[1] == ("bytes=1000-", "Fri, 20 Aug 2021 08:00:00 GMT")
    assert destination.read_bytes() == mirror.data


def test_a_file_of_the_wrong_size_is_refused(mirror: Mirror, destination: Path) -> None:
    mirror.knows_ranges = False
    mirror.cuts = [1000] * 9
    assert f"1000 of {len(mirror.data)} bytes" in refusal(mirror.url, destination)
    assert len(mirror.asked) == HURRIED.tries
    assert destination.read_bytes() == OLD


def test_more_than_was_announced_is_never_taken(mirror: Mirror, destination: Path) -> None:
    mirror.cuts = [1000]
    mirror.surplus = b"more"
    log = Log()
    get(mirror.url, destination, log)
    assert "more or less than it announced" in log.said[1]
    assert [wanted for wanted, _ in mirror.asked] == [None, "bytes=1000-", None]
    assert destination.read_bytes() == mirror.data


def test_a_rest_from_another_place_is_never_taken(mirror: Mirror, destination: Path) -> None:
    mirror.cuts = [1000]
    mirror.skips = 7
    log = Log()
    get(mirror.url, destination, log)
    assert "the file has changed on the server" in log.said[1]
    assert [wanted for wanted, _ in mirror.asked] == [None, "bytes=1000-", None]
    assert destination.read_bytes() == mirror.data


def test_a_file_with_the_wrong_digest_is_refused(mirror: Mirror, destination: Path) -> None:
    text = refusal(mirror.url, destination, sha256="0" * 64)
    assert hashlib.sha256(mirror.data).hexdigest() in text
    assert "0" * 64 in text
    assert destination.read_bytes() == OLD
    assert names_in(destination.parent) == [destination.name]


@pytest.mark.parametrize("data", [b"<html>Please log in to this hotel</html>", b""])
def test_what_is_not_a_model_is_refused(mirror: Mirror, destination: Path, data: bytes) -> None:
    mirror.data = data
    text = refusal(mirror.url, destination)
    assert text.startswith(f"{mirror.url}: not a model that edged can use")
    assert ".part" not in text
    assert destination.read_bytes() == OLD
    assert names_in(destination.parent) == [destination.name]


def test_a_model_that_is_no_detector_is_refused(destination: Path, tmp_path: Path) -> None:
    classifier = constant_model(tmp_path / "classifier.onnx", np.zeros((1, 1000), np.float32))
    assert "not a model that edged can use" in refusal(str(classifier), destination)
    assert destination.read_bytes() == OLD


def test_what_is_not_there_is_not_asked_for_twice(mirror: Mirror, destination: Path) -> None:
    mirror.statuses = [404]
    assert "answers 404 Not Found" in refusal(mirror.url, destination)
    assert len(mirror.asked) == 1
    assert destination.read_bytes() == OLD


def test_a_busy_server_is_asked_again(mirror: Mirror, destination: Path) -> None:
    mirror.statuses = [503, 429]
    get(mirror.url, destination)
    assert destination.read_bytes() == mirror.data


def test_a_range_that_is_refused_begins_anew(mirror: Mirror, destination: Path) -> None:
    mirror.cuts = [1000]
    mirror.statuses = [200, 416]
    get(mirror.url, destination)
    assert [wanted for wanted, _ in mirror.asked] == [None, "bytes=1000-", None]
    assert destination.read_bytes() == mirror.data


def test_a_silent_server_is_given_up_in_time(mirror: Mirror, destination: Path) -> None:
    mirror.is_hanging = True
    assert "the server is silent" in refusal(mirror.url, destination)
    assert len(mirror.asked) == HURRIED.tries


def test_a_host_that_is_not_there_is_named(destination: Path) -> None:
    text = refusal("http://user:secret@127.0.0.1:9/model.onnx", destination)
    assert "127.0.0.1 cannot be reached (Connection refused)" in text
    assert "--from FILE" in text
    assert "secret" not in text
    assert names_in(destination.parent) == [destination.name]


def test_no_secret_of_an_address_is_left_on_disk(mirror: Mirror, destination: Path) -> None:
    mirror.cuts = [1000, 0, 0]
    refusal(mirror.url.replace("://", "://user:secret@"), destination)
    notes = b"".join(path.read_bytes() for path in destination.parent.iterdir())
    assert b"secret" not in notes
    assert b"***@127.0.0.1" in notes


@pytest.mark.parametrize("source", ["ftp://host/model.onnx", "http://", "http:///x"])
def test_an_address_that_is_none_is_refused(destination: Path, source: str) -> None:
    assert refusal(source, destination).startswith(source)


def test_a_file_is_as_good_as_an_address(model_bytes: bytes, destination: Path, tmp_path: Path) -> None:
    brought = tmp_path / "on a stick.onnx"
    brought.write_bytes(model_bytes)
    get(str(brought), destination)
    assert destination.read_bytes() == model_bytes
    destination.unlink()
    get(brought.as_uri(), destination)
    assert destination.read_bytes() == model_bytes


def test_a_file_that_is_missing_is_named(destination: Path, tmp_path: Path) -> None:
    assert refusal(str(tmp_path / "none.onnx"), destination).endswith(
        "none.onnx: cannot be read: No such file or directory"
    )
    assert "Is a directory" in refusal(str(tmp_path), destination)


def test_too_little_room_is_seen_before_anything_is_fetched(
    mirror: Mirror, mounted: Callable[[str], Path]
) -> None:
    folder = mounted("size=1m")
    mirror.data += bytes(2_000_000)
    log = Log()
    with pytest.raises(PullError, match=r"mounted: no room: the model needs 2\.\d MB, 1\.0 MB are free"):
        get(mirror.url, folder / "m.onnx", log)
    assert log.steps == []
    assert names_in(folder) == []


def test_a_disk_that_fills_up_on_the_way_is_left_as_it_was(
    mirror: Mirror, mounted: Callable[[str], Path]
) -> None:
    folder = mounted("size=1m")
    (folder / "m.onnx").write_bytes(OLD)
    mirror.says_length = False
    mirror.data += bytes(2_000_000)
    assert "no room: the model needs more than 1.0 MB" in refusal(mirror.url, folder / "m.onnx")
    assert names_in(folder) == ["m.onnx"]
    assert (folder / "m.onnx").read_bytes() == OLD


def test_a_folder_that_cannot_be_written_to_is_named(mirror: Mirror, mounted: Callable[[str], Path]) -> None:
    folder = mounted("size=1m,ro")
    text = refusal(mirror.url, folder / "m.onnx")
    assert text.startswith(f"{folder / 'm.onnx'}: cannot be written (Read-only file system)")
    assert "--to" in text
    assert mirror.asked == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_of_somebody_else_is_named(mirror: Mirror, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        assert "cannot be written (Permission denied)" in refusal(mirror.url, tmp_path / "m.onnx")
    finally:
        tmp_path.chmod(0o700)


def test_a_place_that_is_no_folder_is_named(mirror: Mirror, destination: Path) -> None:
    assert "cannot be written" in refusal(mirror.url, destination / "m.onnx")


def test_two_pulls_at_once_do_not_write_into_one_file(mirror: Mirror, destination: Path) -> None:
    with PartialFile(destination):
        assert "another edged is pulling this model" in refusal(mirror.url, destination)
    assert mirror.asked == []


def test_a_file_that_another_pull_has_just_installed_is_not_written_to(
    mirror: Mirror, destination: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = destination.with_name(f"{destination.name}.part")
    monkeypatch.setattr(fcntl, "flock", lambda *_: part.replace(destination))
    part.write_bytes(b"complete")
    assert "another edged is pulling this model" in refusal(mirror.url, destination)
    assert destination.read_bytes() == b"complete"


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_pull_leaves_the_old_model_and_can_be_taken_up(
    mirror: Mirror, destination: Path, ending: signal.Signals
) -> None:
    mirror.cuts = [1000]
    mirror.statuses = [200, *[503] * 9]  # it waits before its next try, for ever longer
    command = [sys.executable, "-m", "edged", "models", "pull", "yolox-nano"]
    command += ["--from", mirror.url, "--to", str(destination)]
    process = subprocess.Popen(command, cwd=Path(__file__).parents[2], stderr=subprocess.PIPE)
    try:
        wait_for(lambda: len(mirror.asked) >= 2, 10, "a second try")
        process.send_signal(ending)
        _, said = process.communicate(timeout=10)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == (1 if ending is signal.SIGINT else -ending)
    assert b"Traceback" not in said
    assert destination.read_bytes() == OLD
    mirror.statuses.clear()
    mirror.asked.clear()
    get(mirror.url, destination)
    assert mirror.asked == [("bytes=1000-", '"one"')]
    assert destination.read_bytes() == mirror.data
