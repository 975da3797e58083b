"""Pictures in a terminal: two pixels to a character, the upper one its colour, the lower its background."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

UPPER_HALF = "▀"

Rgb = tuple[int, int, int]


def rows(rgb: bytes, width: int, height: int) -> Iterator[list[tuple[Rgb, Rgb]]]:
    """Yield the upper and lower colour of each character, a row at a time; an odd last line is doubled."""
    for top in range(0, height, 2):
        upper = _line(rgb, width, top)
        lower = _line(rgb, width, min(top + 1, height - 1))
        yield list(zip(upper, lower, strict=True))


def _line(rgb: bytes, width: int, y: int) -> list[Rgb]:
    line = rgb[3 * width * y : 3 * width * (y + 1)]
    return list(zip(line[0::3], line[1::3], line[2::3], strict=True))
