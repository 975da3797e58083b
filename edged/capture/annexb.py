"""The little that must be known of H.264 and H.265 byte streams: units, and which are parameter sets."""

from __future__ import annotations

START_CODE = b"\x00\x00\x01"
_PARAMETER_SETS = {"h264": frozenset({7, 8}), "hevc": frozenset({32, 33, 34})}
HEAD_BYTES = 2048  # parameter sets stand before the first slice


def parameter_sets(codec: str, data: bytes) -> bytes:
    """The parameter sets at the head of ``data``, with start codes; empty where there are none."""
    wanted = _PARAMETER_SETS.get(codec)
    if wanted is None:
        return b""
    found = (unit for unit in units(data[:HEAD_BYTES]) if _unit_type(codec, unit[0]) in wanted)
    return b"".join(b"\x00" + START_CODE + unit for unit in found)


def units(data: bytes) -> list[bytes]:
    """The units of ``data`` in their order, without start codes."""
    _, *pieces = data.split(START_CODE)
    return [unit for piece in pieces if (unit := piece.rstrip(b"\x00"))]


def _unit_type(codec: str, first_byte: int) -> int:
    return first_byte & 0x1F if codec == "h264" else first_byte >> 1 & 0x3F
