"""One viewer of one camera, from the offer to the end."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING

from edged.core.types import Quality
from edged.serve.quality import LinkJudge, Wish, largest_within
from edged.serve.viewer import Playback
from edged.serve.webrtc.peer import Peer
from edged.serve.webrtc.sdp import choose_video

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from edged.serve.broadcast import Broadcast
    from edged.serve.webrtc.options import IceOptions
    from edged.serve.webrtc.sdp import Offer


MAX_MESSAGE_CHARACTERS = 256


class Session:
    """Connects one viewer and keeps it supplied; ``is_box_overloaded`` is asked every second."""

    def __init__(
        self, session_id: str, camera_id: str, wish: Wish, is_box_overloaded: Callable[[], bool]
    ) -> None:
        self.session_id = session_id
        self.camera_id = camera_id
        self._wish = wish
        self._is_box_overloaded = is_box_overloaded
        self._judge = LinkJudge()
        self._octets = 0
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
        broadcast.join(playback, self._quality(broadcast, self._judge.quality))
        try:
            await peer.serve(self._on_second)
        finally:
            playback.end()
            broadcast.leave(playback)

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

    def _quality(self, broadcast: Broadcast, link: Quality) -> Quality:
        """What to send: as wished, and under ``auto`` what the link and the wished limit let through."""
        wished = self._wish.quality or broadcast.camera.quality
        if wished is not Quality.AUTO:
            return wished
        if link is not Quality.AUTO:
            return link
        limit_bps, bitrate_bps = self._wish.max_bitrate_bps, broadcast.bitrate_bps()
        if limit_bps is not None and (bitrate_bps is None or bitrate_bps > limit_bps):
            return largest_within(limit_bps)
        return Quality.AUTO

    def _on_second(self) -> None:
        """Look how the link does, and whether it should get something else."""
        peer, playback, broadcast = self._peer, self._playback, self._broadcast
        if peer is None or playback is None or broadcast is None:
            return
        sent, self._octets = peer.sender.counts.octets - self._octets, peer.sender.counts.octets
        is_box_overloaded = self._is_box_overloaded()
        link = self._judge.judge(peer.sender.link, sent * 8, is_box_overloaded=is_box_overloaded)
        broadcast.join(playback, self._quality(broadcast, link))

    def _on_message(self, text: str) -> None:
        """Take another wish of the page: ``{"quality": "low"}``, or an empty one for the camera's default."""
        if len(text) > MAX_MESSAGE_CHARACTERS:
            return
        with contextlib.suppress(ValueError, TypeError, KeyError):
            wished = json.loads(text)["quality"]
            self._wish = Wish(Quality(wished) if wished else None, self._wish.max_bitrate_bps)
            self._judge = LinkJudge()
            self._on_second()

    def _on_key_frame_wanted(self) -> None:
        if self._playback and self._broadcast:
            self._broadcast.begin_again(self._playback)
