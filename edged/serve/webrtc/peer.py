"""One viewer's connection: ICE, DTLS-SRTP, the RTP sender, and a data channel where the viewer wants one."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from typing import TYPE_CHECKING

from aiortc.rtcdtlstransport import (
    RTCCertificate,
    RTCDtlsFingerprint,
    RTCDtlsParameters,
    RTCDtlsTransport,
)
from aiortc.rtcicetransport import candidate_from_aioice
from aiortc.rtcsctptransport import RTCSctpTransport
from aiortc.rtp import RtcpByePacket, RtcpPacket
from aiortc.sdp import candidate_to_sdp

from edged.serve.webrtc.ice import IceTransport, remote_candidate
from edged.serve.webrtc.rtp import RtpSender
from edged.serve.webrtc.sdp import Ours, write_answer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from aiortc import RTCDataChannel
    from aiortc.rtp import AnyRtcpPacket

    from edged.serve.webrtc.options import IceOptions
    from edged.serve.webrtc.rtp import RtpPicture
    from edged.serve.webrtc.sdp import Offer, VideoFormat

log = logging.getLogger(__name__)

CONNECT_S = 10.0
CLOSE_S = 1.0
REPORT_EVERY_S = 1.0
MAX_UNSENT_BYTES = 64 * 1024
MAX_CANDIDATES = 32


class Peer:
    """Answers one offer, connects, sends, and ends when the viewer leaves, dies or never comes.

    ``on_message`` gets what the viewer says on its data channel; ``on_key_frame_wanted`` its wish for one.
    """

    def __init__(
        self,
        offer: Offer,
        video: VideoFormat,
        options: IceOptions,
        *,
        is_local: bool,
        on_message: Callable[[str], None],
        on_key_frame_wanted: Callable[[], None],
    ) -> None:
        self._offer = offer
        self._video = video
        self._on_message = on_message
        self._ice = IceTransport(options, is_local=is_local)
        self._dtls = _DtlsTransport(self._ice, _certificate(), self._on_rtcp)
        self.sender = RtpSender(video, self._send, on_key_frame_wanted)
        self._sctp = RTCSctpTransport(self._dtls) if offer.data in offer.accepted() else None
        self._channel: RTCDataChannel | None = None
        self._gone = asyncio.Event()
        self.messages_dropped = 0
        self._candidates = 0

    async def answer(self) -> str:
        """Gather our addresses and write the answer."""
        offer, ice = self._offer, self._ice
        ice.remote_username, ice.remote_password = offer.ufrag, offer.password
        # The passive side may be what RSA peers (GStreamer) need: aiortc as a client offers ECDSA alone.
        setup = "active" if offer.setup == "passive" else "passive"
        self._dtls._set_role("client" if setup == "active" else "server")  # noqa: SLF001 - aiortc sets it so
        await ice.gather_candidates()
        await self.add_candidates(offer.candidates)
        ours = Ours(
            session_id=secrets.randbits(62),
            ufrag=ice.local_username,
            password=ice.local_password,
            fingerprints=tuple(
                (each.algorithm, each.value)
                for each in self._dtls.getLocalParameters().fingerprints
                if each.algorithm == "sha-256"
            ),
            setup=setup,
            candidates=tuple(candidate_to_sdp(candidate_from_aioice(each)) for each in ice.local_candidates),
            ssrc=self.sender.ssrc,
            rtx_ssrc=self.sender.rtx_ssrc,
            cname=self.sender.cname,
        )
        return write_answer(offer, self._video, ours)

    async def add_candidates(self, candidates: Sequence[str]) -> None:
        """Take addresses of the viewer; those under a name (mDNS) show themselves when it calls."""
        for text in candidates:
            self._candidates += 1
            if self._candidates > MAX_CANDIDATES:
                return
            if candidate := remote_candidate(text):
                await self._ice.add_remote_candidate(candidate)

    async def connect(self) -> None:
        """Wait for the viewer to connect; raises ConnectionError when it does not within ``CONNECT_S``."""
        self._dtls.on("statechange", self._on_dtls_state)
        connecting = asyncio.ensure_future(self._connect())
        gone = asyncio.ensure_future(self._gone.wait())
        try:
            await asyncio.wait((connecting, gone), timeout=CONNECT_S, return_when=asyncio.FIRST_COMPLETED)
            if not connecting.done():
                msg = "it left" if gone.done() else f"it did not connect within {CONNECT_S:g} s"
                raise ConnectionError(msg)
            connecting.result()
        finally:
            connecting.cancel()
            gone.cancel()

    async def serve(self, on_second: Callable[[], None]) -> None:
        """Report to the viewer every second until it is gone."""
        while not self._gone.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(REPORT_EVERY_S):
                    await self._gone.wait()
                    return
            self._dtls.send_report(self.sender.report())
            on_second()

    def send(self, picture: RtpPicture) -> None:
        """Send a picture at once."""
        self.sender.send(picture)

    def tell(self, text: str) -> None:
        """Send ``text`` over the data channel; a viewer that does not read loses it."""
        channel = self._channel
        if channel is None or channel.readyState != "open":
            return
        if channel.bufferedAmount > MAX_UNSENT_BYTES:
            self.messages_dropped += 1
            return
        channel.send(text)

    def end(self) -> None:
        """Let ``serve`` return."""
        self._gone.set()

    async def close(self) -> None:
        """Free everything, within a bounded time."""
        self._gone.set()
        self._dtls.send_report(bytes(RtcpByePacket(sources=[self.sender.ssrc])))
        for stop in (*((self._sctp.stop,) if self._sctp else ()), self._dtls.stop, self._ice.close):
            with contextlib.suppress(TimeoutError, ConnectionError):
                async with asyncio.timeout(CLOSE_S):
                    await stop()
        self._dtls.remove_all_listeners()

    async def _connect(self) -> None:
        await self._ice.connect()
        prints = [RTCDtlsFingerprint(name, value) for name, value in self._offer.fingerprints]
        await self._dtls.start(RTCDtlsParameters(fingerprints=prints))
        if self._dtls.state != "connected":
            msg = "its encryption (DTLS) failed"
            raise ConnectionError(msg)
        if self._sctp:
            self._sctp.on("datachannel", self._on_channel)
            await self._sctp.start(None, self._offer.sctp_port)

    def _send(self, packets: Sequence[bytes]) -> int:
        return self._ice.send_burst(self._dtls.protect(packets))

    def _on_rtcp(self, packet: AnyRtcpPacket) -> None:
        self.sender.handle(packet)

    def _on_dtls_state(self) -> None:
        if self._dtls.state in {"closed", "failed"}:
            self._gone.set()

    def _on_channel(self, channel: RTCDataChannel) -> None:
        self._channel = channel

        @channel.on("message")
        def on_message(message: str | bytes) -> None:
            if isinstance(message, str):
                self._on_message(message)


class _DtlsTransport(RTCDtlsTransport):
    """aiortc's DTLS, of which we use the handshake, the keys and the data channel's way."""

    def __init__(
        self, ice: IceTransport, certificate: RTCCertificate, on_rtcp: Callable[[AnyRtcpPacket], None]
    ) -> None:
        super().__init__(ice, [certificate])  # type: ignore[arg-type]  # it needs role, _recv and _send
        self._ice = ice
        self._on_rtcp = on_rtcp

    def protect(self, packets: Sequence[bytes]) -> list[bytes]:
        """Encrypt; nothing comes out before the keys are there."""
        protect = self._tx_srtp.protect if self._tx_srtp else None
        return [protect(packet) for packet in packets] if protect else []

    def send_report(self, report: bytes) -> None:
        """Send RTCP."""
        if self._tx_srtp:
            self._ice.send_burst([self._tx_srtp.protect_rtcp(report)])

    async def _handle_rtcp_data(self, data: bytes) -> None:
        with contextlib.suppress(ValueError):
            for packet in RtcpPacket.parse(data):
                self._on_rtcp(packet)

    async def _handle_rtp_data(self, data: bytes, arrival_time_ms: int) -> None:
        """Nobody may send us pictures."""


class _Certificates:
    ours: RTCCertificate | None = None


def _certificate() -> RTCCertificate:
    """One for the life of the process: making it takes as long as half a handshake."""
    if _Certificates.ours is None:
        _Certificates.ours = RTCCertificate.generateCertificate()
    return _Certificates.ours
