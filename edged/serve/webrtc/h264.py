"""H.264 as RTP carries it (RFC 6184): a picture's units become payloads of at most one datagram each."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MAX_PAYLOAD_BYTES = 1180
"""Leaves room for RTP, SRTP, UDP and IPv6 headers within the 1280 bytes that every path carries."""

NON_IDR_SLICE, IDR_SLICE, SPS = 1, 5, 7
_DELIMITER, _FILLER = 9, 12
_STAP_A, _FU_A = 24, 28
_START, _END = 0x80, 0x40
_LENGTH = struct.Struct(">H")
_B_SLICES = frozenset({1, 6})
_HEAD_BYTES = 16  # enough for the two numbers that a slice begins with


def unit_type(unit: bytes) -> int:
    """What a unit is, by its first byte."""
    return unit[0] & 0x1F


def payloads(units: Iterable[bytes]) -> tuple[bytes, ...]:
    """Pack the units of one picture: small ones together, large ones in equal fragments and a rest."""
    packed: list[bytes] = []
    small: list[bytes] = []
    room = MAX_PAYLOAD_BYTES - 1
    for unit in units:
        if not unit or unit_type(unit) in {_DELIMITER, _FILLER}:
            continue
        if len(unit) + _LENGTH.size > room:
            packed += _aggregated(small)
            small, room = [], MAX_PAYLOAD_BYTES - 1
        if len(unit) + _LENGTH.size > room:
            packed += [unit] if len(unit) <= MAX_PAYLOAD_BYTES else _fragments(unit)
        else:
            small.append(unit)
            room -= len(unit) + _LENGTH.size
    return (*packed, *_aggregated(small))


def profile_level_id(units: Iterable[bytes]) -> str | None:
    """Profile, constraints and level as SDP writes them, such as ``42e01f``; None without an SPS."""
    return next((unit[1:4].hex() for unit in units if unit and unit_type(unit) == SPS), None)


def has_b_slice(units: Iterable[bytes]) -> bool:
    """Whether the picture is predicted from one that is shown after it, which no browser shows."""
    slices = (unit for unit in units if unit and unit_type(unit) in {NON_IDR_SLICE, IDR_SLICE})
    return any(_slice_type(unit) in _B_SLICES for unit in slices)


def _slice_type(unit: bytes) -> int:
    bits = "".join(f"{byte:08b}" for byte in unit[1:_HEAD_BYTES])
    _, at = _exp_golomb(bits, 0)  # first_mb_in_slice
    return _exp_golomb(bits, at)[0]


def _exp_golomb(bits: str, at: int) -> tuple[int, int]:
    """The unsigned number at ``at`` (ISO 14496-10, 9.1) and where the next one begins; -1 past the end."""
    one = bits.find("1", at)
    end = 2 * one - at + 1
    if one < 0 or end > len(bits):
        return -1, len(bits)
    return int(bits[one:end], 2) - 1, end


def _aggregated(units: Sequence[bytes]) -> list[bytes]:
    if len(units) <= 1:
        return list(units)
    head = _STAP_A | max(unit[0] & 0x60 for unit in units)
    return [bytes([head]) + b"".join(_LENGTH.pack(len(unit)) + unit for unit in units)]


def _fragments(unit: bytes) -> list[bytes]:
    """Equal fragments but the last, so that the kernel can cut them from one buffer."""
    indicator, kind = unit[0] & 0xE0 | _FU_A, unit[0] & 0x1F
    size = MAX_PAYLOAD_BYTES - 2
    starts = range(1, len(unit), size)
    return [
        bytes([indicator, kind | _START * (at == starts[0]) | _END * (at == starts[-1])])
        + unit[at : at + size]
        for at in starts
    ]
