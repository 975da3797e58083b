"""Pieces of RTP packets, made by hand, and the pictures that come of them."""

from __future__ import annotations

import itertools
import random
from typing import TYPE_CHECKING

import pytest

from edged.capture.annexb import SYNTAXES
from edged.capture.assembly import MOST_PIECES, TRUSTED_AFTER, Assembled, Assembler

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

START = b"\x00\x00\x00\x01"
SPS, PPS, DELIMITER, FILLER = b"\x67\x42\x00\x1f", b"\x68\xce\x3c\x80", b"\x09\xf0", b"\x0c\xff\xff\x80"
TIMING_SEI, RECOVERY_SEI = b"\x06\x01\x01\x12\x80", b"\x06\x01\x01\x12\x06\x01\xc4\x80"
FULL = 1000


def slice_unit(length: int, *, is_first: bool = True, is_idr: bool = False) -> bytes:
    return (b"\x65" if is_idr else b"\x41") + (b"\x88" if is_first else b"\x41") + b"\x2a" * (length - 2)


def fragments(unit: bytes, size: int = FULL) -> list[bytes]:
    """What FFmpeg makes of a unit that was sent in fragments of ``size``."""
    body = unit[1:]
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    return [START + unit[:1] + pieces[0], *pieces[1:]]


def picture(*lengths: int, is_idr: bool = False) -> list[bytes]:
    """The pieces of a picture with slices of these lengths."""
    units = [slice_unit(n, is_first=not at, is_idr=is_idr) for at, n in enumerate(lengths)]
    return [piece for unit in units for piece in fragments(unit)]


class Camera:
    """Sends pictures to an assembler, and keeps what it gives out."""

    def __init__(self, codec: str = "h264") -> None:
        self.assembler = Assembler(SYNTAXES[codec])
        self.pts = 0
        self.given: list[Assembled] = []

    def send(self, pieces: Iterable[bytes]) -> list[bytes]:
        """Send the pieces of one picture; returns the data of the pictures that this brought."""
        self.pts += 3600
        return self.send_more(pieces)

    def send_more(self, pieces: Iterable[bytes]) -> list[bytes]:
        """Send pieces with the same time as the last ones."""
        given = [picture for piece in pieces for picture in self.assembler.put(piece, self.pts)]
        self.given += given
        return [picture.data for picture in given]

    def prove(self, make: Callable[[], list[bytes]]) -> None:
        """Send as many pictures as it takes until they are given out at once."""
        for _ in range(TRUSTED_AFTER + 2):
            self.send(make())
        pieces = make()
        assert self.send(pieces) == [b"".join(pieces)]


def test_each_waits_for_the_next_until_foretelling_has_proved_itself() -> None:
    camera = Camera()
    camera.send(picture(9000, is_idr=True))
    pictures = [picture(300 + number) for number in range(TRUSTED_AFTER)]
    assert camera.send(pictures[0]) == [b"".join(picture(9000, is_idr=True))]
    for earlier, later in itertools.pairwise(pictures[:-1]):
        assert camera.send(later) == [b"".join(earlier)]
    assert camera.send(pictures[-1]) == [b"".join(pictures[-2]), b"".join(pictures[-1])]
    assert camera.send(picture(7)) == [b"".join(picture(7))]


@pytest.mark.parametrize("lengths", [(500,), (2500,), (2500, 3500, 1200), (300, 2500)])
def test_given_with_its_last_piece_and_not_before(lengths: tuple[int, ...]) -> None:
    camera = Camera()
    camera.send(picture(*(9000 for _ in lengths), is_idr=True))
    camera.prove(lambda: picture(*lengths))
    *first, last = picture(*lengths)
    assert camera.send(first) == []
    assert camera.send_more([last]) == [b"".join([*first, last])]


def test_a_last_piece_as_long_as_the_others_waits_and_is_no_mistake() -> None:
    camera = Camera()
    camera.prove(lambda: picture(2500))
    full = picture(2 * FULL + 1)
    assert camera.send(full) == []
    assert camera.send(picture(2500)) == [b"".join(full), b"".join(picture(2500))]
    assert camera.assembler.mistakes == 0


def test_first_fragments_may_be_shorter_than_those_that_follow() -> None:
    def cut() -> list[bytes]:
        first, *others = picture(3500)
        rest = b"".join([first[-1:], *others])
        return [first[:-1], *(rest[at : at + FULL] for at in range(0, len(rest), FULL))]

    camera = Camera()
    camera.prove(cut)
    assert camera.assembler.mistakes == 0


def test_pictures_with_fewer_slices_than_some_wait() -> None:
    camera = Camera()
    for _ in range(2 * TRUSTED_AFTER):
        camera.send(picture(900, 900, is_idr=True))
        assert b"".join(picture(900)) not in camera.send(picture(900))
    assert camera.assembler.mistakes == 0


def test_small_pictures_alone_say_nothing_of_the_first_large_one() -> None:
    camera = Camera()
    for _ in range(2 * TRUSTED_AFTER):  # a night in which nothing moves, joined behind its key frame
        camera.send(picture(400))
    large = picture(9000, is_idr=True)
    assert camera.send(large) == [b"".join(picture(400))]
    assert camera.send(picture(400)) == [b"".join(large)]
    assert camera.assembler.mistakes == 0


def test_a_slice_more_is_a_mistake_that_costs_one_picture_its_end_and_is_made_once() -> None:
    camera = Camera()
    camera.send(picture(9000, is_idr=True))
    camera.prove(lambda: picture(900))
    assert camera.send(picture(900, 800)) == [b"".join(picture(900))]
    assert camera.assembler.mistakes == 1
    assert camera.send(picture(700)) == []
    for _ in range(2 * TRUSTED_AFTER):
        assert camera.send(picture(700)) == [b"".join(picture(700))]
    assert camera.assembler.mistakes == 1


def test_a_short_piece_that_is_continued_is_a_mistake_too() -> None:
    camera = Camera()
    camera.prove(lambda: picture(2500))
    pieces = fragments(slice_unit(2500), 600)
    assert camera.send(pieces) == [pieces[0]]
    assert camera.assembler.mistakes == 1
    assert camera.send(pieces) == []
    assert camera.send(pieces) == [b"".join(pieces)]


def test_a_beginning_that_was_lost_damages_no_other_picture() -> None:
    camera = Camera()
    camera.prove(lambda: picture(2500))
    assert camera.send(picture(2500)[1:]) == []
    assert camera.send(picture(2500)) == [b"".join(picture(2500))]
    assert camera.assembler.mistakes == 0


def test_a_first_slice_that_was_lost_does_not_join_two_pictures() -> None:
    camera = Camera()
    camera.send(picture(900, 900))
    assert camera.send(picture(900, 900)[1:]) == [b"".join(picture(900, 900))]


def test_an_end_that_was_lost_delays_and_is_no_mistake() -> None:
    camera = Camera()
    camera.prove(lambda: picture(2500))
    assert camera.send(picture(2500)[:-1]) == []
    assert len(camera.send(picture(2500))) == 2
    assert camera.assembler.mistakes == 0


def test_filler_behind_a_picture_is_no_part_of_it() -> None:
    camera = Camera()
    camera.prove(lambda: picture(900))
    assert camera.send([*picture(900), START + FILLER, *fragments(b"\x0c" + b"\xff" * 3000)]) == [
        b"".join(picture(900))
    ]
    assert camera.assembler.mistakes == 0


def test_what_stands_before_the_slices_belongs_to_them() -> None:
    camera = Camera()
    heads = [START + unit for unit in (DELIMITER, SPS, PPS, TIMING_SEI)]
    for whole in (heads, [b"".join(heads)]):  # each in a packet of its own, and all in a STAP-A
        pieces = [*whole, *picture(2500, is_idr=True)]
        camera.send(pieces)
        assert camera.send(pieces) == [b"".join(pieces)]
        camera = Camera()


def test_a_whole_picture_in_one_aggregate() -> None:
    camera = Camera()
    camera.prove(lambda: [b"".join([START + DELIMITER, START + SPS, START + PPS, *picture(200, 150)])])


def test_parameter_sets_with_a_time_of_their_own_do_not_give_it_to_the_picture() -> None:
    camera = Camera()
    camera.send([START + SPS, START + PPS])
    camera.send(picture(900, is_idr=True))
    time = camera.pts
    camera.send(picture(900))
    assert [picture.pts for picture in camera.given] == [time]


def test_pictures_without_times_are_told_apart() -> None:
    assembler = Assembler(SYNTAXES["h264"])
    given = [out.data for _ in range(4) for piece in picture(900, 900) for out in assembler.put(piece, None)]
    assert given == [b"".join(picture(900, 900))] * 3


@pytest.mark.parametrize(
    ("head", "is_idr", "is_key"),
    [(b"", False, False), (b"", True, True), (TIMING_SEI, False, False), (RECOVERY_SEI, False, True)],
)
def test_key_frames(head: bytes, is_idr: bool, is_key: bool) -> None:  # noqa: FBT001 - parameters
    camera = Camera()
    camera.send([*([START + head] if head else []), *picture(900, is_idr=is_idr)])
    camera.send(picture(900))
    assert camera.given[0].is_key_frame is is_key


def test_h265() -> None:
    camera = Camera("hevc")
    heads = [START + unit for unit in (b"\x40\x01\x0c", b"\x42\x01\x01", b"\x44\x01\xc1")]
    suffix_sei = START + b"\x50\x01\x84\x80"
    key, other = [*heads, START + b"\x26\x01\xaf\x80"], [START + b"\x02\x01\xd0\x80", suffix_sei]
    camera.send(key)
    assert camera.send(other) == [b"".join(key)]
    assert camera.send(key) == [b"".join(other)]
    assert [given.is_key_frame for given in camera.given] == [True, False]


@pytest.mark.parametrize("junk", [b"", START, START * 2, b"\x2a" * 50, START + b"\x00", START + b"\x41"])
def test_junk_is_survived(junk: bytes) -> None:
    camera = Camera()
    camera.send([junk])
    for _ in range(3):
        camera.send([*picture(900), junk])
    assert len(camera.given) >= 2


def test_a_picture_without_end_is_given_up() -> None:
    camera = Camera()
    camera.send(picture(900))
    assert camera.send_more([b"\x2a"] * MOST_PIECES) == []
    assert camera.send(picture(900)) == []
    assert camera.send(picture(900)) == [b"".join(picture(900))]


@pytest.mark.parametrize("seed", range(20))
def test_whatever_a_camera_does_at_most_one_picture_lacks_its_end(seed: int) -> None:
    chance, camera = random.Random(seed), Camera()  # noqa: S311 - guards nothing
    slices, size = chance.choice([1, 1, 2, 4, 30]), chance.choice([200, FULL, 10**6])
    sent, given = [], []
    for _ in range(6 * TRUSTED_AFTER):
        lengths = [chance.randrange(2, 4000) for _ in range(chance.randrange(slices) + 1)]
        units = [slice_unit(length, is_first=not at) for at, length in enumerate(lengths)]
        cut = size if chance.random() < 0.99 else chance.randrange(100, 1500)
        sent.append([piece for unit in units for piece in fragments(unit, cut)])
        given += camera.send(sent[-1])
    whole = [b"".join(pieces) for pieces in sent]
    cut_short = [data for data, expected in zip(given, whole, strict=False) if data != expected]
    assert len(given) >= len(sent) - 1
    assert len(cut_short) == camera.assembler.mistakes <= 1


@pytest.mark.parametrize("slices", [1, 4])
@pytest.mark.parametrize("seed", range(5))
def test_loss_neither_mixes_pictures_nor_counts_as_a_mistake(slices: int, seed: int) -> None:
    chance, camera = random.Random(seed), Camera()  # noqa: S311 - guards nothing
    sent: dict[int, list[bytes]] = {}
    for number in range(10 * TRUSTED_AFTER):
        own = bytes([2 + number % 200])
        pieces = picture(*(chance.randrange(900, 5000) for _ in range(slices)))
        pieces = [piece.replace(b"\x2a", own) for piece in pieces]
        arrived = [piece for piece in pieces if chance.random() > 0.02]
        camera.send(arrived)
        sent[camera.pts] = arrived
    assert camera.assembler.mistakes == 0
    assert len(camera.given) > 0.9 * len(sent)
    for given in camera.given:
        assert set(given.pieces) <= set(sent[given.pts or 0])
