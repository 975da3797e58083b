"""What a viewer can be given, and what its link lets it have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edged.core.types import Quality

if TYPE_CHECKING:
    from edged.serve.webrtc.rtp import LinkReport


@dataclass(frozen=True, slots=True)
class Wish:
    """What a viewer asks for: no quality is the camera's default; the limit counts under ``auto``."""

    quality: Quality | None = None
    max_bitrate_bps: int | None = None


@dataclass(frozen=True, slots=True)
class Preset:
    """How pictures are encoded again."""

    bitrate_bps: int
    width: int  # at most
    fps: float  # at most


PRESETS = {
    Quality.LOW: Preset(500_000, 640, 15),
    Quality.MEDIUM: Preset(1_500_000, 1280, 25),
    Quality.HIGH: Preset(3_000_000, 1920, 30),
}
DESCENT = (Quality.AUTO, Quality.MEDIUM, Quality.LOW)

BAD_LOSS = 0.1
GOOD_LOSS = 0.02
TOO_SMALL = 0.7  # of what is sent, by the viewer's own estimate
SETTLE_S = 5
BAD_S = 3
FIRST_CLIMB_S = 15
LONGEST_CLIMB_S = 240


def largest_within(max_bitrate_bps: int) -> Quality:
    """The best preset that takes no more than ``max_bitrate_bps``; the lowest where none does."""
    fitting = [quality for quality, preset in PRESETS.items() if preset.bitrate_bps <= max_bitrate_bps]
    return max(fitting, key=lambda each: PRESETS[each].bitrate_bps, default=Quality.LOW)


class LinkJudge:
    """Steps down where a link loses what it is sent, and tries again later; asked once a second.

    A climb that fails makes the next one wait twice as long: a link that is just too small stays in peace.
    What is lost while the box itself is overloaded says nothing of the link, and an encoder would add to it.
    """

    def __init__(self) -> None:
        self._step = 0
        self._settling_s = SETTLE_S
        self._bad_s = 0
        self._good_s = 0
        self._climb_s = FIRST_CLIMB_S
        self._has_climbed = False

    @property
    def quality(self) -> Quality:
        """What the link takes."""
        return DESCENT[self._step]

    def judge(self, link: LinkReport, sent_bps: float, *, is_box_overloaded: bool) -> Quality:
        """Look at the last second."""
        if self._settling_s:
            self._settling_s -= 1
            return self.quality
        too_small = link.estimate_bps is not None and link.estimate_bps < TOO_SMALL * sent_bps
        is_bad, is_good = link.loss > BAD_LOSS or too_small, link.loss < GOOD_LOSS and not too_small
        self._bad_s = self._bad_s + 1 if is_bad and not is_box_overloaded else 0
        self._good_s = self._good_s + 1 if is_good else 0
        if self._bad_s >= BAD_S and self._step < len(DESCENT) - 1:
            if self._has_climbed:
                self._climb_s = min(LONGEST_CLIMB_S, self._climb_s * 2)
            self._move(1)
        elif self._good_s >= self._climb_s and self._step:
            self._move(-1)
        return self.quality

    def _move(self, by: int) -> None:
        self._step += by
        self._has_climbed = by < 0
        self._settling_s, self._bad_s, self._good_s = SETTLE_S, 0, 0
