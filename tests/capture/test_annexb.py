from __future__ import annotations

import pytest

from edged.capture.annexb import parameter_sets

SPS, PPS, IDR = b"\x67\x42\x00\x1f", b"\x68\xce\x3c\x80", b"\x65\x88\x84"
SHORT, LONG = b"\x00\x00\x01", b"\x00\x00\x00\x01"


@pytest.mark.parametrize("start", [SHORT, LONG])
def test_h264(start: bytes) -> None:
    data = start + SPS + start + PPS + start + IDR + bytes(5000)
    assert parameter_sets("h264", data) == LONG + SPS + LONG + PPS


def test_h265() -> None:
    vps, sps, pps, idr = b"\x40\x01\x0c", b"\x42\x01\x01", b"\x44\x01\xc1", b"\x26\x01\xaf"
    data = b"".join(LONG + unit for unit in (vps, sps, pps, idr))
    assert parameter_sets("hevc", data) == LONG + vps + LONG + sps + LONG + pps


@pytest.mark.parametrize("data", [b"", b"\x00\x00\x01", LONG + IDR, b"\xff\xd8\xff", bytes(100)])
def test_none(data: bytes) -> None:
    assert parameter_sets("h264", data) == b""


def test_other_codecs_have_none() -> None:
    assert parameter_sets("mjpeg", LONG + SPS) == b""
