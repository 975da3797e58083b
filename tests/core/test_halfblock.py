from __future__ import annotations

from edged.core.halfblock import rows

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


def picture(*colours: tuple[int, int, int]) -> bytes:
    return bytes(channel for colour in colours for channel in colour)


def test_two_lines_become_one_of_characters() -> None:
    rgb = picture(RED, GREEN, BLUE, RED)
    assert list(rows(rgb, 2, 2)) == [[(RED, BLUE), (GREEN, RED)]]


def test_an_odd_last_line_stands_for_both() -> None:
    rgb = picture(RED, GREEN, BLUE)
    assert list(rows(rgb, 1, 3)) == [[(RED, GREEN)], [(BLUE, BLUE)]]
