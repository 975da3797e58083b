"""The little that must be known of H.264 and H.265 byte streams: units, and where pictures begin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

START_CODE = b"\x00\x00\x01"
HEAD_BYTES = 2048  # parameter sets stand before the first slice
_RECOVERY_POINT = 6
_FIRST_SLICE = b"\x80"  # the first bit of its header is set in the first slice only


@dataclass(frozen=True, slots=True)
class Syntax:
    """The types of units in one codec."""

    header_bytes: int
    parameter_sets: Collection[int]
    slices: Collection[int]
    key_slices: Collection[int]
    openers: Collection[int]
    """Stand before the slices of their picture, never behind them."""
    sei: int | None = None
    """May say that decoding can begin here, where there is no key slice."""

    def type_of(self, unit: bytes) -> int:
        """What ``unit`` is."""
        return unit[0] & 0x1F if self.header_bytes == 1 else unit[0] >> 1 & 0x3F

    def is_slice(self, unit: bytes) -> bool:
        """Whether ``unit`` is a piece of the picture itself."""
        return self.type_of(unit) in self.slices

    def begins_picture(self, unit: bytes) -> bool:
        """Whether ``unit``, behind a slice, belongs to the next picture."""
        if self.is_slice(unit):
            return unit[self.header_bytes : self.header_bytes + 1] >= _FIRST_SLICE
        return self.type_of(unit) in self.openers

    def allows_to_begin(self, unit: bytes) -> bool:
        """Whether ``unit`` makes its picture a key frame."""
        kind = self.type_of(unit)
        return kind in self.key_slices or (kind == self.sei and _has_recovery_point(unit))


SYNTAXES = {
    "h264": Syntax(
        header_bytes=1,
        parameter_sets=(7, 8),
        slices=(1, 2, 5),
        key_slices=(5,),
        openers=(6, 7, 8, 9),
        sei=6,
    ),
    "hevc": Syntax(
        header_bytes=2,
        parameter_sets=(32, 33, 34),
        slices=range(32),
        key_slices=range(16, 24),
        openers=frozenset({*range(32, 38), 39, *range(41, 45), *range(48, 56)}),
    ),
}


def parameter_sets(codec: str, data: bytes) -> bytes:
    """The parameter sets at the head of ``data``, with start codes; empty where there are none."""
    syntax = SYNTAXES.get(codec)
    if syntax is None:
        return b""
    found = (unit for unit in units(data[:HEAD_BYTES]) if syntax.type_of(unit) in syntax.parameter_sets)
    return b"".join(b"\x00" + START_CODE + unit for unit in found)


def units(data: bytes) -> list[bytes]:
    """The units of ``data`` in their order, without start codes."""
    _, *pieces = data.split(START_CODE)
    return [unit for piece in pieces if (unit := piece.rstrip(b"\x00"))]


def _has_recovery_point(unit: bytes) -> bool:
    """Whether one of the messages in an SEI unit (ISO 14496-10, 7.3.2.3) is of that kind."""
    data, at = unit.replace(b"\x00\x00\x03", b"\x00\x00"), 1
    while at < len(data) - 1:  # the last byte only ends the unit
        kind, at = _sei_number(data, at)
        size, at = _sei_number(data, at)
        if kind == _RECOVERY_POINT:
            return True
        at += size
    return False


def _sei_number(data: bytes, at: int) -> tuple[int, int]:
    """The number at ``at``, 255 for each 0xff before its last byte, and where the next one begins."""
    end = at
    while data[end : end + 1] == b"\xff":
        end += 1
    return 255 * (end - at) + (data[end] if end < len(data) else 0), end + 1
