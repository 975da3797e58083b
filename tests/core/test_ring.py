from __future__ import annotations

from edged.core.ring import Ring


def ring(*values: int) -> Ring[int]:
    made: Ring[int] = Ring(3)
    for value in values:
        made.put(value)
    return made


def test_a_reader_gets_what_it_has_not_seen() -> None:
    told = ring(10, 11)
    first = told.since(0)
    assert first == ([10, 11], 2, 0)
    assert told.since(first.next_number) == ([], 2, 0)
    told.put(12)
    assert told.since(first.next_number) == ([12], 3, 0)


def test_what_was_gone_before_a_reader_came_is_counted() -> None:
    assert ring(10, 11, 12, 13, 14).since(1) == ([12, 13, 14], 5, 1)


def test_the_newest_are_had_without_any_loss() -> None:
    assert ring(10, 11, 12, 13).last(2) == ([12, 13], 4, 0)
    assert ring(10).last(5) == ([10], 1, 0)
    assert ring(10).last(0) == ([], 1, 0)
