from __future__ import annotations

import pytest

from edged.core.redact import redact


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("rtsp://camera:554/a?channel=1", "rtsp://camera:554/a?channel=1"),
        ("rtsp://admin:s3cret@camera/a", "rtsp://***@camera/a"),
        ("rtsp://s3cret@camera/a", "rtsp://***@camera/a"),
        ("rtsp://admin:s3@cret@camera/a", "rtsp://***@camera/a"),
        ("rtsp://admin:s3/cret@camera/a", "rtsp://***"),
        ("rtsp://admin:s3#cret@camera/a", "rtsp://***"),
        ("rtsp://admin:s3?cret@camera/a", "rtsp://***"),
        ("http://camera/a?user=s3cret&pwd=s3cret&n=1", "http://camera/a?user=***&pwd=***&n=1"),
        ("http://camera/a?access_token=s3cret", "http://camera/a?access_token=***"),
        ("rtsp://camera/user=s3cret_password=s3cret_channel=1", "rtsp://camera/***"),
        ("rtsp://[camera/s3cret", "rtsp://***"),
        ("/srv/a@b.mp4", "/srv/a@b.mp4"),
    ],
)
def test_redact(url: str, shown: str) -> None:
    assert redact(url) == shown


def test_addresses_are_found_within_a_text() -> None:
    text = "front: opening rtsp://admin:s3cret@camera/a, then http://camera/b?pwd=s3cret"
    assert redact(text) == "front: opening rtsp://***@camera/a, then http://camera/b?pwd=***"
