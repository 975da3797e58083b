from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from edged.config import MqttSettings
from edged.core.retry import Backoff
from edged.publish.publisher import Publisher
from edged.publish.store import EventStore
from tests.parts.mqtt_proxy import MqttProxy
from tests.parts.subscriber import Subscriber
from tests.parts.waiting import wait_for
from tests.publish.conftest import BASE
from tests.publish.facts import an_event

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.parts.broker import Broker

    Opened = Callable[[int, Path], EventStore]

ROOT = Path(__file__).parents[2]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state" / "events.sqlite"


@pytest.fixture
def opened() -> Iterator[Opened]:
    """Open stores that are closed at the end, whether a test has done so or not."""
    with ExitStack() as stores:

        def make(capacity: int, file: Path) -> EventStore:
            store = EventStore(capacity, file)
            stores.callback(store.close)
            return store

        yield make


def drained(store: EventStore) -> list[bytes]:
    """Take everything out."""
    found = []
    while event := store.first():
        found.append(event.payload)
        store.remove(event)
    return found


def test_events_come_out_in_their_order_and_only_once(opened: Opened, file: Path) -> None:
    store = opened(10, file)
    for number in range(3):
        store.put("topic", str(number).encode())
    first = store.first()
    assert first
    assert store.first() == first, "looking takes nothing away"
    assert (first.topic, len(store)) == ("topic", 3)
    assert drained(store) == [b"0", b"1", b"2"]
    assert (len(store), store.first()) == (0, None)


def test_the_oldest_is_lost_and_counted(opened: Opened, file: Path) -> None:
    store = opened(3, file)
    for number in range(5):
        store.put("topic", str(number).encode())
    assert store.dropped == 2
    assert drained(store) == [b"2", b"3", b"4"]


def test_a_restart_keeps_them_before_what_comes_after(opened: Opened, file: Path) -> None:
    before = opened(10, file)
    before.put("topic", b"0")
    before.put("topic", b"1")
    before.close()
    before.put("topic", b"too late")
    assert before.first() is None
    after = opened(10, file)
    after.put("topic", b"2")
    assert drained(after) == [b"0", b"1", b"2"]


def test_a_kill_loses_nothing(opened: Opened, file: Path) -> None:
    script = (
        "import os, sys; from pathlib import Path; from edged.publish.store import EventStore\n"
        "store = EventStore(1000, Path(sys.argv[1]))\n"
        "for n in range(300): store.put('topic', str(n).encode())\n"
        "os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", script, str(file)], cwd=ROOT, check=False, timeout=20)
    assert drained(opened(1000, file)) == [str(n).encode() for n in range(300)]


def test_a_smaller_bound_holds_from_the_next_event_on(opened: Opened, file: Path) -> None:
    large = opened(10, file)
    for number in range(10):
        large.put("topic", str(number).encode())
    large.close()
    small = opened(3, file)
    small.put("topic", b"10")
    assert drained(small) == [b"8", b"9", b"10"]


def test_a_broken_file_makes_room_for_a_new_one(
    opened: Opened, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file.parent.mkdir()
    file.write_bytes(b"this is no database" * 100)
    store = opened(10, file)
    assert "cannot be used and begun anew" in caplog.text
    store.put("topic", b"0")
    store.close()
    assert drained(opened(10, file)) == [b"0"]


def test_without_a_folder_it_works_in_memory(
    opened: Opened, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    store = opened(10, tmp_path / "file" / "events.sqlite")
    assert "events do not outlive a restart" in caplog.text
    store.put("topic", b"0")
    assert drained(store) == [b"0"]


def test_a_disk_that_fills_up_costs_no_event(
    opened: Opened, mounted: Callable[[str], Path], caplog: pytest.LogCaptureFixture
) -> None:
    file = mounted("size=64k") / "events.sqlite"
    store = opened(1000, file)
    for number in range(200):
        store.put("topic", f"{number:01000}".encode())
    assert (len(store), store.dropped) == (200, 0)
    assert caplog.text.count("events do not outlive a restart: database or disk is full") == 1
    assert [int(payload) for payload in drained(store)] == list(range(200))


def test_a_disk_that_is_full_keeps_no_event_from_leaving(
    opened: Opened, mounted: Callable[[str], Path]
) -> None:
    folder = mounted("size=64k")
    store = opened(1000, folder / "events.sqlite")
    for number in range(5):
        store.put("topic", str(number).encode())
    with suppress(OSError), (folder / "filler").open("wb", buffering=0) as filler:
        while filler.write(bytes(4096)):
            pass
    assert drained(store) == [b"0", b"1", b"2", b"3", b"4"]
    store.close()


def test_the_file_stays_small(opened: Opened, file: Path) -> None:
    store = opened(10_000, file)
    for number in range(3000):
        store.put("topic", b"x" * 500)
        if number % 2:
            event = store.first()
            assert event
            store.remove(event)
    drained(store)
    for _ in range(1000):
        store.put("topic", b"x" * 500)
        drained(store)
    sizes = [each.stat().st_size for each in file.parent.iterdir()]
    assert sum(sizes) < 16_000_000
    with sqlite3.connect(file) as reader:
        assert reader.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    reader.close()


def test_many_threads_put_and_nothing_is_lost(opened: Opened, file: Path) -> None:
    store = opened(10_000, file)

    def put(camera: int) -> None:
        for number in range(200):
            store.put(f"{camera}", str(number).encode())

    threads = [threading.Thread(target=put, args=(camera,)) for camera in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    by_camera: dict[str, list[int]] = {}
    while event := store.first():
        by_camera.setdefault(event.topic, []).append(int(event.payload))
        store.remove(event)
    assert by_camera == {str(camera): list(range(200)) for camera in range(4)}


def test_an_hour_without_a_broker_and_a_restart_in_the_middle(broker: Broker, file: Path) -> None:
    """An hour as busy as a market, in as much time as it takes to tell of it: 4000 events."""

    proxy = MqttProxy(broker.port)
    hearer = Subscriber(broker.port, f"{BASE}/front/events")

    def publisher() -> Publisher:
        made = Publisher(
            MqttSettings(host="127.0.0.1", port=proxy.port),
            base_topic=BASE,
            client_id="edged-porch",
            on_command=lambda _: None,
            events_file=file,
            backoff=Backoff(first_s=0.05, longest_s=0.2),
        )
        made.set_cameras(["front"])
        made.start()
        return made

    proxy.cut()
    first = publisher()
    for number in range(2000):
        first.event(an_event(number))
    first.stop(0.5)
    second = publisher()
    for number in range(2000, 4000):
        second.event(an_event(number))
    assert second.broker_health().events_waiting == 4000
    proxy.mend()
    hearer.wait_for(lambda: len(hearer.everything()) >= 4000, 30)
    wait_for(lambda: second.broker_health().events_waiting == 0, 5)
    heard = [message.json for message in hearer.everything()]
    assert [each["id"] for each in heard] == [f"event-{number:05}" for number in range(4000)]
    assert [each["timestamp"] for each in heard] == [1763600000.0 + number for number in range(4000)]
    assert second.broker_health().events_dropped == 0
    hearer.close()
    second.stop()
    proxy.close()
    assert file.stat().st_size < 16_000_000
