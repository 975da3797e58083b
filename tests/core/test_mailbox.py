from __future__ import annotations

import threading
from itertools import pairwise

import pytest

from edged.core.mailbox import BoundedQueue, LatestSlot

JOIN_S = 20.0


def test_a_slot_gives_its_value_once() -> None:
    assert LatestSlot[int]().is_empty
    slot = LatestSlot[int]()
    assert slot.take() is None
    slot.put(1)
    assert not slot.is_empty
    assert slot.take() == 1
    assert slot.take() is None
    assert slot.dropped == 0


def test_a_slot_keeps_the_newest_and_counts_the_rest() -> None:
    slot = LatestSlot[int]()
    for value in range(5):
        slot.put(value)
    assert slot.take() == 4
    assert slot.dropped == 4


def test_clearing_a_slot_is_no_loss() -> None:
    slot = LatestSlot[int]()
    slot.put(1)
    slot.clear()
    slot.put(2)
    assert slot.take() == 2
    assert slot.dropped == 0


@pytest.mark.parametrize("value", [0, "", ()])
def test_a_slot_takes_what_is_false_for_a_value(value: object) -> None:
    slot = LatestSlot[object]()
    slot.put(value)
    assert not slot.is_empty
    slot.put(value)
    assert slot.dropped == 1
    assert slot.take() == value


def test_a_queue_is_first_in_first_out() -> None:
    queue = BoundedQueue[int](3)
    assert queue.take() is None
    for value in (1, 2, 3):
        queue.put(value)
    assert len(queue) == 3
    assert [queue.take() for _ in range(4)] == [1, 2, 3, None]
    assert queue.dropped == 0


def test_a_full_queue_loses_the_oldest_and_counts_it() -> None:
    queue = BoundedQueue[int](3)
    for value in range(10):
        queue.put(value)
    assert queue.dropped == 7
    assert queue.take_all() == [7, 8, 9]
    assert queue.take_all() == []
    assert len(queue) == 0


@pytest.mark.parametrize("kind", ["slot", "queue"])
def test_the_wake_call_comes_after_the_put_and_outside_of_the_lock(kind: str) -> None:
    seen: list[int | None] = []

    def wake() -> None:
        seen.append(box.take())  # would wait for ever, were the lock still held

    box: LatestSlot[int] | BoundedQueue[int]
    box = LatestSlot(wake) if kind == "slot" else BoundedQueue(4, wake)
    box.put(1)
    box.put(2)
    assert seen == [1, 2]


def in_threads(*works: threading.Thread) -> None:
    for work in works:
        work.start()
    for work in works:
        work.join(JOIN_S)
        assert not work.is_alive()


@pytest.mark.parametrize("kind", ["slot", "queue"])
def test_between_threads_every_value_is_taken_or_counted_and_none_overtakes(kind: str) -> None:
    values_each, putters = 5_000, 3
    box: LatestSlot[tuple[int, int]] | BoundedQueue[tuple[int, int]]
    box = LatestSlot() if kind == "slot" else BoundedQueue(8)
    done = threading.Event()
    taken: list[tuple[int, int]] = []

    def put(putter: int) -> None:
        for number in range(values_each):
            box.put((putter, number))

    def take() -> None:
        while not done.is_set():
            if (value := box.take()) is not None:
                taken.append(value)
        while (value := box.take()) is not None:
            taken.append(value)

    taker = threading.Thread(target=take)
    taker.start()
    in_threads(*(threading.Thread(target=put, args=(putter,)) for putter in range(putters)))
    done.set()
    taker.join(JOIN_S)
    assert not taker.is_alive()
    assert len(taken) + box.dropped == putters * values_each
    for putter in range(putters):
        numbers = [number for each, number in taken if each == putter]
        assert all(earlier < later for earlier, later in pairwise(numbers))


def test_many_takers_never_get_the_same_value() -> None:
    queue = BoundedQueue[int](100_000)
    for value in range(20_000):
        queue.put(value)
    taken: list[list[int]] = [[] for _ in range(4)]

    def take(mine: list[int]) -> None:
        while (value := queue.take()) is not None:
            mine.append(value)

    in_threads(*(threading.Thread(target=take, args=(mine,)) for mine in taken))
    assert sorted(value for mine in taken for value in mine) == list(range(20_000))
