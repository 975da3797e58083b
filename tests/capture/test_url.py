from __future__ import annotations

from pathlib import Path

import pytest

from edged.capture import CaptureOptions, SourceKind, source_kind
from edged.capture.url import local_path, network_address
from edged.core.errors import CaptureError


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("rtsp://camera/stream", SourceKind.RTSP),
        ("RTSPS://camera/stream", SourceKind.RTSP),
        ("http://camera/video.mjpg", SourceKind.HTTP),
        ("https://camera/video.mjpg", SourceKind.HTTP),
        ("/srv/clips/a.mp4", SourceKind.FILE),
        ("clip.mp4", SourceKind.FILE),
        ("file:///srv/a%20b.mp4", SourceKind.FILE),
        ("/dev/video0", SourceKind.DEVICE),
        ("file:///dev/video0", SourceKind.DEVICE),
    ],
)
def test_kind(url: str, kind: SourceKind) -> None:
    assert source_kind(url) is kind


def test_unknown_scheme_is_refused_by_name_and_without_its_secrets() -> None:
    with pytest.raises(CaptureError, match="ftp: cannot be captured") as refusal:
        source_kind("ftp://admin:s3cret@camera/x")
    assert "s3cret" not in str(refusal.value)


def test_options_hide_secrets_in_their_repr() -> None:
    assert "s3cret" not in repr(CaptureOptions("rtsp://admin:s3cret@camera/a?token=s3cret"))


def test_local_path() -> None:
    assert local_path("file:///srv/a%20b.mp4") == Path("/srv/a b.mp4")
    assert local_path("a b.mp4") == Path("a b.mp4")


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("rtsp://u:p@camera/a", ("camera", 554)),
        ("rtsps://camera/a", ("camera", 322)),
        ("http://[::1]:81/a", ("::1", 81)),
        ("rtsp:///a", None),
        ("rtsp://camera:port/a", None),
        ("a.mp4", None),
    ],
)
def test_network_address(url: str, address: tuple[str, int] | None) -> None:
    assert network_address(url) == address
