"""Puts pictures together from the pieces they are sent in; each is given out as soon as it seems complete.

RTP marks the last packet of a picture, but FFmpeg keeps that to itself, and its own parser waits until the
next picture begins, a frame later. So the end is foretold: a piece shorter than all that were ever continued
ends its slice, and a picture has as many slices as the one that had most. What is foretold is acted upon once
it has been right for long, and after a mistake never again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from edged.capture.annexb import START_CODE, units

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edged.capture.annexb import Syntax

TRUSTED_AFTER = 50
"""So many pictures must have been foretold, and none wrongly, since the last error."""
HEAD_BYTES = 16
"""At most so much longer is the piece that begins a unit, by start code and header, than those that go on."""
MOST_PIECES = 8192
"""Over ten megabytes: no picture is larger."""
_START = b"\x00" + START_CODE


@dataclass(slots=True)
class Assembled:
    """One picture; nothing is added to it once it is given out."""

    pts: int | None
    pieces: list[bytes] = field(default_factory=list)
    slices: int = 0
    is_key_frame: bool = False
    seems_complete: bool = False

    @property
    def data(self) -> bytes:
        """All of it, with start codes."""
        return b"".join(self.pieces)


class Assembler:
    """Takes what FFmpeg finds in each RTP packet: units behind start codes, or more of the last one."""

    def __init__(self, syntax: Syntax) -> None:
        self._syntax = syntax
        self._picture: Assembled | None = None
        self._is_given = False
        self._is_in_slice = False
        self._unit_pts: int | None = None
        # Apart for pieces that begin a unit: some cameras make them a byte shorter than those that go on.
        self._shortest_continued: dict[bool, int] = {}
        self._last_piece = (True, 0)  # whether it began a unit, and its length
        self._most_slices = 1
        self._foretold = 0
        self._is_trusted = False
        self.mistakes = 0
        """Pictures that were given out without their end."""

    def put(self, piece: bytes, pts: int | None) -> Sequence[Assembled]:
        """Take the next piece; returns the picture that ended before it, and the one that it completes."""
        if piece.startswith(_START):
            begun = units(piece)
            return self._begin_units(begun, piece, pts) if begun else ()
        picture = self._picture
        if picture is None or pts != self._unit_pts:
            return ()  # the beginning of the unit was lost
        if self._is_in_slice and not self._is_trusted:  # later it could only be loss that joins the two
            begins_unit, length = self._last_piece
            shortest = self._shortest_continued.get(begins_unit, length)
            self._shortest_continued[begins_unit] = min(shortest, length)
        return self._add(picture, piece, is_of_slice=self._is_in_slice, begins_unit=False)

    def _begin_units(self, begun: list[bytes], piece: bytes, pts: int | None) -> Sequence[Assembled]:
        ended: Sequence[Assembled] = ()
        picture, syntax = self._picture, self._syntax
        if picture is None or self._is_over(picture, begun[0], pts):
            ended = self._end(picture)
            self._picture = picture = Assembled(pts)
            self._is_given = False
        slices = sum(map(syntax.is_slice, begun))
        if slices and not picture.slices:
            picture.pts = pts
        if not self._is_given:
            picture.slices += slices
            picture.is_key_frame |= any(map(syntax.allows_to_begin, begun))
        self._unit_pts, self._is_in_slice = pts, syntax.is_slice(begun[-1])
        return *ended, *self._add(picture, piece, is_of_slice=slices > 0, begins_unit=True)

    def _is_over(self, picture: Assembled, unit: bytes, pts: int | None) -> bool:
        if not picture.slices:
            return False
        is_later = self._syntax.is_slice(unit) and pts != picture.pts  # and its first slice was lost
        return is_later or self._syntax.begins_picture(unit)

    def _end(self, picture: Assembled | None) -> Sequence[Assembled]:
        if picture is None:
            return ()
        self._most_slices = max(self._most_slices, picture.slices)
        self._foretold += picture.seems_complete
        self._is_trusted = self._foretold >= TRUSTED_AFTER and not self.mistakes
        return () if self._is_given else (picture,)

    def _add(
        self, picture: Assembled, piece: bytes, *, is_of_slice: bool, begins_unit: bool
    ) -> Sequence[Assembled]:
        if is_of_slice and picture.seems_complete:
            self._own_up(picture)
        if self._is_given:  # what follows is filler; or the end that was missed, and it is too late for that
            return ()
        picture.pieces.append(piece)
        if is_of_slice:
            length = len(piece)
            self._last_piece = begins_unit, length
            is_last = self._seems_last(length, begins_unit=begins_unit)
            picture.seems_complete = is_last and picture.slices >= self._most_slices
            if picture.seems_complete and self._is_trusted:
                self._is_given = True
                return (picture,)
        if len(picture.pieces) >= MOST_PIECES:
            self._picture = None
        return ()

    def _seems_last(self, length: int, *, begins_unit: bool) -> bool:
        """Whether a piece is shorter than those that go on; before any has, nothing is known of that."""
        continued = self._shortest_continued
        return length < continued.get(begins_unit, continued.get(True, 0) - HEAD_BYTES)

    def _own_up(self, picture: Assembled) -> None:
        """Note that the picture goes on although it seemed complete."""
        picture.seems_complete = self._is_trusted = False
        self._foretold = 0
        self.mistakes += self._is_given
