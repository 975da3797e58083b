"""One camera in one quality for everybody who watches it so."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edged.serve.viewer import Playback
    from edged.serve.webrtc.rtp import RtpPicture

GOP_CAPACITY_BYTES = 8 * 1024 * 1024


class Channel:
    """Keeps the group of pictures that is under way and hands each picture to every playback."""

    def __init__(self) -> None:
        self._playbacks: tuple[Playback, ...] = ()
        self._gop: list[RtpPicture] = []
        self._gop_bytes = 0

    @property
    def gop(self) -> Sequence[RtpPicture]:
        """Everything since the last key frame, oldest first."""
        return self._gop

    def bitrate_bps(self) -> float | None:
        """How much the pictures take, over the group under way; None while that says nothing."""
        if len(self._gop) < 2:  # noqa: PLR2004 - a span needs two ends
            return None
        span_s = self._gop[-1].captured_s - self._gop[0].captured_s
        return self._gop_bytes * 8 / span_s if span_s >= 1 else None

    def add(self, playback: Playback) -> None:
        """Have ``playback`` begin at once, as far as there is anything."""
        self._playbacks += (playback,)
        playback.begin(self._gop)

    def remove(self, playback: Playback) -> None:
        """Hand it nothing more."""
        self._playbacks = tuple(each for each in self._playbacks if each is not playback)

    def put(self, picture: RtpPicture) -> None:
        """Take the next picture."""
        if picture.is_key_frame:
            self.clear()
        if picture.is_key_frame or self._gop:
            self._gop.append(picture)
            self._gop_bytes += picture.size_bytes
        if self._gop_bytes > GOP_CAPACITY_BYTES:
            self.clear()
        for playback in self._playbacks:
            playback.put(picture)

    def clear(self) -> None:
        """Forget the pictures, for what comes next does not follow them."""
        self._gop = []
        self._gop_bytes = 0
