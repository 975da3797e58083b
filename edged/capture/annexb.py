"""The little that must be known of H.264 and H.265 byte streams: their units, and which are parameter sets."""

from __future__ import annotations

START_CODE = b"\x00\x00\x01"
_PARAMETER_SETS = {"h264": frozenset({7, 8}), "hevc": frozenset({32, 33, 34})}
HEAD_BYTES = 2048  # parameter sets stand before the first slice


def parameter_sets(codec: str, data: bytes) -> bytes:
    """The parameter sets at the head of ``data``, with start codes; empty where there are none."""
    wanted = _PARAMETER_SETS.get(codec)
    if wanted is None:
        return b""
    sets = []
    head = data[:HEAD_BYTES]
    starts = _unit_starts(head)
    for start, following in zip(starts, [*starts[1:], len(head) + len(START_CODE)], strict=True):
        if _unit_type(codec, head[start]) in wanted:
            unit = head[start : following - len(START_CODE)]
            sets.append(b"\x00" + START_CODE + unit.rstrip(b"\x00"))
    return b"".join(sets)


def units(data: bytes) -> list[bytes]:
    """The units of ``data`` in their order, without start codes."""
    starts = _unit_starts(data)
    ends = [*(start - len(START_CODE) for start in starts[1:]), len(data)]
    return [data[start:end].rstrip(b"\x00") for start, end in zip(starts, ends, strict=True)]


def _unit_starts(data: bytes) -> list[int]:
    starts = []
    at = data.find(START_CODE)
    while 0 <= at < len(data) - len(START_CODE):
        starts.append(at + len(START_CODE))
        at = data.find(START_CODE, at + len(START_CODE))
    return starts


def _unit_type(codec: str, first_byte: int) -> int:
    return first_byte & 0x1F if codec == "h264" else first_byte >> 1 & 0x3F
