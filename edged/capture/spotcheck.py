"""A look at a key frame now and then, where nobody else looks at the pictures of a camera."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from edged.capture.decoder import Decoder, Encoding
from edged.capture.picture import VideoPicture

if TYPE_CHECKING:
    from av.packet import Packet as AvPacket
    from av.video.stream import VideoStream

    from edged.capture.watchdog import Progress

SPOT_CHECK_S = 10.0
"""A key frame costs as much as five others: at this rate it is a fortieth of decoding them all."""


class SpotCheck:
    """Finds a picture that freezes or cannot be decoded any more, and says so in ``progress``.

    One look proves nothing: a second one must agree with it. A recording that goes round shows the same
    key frames again and again, and cannot freeze.
    """

    def __init__(self, progress: Progress, *, is_recording: bool) -> None:
        self._progress = progress
        self._is_recording = is_recording
        self._next_s = 0.0
        self._failing_since_s: float | None = None
        self._picture: tuple[int, float] | None = None  # its fingerprint, and when it was first seen
        progress.undecoded_since_s = progress.unchanged_since_s = None

    def is_due(self, now_s: float) -> bool:
        """Whether the next key frame is to be looked at."""
        return now_s >= self._next_s

    def look(self, key_frame: AvPacket[VideoStream], encoding: Encoding, now_s: float) -> None:
        """Decode this key frame alone and compare it with the last one."""
        # Not in step with anything that repeats itself before the camera.
        self._next_s = now_s + SPOT_CHECK_S * random.uniform(0.75, 1.25)  # noqa: S311 - guards nothing
        decoder = Decoder(encoding)
        sound = [frame for frame in decoder.decode(key_frame) + decoder.finish() if not frame.is_corrupt]
        if not sound:
            self._progress.undecoded_since_s = self._failing_since_s
            self._failing_since_s = self._failing_since_s or now_s
            return
        self._progress.undecoded_since_s = self._failing_since_s = None
        fingerprint = VideoPicture(sound[-1]).fingerprint()
        if self._picture is None or self._picture[0] != fingerprint or self._is_recording:
            self._picture, self._progress.unchanged_since_s = (fingerprint, now_s), None
        else:
            self._progress.unchanged_since_s = self._picture[1]
