"""Pictures of events: the very one, kept within bounds."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from edged.core.types import Event, EventKind, Frame, Size
from edged.publish.album import MOST_WAITING, Album
from tests.detect.synthetic import ArrayPicture
from tests.parts.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from edged.core.types import Bgr


def grey(value: int) -> Frame:
    return Frame(ArrayPicture(np.full((90, 160, 3), value, np.uint8)), value, 1000.0 + value, float(value))


def an_event(number: int) -> Event:
    return Event(f"{number:032x}", EventKind.ZONE_ENTERED, "front", 1000.0)


def shade(jpeg: bytes) -> float:
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    return float(picture.mean())


@pytest.fixture
def album(tmp_path: Path) -> Iterator[Album]:
    made = Album(tmp_path / "new" / "events")
    yield made
    made.close()


def found(album: Album, number: int) -> bytes:
    wait_for(lambda: album.find(f"{number:032x}") is not None, 5, f"picture {number}")
    return album.find(f"{number:032x}") or b""


def test_each_event_has_the_picture_that_came_with_it(album: Album) -> None:
    told: dict[str, bytes] = {}
    album.tell = lambda _camera, event_id, jpeg: told.update({event_id: jpeg})
    for number in range(10):
        album.on_event(an_event(number), grey(number * 20))
    album.on_event(an_event(10), None)
    for number in range(10):
        assert shade(found(album, number)) == pytest.approx(number * 20, abs=2)
    wait_for(lambda: len(told) == 10, 5)
    assert told == {f"{number:032x}": found(album, number) for number in range(10)}
    assert album.find(f"{10:032x}") is None


def test_the_oldest_go_also_those_of_an_earlier_life(tmp_path: Path) -> None:
    first = Album(tmp_path)
    for number in range(6):
        first.on_event(an_event(number), grey(100))
        found(first, number)
    size = len(found(first, 0))
    first.close()
    second = Album(tmp_path, most_bytes=4 * size)
    second.on_event(an_event(6), grey(100))
    found(second, 6)
    wait_for(lambda: len(list(tmp_path.glob("*.jpg"))) == 4, 5)
    assert second.find(f"{2:032x}") is None
    assert second.find(f"{3:032x}") is not None
    second.close()


class SlowPicture(ArrayPicture):
    """One that cannot be had before it is allowed."""

    def __init__(self) -> None:
        super().__init__(np.zeros((90, 160, 3), np.uint8))
        self.allowed = threading.Event()

    def bgr(self, size: Size | None = None) -> Bgr:
        self.allowed.wait(10)
        return super().bgr(size)


def test_too_many_at_once_are_lost_and_counted(album: Album, caplog: pytest.LogCaptureFixture) -> None:
    slow = SlowPicture()
    for number in range(MOST_WAITING + 5):
        album.on_event(an_event(number), Frame(slow, number, 1000.0, 0.0))
    assert album.dropped == 5
    assert caplog.messages == ["camera front: pictures of events are lost: too many at once"]
    slow.allowed.set()
    found(album, MOST_WAITING - 1)
    assert album.find(f"{MOST_WAITING:032x}") is None


def test_a_full_disk_costs_the_file_and_not_the_message(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    album = Album(tmp_path / "file" / "events")
    told: list[bytes] = []
    album.tell = lambda _camera, _event_id, jpeg: told.append(jpeg)
    for number in range(3):
        album.on_event(an_event(number), grey(number))
    wait_for(lambda: len(told) == 3, 5)
    assert len(caplog.messages) == 1
    assert "pictures of events cannot be kept" in caplog.messages[0]
    album.close()


@pytest.mark.parametrize("name", ["", "../secret", "a", "0" * 31 + "/", "0" * 33, "0" * 31 + "G"])
def test_only_the_id_of_an_event_names_a_picture(tmp_path: Path, name: str) -> None:
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    (tmp_path / "events").mkdir()
    assert Album(tmp_path / "events").find(name) is None
