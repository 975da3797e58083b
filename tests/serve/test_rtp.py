"""What goes out to a viewer, byte by byte, and what its reports do."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from aiortc.rtp import (
    RTCP_PSFB_APP,
    RTCP_PSFB_PLI,
    RTCP_RTPFB_NACK,
    HeaderExtensionsMap,
    RtcpPacket,
    RtcpPsfbPacket,
    RtcpReceiverInfo,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtcpSrPacket,
    RtpPacket,
    pack_remb_fci,
    unwrap_rtx,
)

from edged.serve.webrtc.rtp import HISTORY, RtpPicture, RtpSender
from edged.serve.webrtc.sdp import ABS_SEND_TIME, PLAYOUT_DELAY, VideoFormat

if TYPE_CHECKING:
    from collections.abc import Sequence

VIDEO = VideoFormat(102, 103, "", {ABS_SEND_TIME: 2, PLAYOUT_DELAY: 6})
CAPTURED_S = 1_763_600_000.125


class Wire:
    """Takes what a sender sends."""

    def __init__(self, video: VideoFormat = VIDEO) -> None:
        self.packets: list[RtpPacket] = []
        self.key_frames_wanted = 0
        self.sender = RtpSender(video, self._take, self._want)

    def _take(self, datagrams: Sequence[bytes]) -> int:
        self.packets += [RtpPacket.parse(datagram, HeaderExtensionsMap()) for datagram in datagrams]
        return 0

    def _want(self) -> None:
        self.key_frames_wanted += 1

    def nack(self, *lost: int) -> None:
        packet = RtcpRtpfbPacket(fmt=RTCP_RTPFB_NACK, ssrc=1, media_ssrc=self.sender.ssrc, lost=list(lost))
        self.sender.handle(packet)


def picture(*payloads: bytes, at_s: float = 0.0) -> RtpPicture:
    return RtpPicture(payloads, CAPTURED_S + at_s, is_key_frame=False, size_bytes=sum(map(len, payloads)))


def test_a_picture_is_marked_numbered_and_stamped_with_its_capture() -> None:
    wire = Wire()
    wire.sender.send(picture(b"one", b"two"))
    wire.sender.send(picture(b"three", at_s=0.04))
    first, second, third = wire.packets
    assert [p.payload for p in wire.packets] == [b"one", b"two", b"three"]
    assert [p.marker for p in wire.packets] == [0, 1, 1]
    assert {p.payload_type for p in wire.packets} == {102}
    assert [
        second.sequence_number - first.sequence_number,
        third.sequence_number - second.sequence_number,
    ] == [1, 1]
    assert first.timestamp == second.timestamp == round(CAPTURED_S * 90_000) % 2**32
    assert third.timestamp - first.timestamp == 3600


def test_time_never_stands_still_nor_goes_back() -> None:
    wire = Wire()
    for at_s in (1.0, 1.0, 0.2):
        wire.sender.send(picture(b"x", at_s=at_s))
    stamps = [p.timestamp for p in wire.packets]
    assert stamps == sorted(set(stamps))


def test_what_was_lost_is_sent_again_on_the_repair_stream() -> None:
    wire = Wire()
    wire.sender.send(picture(b"one", b"two"))
    lost = wire.packets[1]
    wire.nack(lost.sequence_number, (lost.sequence_number + 500) % 65536)
    (again,) = wire.packets[2:]
    assert (again.payload_type, again.ssrc) == (103, wire.sender.rtx_ssrc)
    repaired = unwrap_rtx(again, payload_type=102, ssrc=wire.sender.ssrc)
    assert (repaired.sequence_number, repaired.payload) == (lost.sequence_number, b"two")
    assert repaired.timestamp == lost.timestamp


def test_without_a_repair_stream_the_packet_itself_is_repeated() -> None:
    wire = Wire(VideoFormat(102, None, "", {}))
    wire.sender.send(picture(b"one"))
    wire.nack(wire.packets[0].sequence_number)
    first, again = wire.packets
    assert (again.sequence_number, again.payload, again.ssrc) == (first.sequence_number, b"one", first.ssrc)


def test_what_is_too_old_is_not_sent_again() -> None:
    wire = Wire()
    for number in range(HISTORY + 1):
        wire.sender.send(picture(b"x", at_s=number / 25))
    wire.nack(wire.packets[0].sequence_number)
    assert len(wire.packets) == HISTORY + 1
    wire.nack(wire.packets[1].sequence_number)
    assert len(wire.packets) == HISTORY + 2


def test_reports_tell_of_the_link() -> None:
    wire = Wire()
    ssrc = wire.sender.ssrc
    wire.sender.handle(RtcpPsfbPacket(fmt=RTCP_PSFB_PLI, ssrc=1, media_ssrc=ssrc))
    assert wire.key_frames_wanted == 1
    estimate = pack_remb_fci(800_000, [ssrc])
    wire.sender.handle(RtcpPsfbPacket(fmt=RTCP_PSFB_APP, ssrc=1, media_ssrc=0, fci=estimate))
    for rubbish in (b"", b"REMB", b"REMB\xff\xff\xff\xff", b"nonsense"):
        wire.sender.handle(RtcpPsfbPacket(fmt=RTCP_PSFB_APP, ssrc=1, media_ssrc=0, fci=rubbish))
    report = RtcpReceiverInfo(ssrc, 64, 10, 0, 0, 0, 0)
    other = RtcpReceiverInfo(ssrc ^ 1, 255, 10, 0, 0, 0, 0)
    wire.sender.handle(RtcpRrPacket(ssrc=1, reports=[report, other]))
    assert wire.sender.link.estimate_bps == 800_000
    assert wire.sender.link.loss == 0.25


def test_the_senders_report_ties_its_time_to_ours() -> None:
    wire = Wire()
    wire.sender.send(picture(b"one", b"two"))
    report = RtcpPacket.parse(wire.sender.report())[0]
    assert isinstance(report, RtcpSrPacket)
    info = report.sender_info
    ours_s = info.ntp_timestamp / 2**32 - 2_208_988_800
    assert abs(round(ours_s * 90_000) % 2**32 - info.rtp_timestamp) <= 1
    assert (info.packet_count, info.octet_count) == (2, 6)


def test_extensions_are_those_that_the_viewer_takes() -> None:
    sent: list[bytes] = []

    def take(packets: Sequence[bytes]) -> int:
        sent.extend(packets)
        return 0

    for ids in ({}, {PLAYOUT_DELAY: 6}, {ABS_SEND_TIME: 2, PLAYOUT_DELAY: 6}):
        sender = RtpSender(VideoFormat(102, None, "", ids), take, lambda: None)
        sender.send(picture(b"x"))
    lengths = [struct.unpack_from(">H", packet, 14)[0] for packet in sent]
    assert lengths == [0, 1, 2]
    assert sent[1][16:20] == b"\x62\0\0\0"  # show at once
    assert sent[2][16] == 0x22
