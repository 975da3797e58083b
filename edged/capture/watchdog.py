"""Decides from what a connection has brought lately whether its camera still does its work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edged.core.errors import CaptureFault

if TYPE_CHECKING:
    from edged.capture.options import CaptureOptions

KEY_FRAME_PATIENCE_S = 30.0
"""Thrifty cameras send a key frame only every 10 or 20 seconds, and nothing can be seen before."""


@dataclass(slots=True)
class Progress:
    """What one connection has brought so far, in monotonic seconds; written by its thread alone."""

    started_s: float
    opened_s: float | None = None
    packet_s: float | None = None
    key_frame_s: float | None = None
    picture_s: float | None = None
    undecoded_since_s: float | None = None  # the first packet given to the decoder after the last picture
    unchanged_since_s: float | None = None  # since when the picture is the same to the last bit
    is_held_up: bool = False  # by us, who try hardware: the camera can do nothing about it


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why a connection has to be given up."""

    fault: CaptureFault
    reason: str


def judge(progress: Progress, options: CaptureOptions, now_s: float) -> Verdict | float:
    """Return why the connection is to be given up, or in how many seconds to look again."""
    verdict = _first_to_fail(progress, options, now_s)
    if isinstance(verdict, Verdict):
        return verdict
    # No later than the shortest watch lasts: one that begins after this look is then seen before it is over.
    return min(verdict, options.read_timeout_s, options.frozen_after_s or options.read_timeout_s)


def _first_to_fail(progress: Progress, options: CaptureOptions, now_s: float) -> Verdict | float:
    if progress.opened_s is None:
        late = Verdict(CaptureFault.SILENT, f"no answer within {options.open_timeout_s:g} s")
        return _by(progress.started_s + options.open_timeout_s, now_s, late)
    if progress.is_held_up:
        return options.read_timeout_s
    watches = [_silence(progress, options, now_s, progress.opened_s)]
    if progress.packet_s is not None and progress.key_frame_s is None:
        no_key = Verdict(CaptureFault.BROKEN, f"no key frame within {KEY_FRAME_PATIENCE_S:g} s")
        watches.append(_by(progress.opened_s + KEY_FRAME_PATIENCE_S, now_s, no_key))
    if progress.undecoded_since_s is not None:
        text = f"the picture cannot be decoded for {options.read_timeout_s:g} s, though data arrives"
        undecodable = Verdict(CaptureFault.BROKEN, text)
        watches.append(_by(progress.undecoded_since_s + options.read_timeout_s, now_s, undecodable))
    if options.frozen_after_s and progress.unchanged_since_s is not None:
        frozen = Verdict(CaptureFault.BROKEN, f"the picture is frozen for {options.frozen_after_s:g} s")
        watches.append(_by(progress.unchanged_since_s + options.frozen_after_s, now_s, frozen))
    verdicts = [watch for watch in watches if isinstance(watch, Verdict)]
    return verdicts[0] if verdicts else min(watch for watch in watches if not isinstance(watch, Verdict))


def _silence(progress: Progress, options: CaptureOptions, now_s: float, opened_s: float) -> Verdict | float:
    silent = Verdict(CaptureFault.SILENT, f"nothing came for {options.read_timeout_s:g} s")
    return _by((progress.packet_s or opened_s) + options.read_timeout_s, now_s, silent)


def _by(deadline_s: float, now_s: float, verdict: Verdict) -> Verdict | float:
    return verdict if now_s >= deadline_s else deadline_s - now_s
