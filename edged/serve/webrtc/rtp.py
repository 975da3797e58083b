"""Sends pictures to one viewer as RTP and minds what it reports: losses, key frames wanted, its link."""

from __future__ import annotations

import secrets
import struct
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aiortc.rtp import (
    RTCP_PSFB_APP,
    RTCP_PSFB_FIR,
    RTCP_PSFB_PLI,
    RTCP_RTPFB_NACK,
    RtcpPsfbPacket,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtcpSdesPacket,
    RtcpSenderInfo,
    RtcpSourceInfo,
    RtcpSrPacket,
    unpack_remb_fci,
)

from edged.serve.webrtc.sdp import ABS_SEND_TIME, PLAYOUT_DELAY

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from aiortc.rtp import AnyRtcpPacket

    from edged.serve.webrtc.sdp import VideoFormat

CLOCK_HZ = 90_000
HISTORY = 1024
"""Packets kept for a viewer that asks again: 128 froze it for seconds after each second of silence."""
NTP_EPOCH_S = 2_208_988_800
_HEADER = struct.Struct(">BBHII")
_SEQUENCE = struct.Struct(">H")
_VERSION_WITH_EXTENSION = 0x90
_MARKER = 0x80
_LEAST_STEP = 90  # two pictures with one timestamp would be one broken picture


@dataclass(frozen=True, slots=True)
class RtpPicture:
    """One picture, packed once for all viewers; its RTP time is its moment of capture."""

    payloads: tuple[bytes, ...] = field(repr=False)
    captured_s: float  # epoch
    is_key_frame: bool
    size_bytes: int


@dataclass(slots=True)
class LinkReport:
    """What a viewer has said of its link, for whoever chooses what it gets."""

    loss: float = 0.0  # 0..1, of the last report
    estimate_bps: int | None = None  # REMB


@dataclass(slots=True)
class SenderCounts:
    """What has gone out to a viewer."""

    packets: int = 0
    octets: int = 0
    pictures: int = 0
    retransmitted: int = 0
    unsent: int = 0  # the socket was full


class RtpSender:
    """Sends through ``send`` (datagrams in, how many left out) and calls ``on_key_frame_wanted`` for a PLI.

    A picture goes out in one call, whatever its number of packets: no await, no task, no copy for a queue.
    """

    def __init__(
        self,
        video: VideoFormat,
        send: Callable[[Sequence[bytes]], int],
        on_key_frame_wanted: Callable[[], None],
    ) -> None:
        self.ssrc = secrets.randbits(32)
        self.rtx_ssrc = secrets.randbits(32)
        self.cname = secrets.token_hex(8)
        self.link = LinkReport()
        self.counts = SenderCounts()
        self._video = video
        self._send = send
        self._on_key_frame_wanted = on_key_frame_wanted
        # The lower half, because a wrap-around among the first packets breaks SRTP at the receiver.
        self._sequence = secrets.randbits(15)
        self._rtx_sequence = secrets.randbits(15)
        self._time: int | None = None
        self._captured_s = 0.0
        self._history: list[tuple[int, int, int, bytes] | None] = [None] * HISTORY

    def send(self, picture: RtpPicture) -> None:
        """Send a picture now."""
        time_90k = round(picture.captured_s * CLOCK_HZ)
        if self._time is not None:
            time_90k = max(time_90k, self._time + _LEAST_STEP)
        self._time, self._captured_s = time_90k, picture.captured_s
        extension = self._extension()
        last = len(picture.payloads) - 1
        packets = []
        for index, payload in enumerate(picture.payloads):
            kind = self._video.payload_type | (_MARKER if index == last else 0)
            stamp = time_90k & 0xFFFFFFFF
            sequence, self._sequence = self._sequence, self._sequence + 1 & 0xFFFF
            self._history[sequence % HISTORY] = (sequence, kind, stamp, payload)
            header = _HEADER.pack(_VERSION_WITH_EXTENSION, kind, sequence, stamp, self.ssrc)
            packets.append(header + extension + payload)
        self.counts.unsent += self._send(packets)
        self.counts.pictures += 1
        self.counts.packets += len(packets)
        self.counts.octets += picture.size_bytes

    def handle(self, packet: AnyRtcpPacket) -> None:
        """Take one RTCP packet of the viewer."""
        match packet:
            case RtcpRtpfbPacket(fmt=fmt) if fmt == RTCP_RTPFB_NACK:
                self._send_again(packet.lost)
            case RtcpPsfbPacket(fmt=fmt) if fmt in {RTCP_PSFB_PLI, RTCP_PSFB_FIR}:
                self._on_key_frame_wanted()
            case RtcpPsfbPacket(fmt=fmt) if fmt == RTCP_PSFB_APP:
                self._take_estimate(packet.fci)
            case RtcpRrPacket() | RtcpSrPacket():
                for report in packet.reports:
                    if report.ssrc == self.ssrc:
                        self.link.loss = report.fraction_lost / 256
            case _:
                pass

    def report(self) -> bytes:
        """The sender's report that is due about once a second; maps RTP time to that of our clock."""
        now_s = time.time()
        ahead = round((now_s - self._captured_s) * CLOCK_HZ) if self._time is not None else 0
        info = RtcpSenderInfo(
            ntp_timestamp=round((now_s + NTP_EPOCH_S) * 2**32),
            rtp_timestamp=(self._time or 0) + ahead & 0xFFFFFFFF,
            packet_count=self.counts.packets & 0xFFFFFFFF,
            octet_count=self.counts.octets & 0xFFFFFFFF,
        )
        name = RtcpSourceInfo(ssrc=self.ssrc, items=[(1, self.cname.encode())])
        return bytes(RtcpSrPacket(ssrc=self.ssrc, sender_info=info)) + bytes(RtcpSdesPacket(chunks=[name]))

    def _extension(self) -> bytes:
        """The header extensions that the viewer takes, as RFC 8285 packs them."""
        ids = self._video.extension_ids
        body = b""
        if number := ids.get(ABS_SEND_TIME):
            body += bytes([number << 4 | 2]) + (int(time.time() * 2**18) & 0xFFFFFF).to_bytes(3, "big")
        if number := ids.get(PLAYOUT_DELAY):
            body += bytes([number << 4 | 2]) + b"\0\0\0"  # show each picture as soon as it is there
        return b"\xbe\xde" + _SEQUENCE.pack(len(body) // 4) + body

    def _send_again(self, lost: Sequence[int]) -> None:
        packets = []
        for number in lost:
            kept = self._history[number % HISTORY]
            if kept is None or kept[0] != number:
                continue
            packets.append(self._repeated(*kept))
        self.counts.retransmitted += len(packets)
        self.counts.unsent += self._send(packets)

    def _repeated(self, sequence: int, kind: int, stamp: int, payload: bytes) -> bytes:
        rtx = self._video.rtx_payload_type
        if rtx is None:
            return _HEADER.pack(0x80, kind, sequence, stamp, self.ssrc) + payload
        again, self._rtx_sequence = self._rtx_sequence, self._rtx_sequence + 1 & 0xFFFF
        header = _HEADER.pack(0x80, kind & _MARKER | rtx, again, stamp, self.rtx_ssrc)
        return header + _SEQUENCE.pack(sequence) + payload

    def _take_estimate(self, fci: bytes) -> None:
        try:
            bitrate, ssrcs = unpack_remb_fci(fci)
        except (ValueError, IndexError, struct.error):
            return
        if self.ssrc in ssrcs:
            self.link.estimate_bps = bitrate
