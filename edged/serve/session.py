"""One viewer of one camera, from the offer to the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edged.serve.viewer import Playback
from edged.serve.webrtc import Peer
from edged.serve.webrtc.sdp import choose_video

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edged.serve.broadcast import Broadcast
    from edged.serve.webrtc import IceOptions, Offer


class Session:
    """Connects one viewer and keeps it supplied."""

    def __init__(self, session_id: str, camera_id: str) -> None:
        self.session_id = session_id
        self.camera_id = camera_id
        self._peer: Peer | None = None
        self._playback: Playback | None = None
        self._broadcast: Broadcast | None = None

    async def answer(self, offer: Offer, broadcast: Broadcast, options: IceOptions, *, is_local: bool) -> str:
        """Answer the offer; raises UnsupportedOfferError where it asks for nothing that can be sent."""
        self._broadcast = broadcast
        self._peer = Peer(
            offer,
            choose_video(offer, broadcast.profile),
            options,
            is_local=is_local,
            on_message=self._on_message,
            on_key_frame_wanted=self._on_key_frame_wanted,
        )
        self._playback = Playback(self._peer)
        return await self._peer.answer()

    async def add_candidates(self, candidates: Sequence[str]) -> None:
        """Take what the viewer trickles."""
        if self._peer:
            await self._peer.add_candidates(candidates)

    async def run(self, broadcast: Broadcast) -> None:
        """Serve until the viewer is gone; raises ConnectionError when it never came."""
        peer, playback = self._peer, self._playback
        if peer is None or playback is None:
            return
        await peer.connect()
        broadcast.channel.add(playback)
        try:
            await peer.serve(self._on_second)
        finally:
            playback.end()
            broadcast.channel.remove(playback)

    def tell_tracks(self, text: str) -> None:
        """Pass on what is known of the newest frame."""
        if self._peer:
            self._peer.tell(text)

    def end(self) -> None:
        """Have ``run`` return soon."""
        if self._peer:
            self._peer.end()

    async def close(self) -> None:
        """Free the connection."""
        if self._peer:
            await self._peer.close()

    def _on_second(self) -> None:
        """Nothing is due."""

    def _on_message(self, text: str) -> None:
        """Nothing is asked for."""

    def _on_key_frame_wanted(self) -> None:
        if self._playback and self._broadcast:
            self._playback.begin_again(self._broadcast.channel.gop)
