"""Who watches what: opens a camera's stream for the first viewer and lets go of it after the last."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import logging
import secrets
from typing import TYPE_CHECKING

from edged.core.types import CameraState
from edged.serve.tracks import TrackNews
from edged.serve.webrtc.options import IceOptions, IceServer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from edged.camera import Camera
    from edged.config import WebRtcSettings
    from edged.core.types import CameraStatus, Event, Frame, TrackedFrame
    from edged.serve.broadcast import Broadcast
    from edged.serve.quality import Wish
    from edged.serve.session import Session
    from edged.serve.webrtc.sdp import Offer

log = logging.getLogger(__name__)

PROFILE_S = 1.0
"""How long an answer waits for a stream that opens only now, to be honest about its profile."""
CLOSE_S = 3.0


class TooManyViewersError(Exception):
    """There is no room for one more; the text says for whom there is."""


class SwitchedOffError(Exception):
    """The configuration switches the camera off."""


class Live:
    """Every session of every camera; used in the loop, but for ``on_tracked``, which any thread may call.

    ``cameras`` returns those that run now. A session belongs to one of them and ends with it.
    """

    def __init__(
        self,
        settings: WebRtcSettings,
        cameras: Callable[[], Mapping[str, Camera]],
        is_box_overloaded: Callable[[], bool],
    ) -> None:
        self._settings = settings
        self._is_box_overloaded = is_box_overloaded
        self._cameras = cameras
        self._ice = ice_options(settings)
        self._broadcasts: dict[str, Broadcast] = {}
        self._sessions: dict[str, Session] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.tracks = TrackNews()

    def viewers(self, camera_id: str) -> int:
        """How many watch a camera."""
        return sum(session.camera_id == camera_id for session in self._sessions.values())

    def how(self, camera_id: str) -> str | None:
        """Say how the camera's pictures go out now; None while nobody watches."""
        broadcast = self._broadcasts.get(camera_id)
        return broadcast.how if broadcast else None

    def session(self, session_id: str) -> Session | None:
        """A session that has not ended."""
        return self._sessions.get(session_id)

    async def warm_up(self) -> None:
        """Load what sends video; a box that nobody watches is spared its 20 MB."""
        for name in ("edged.serve.session", "edged.serve.broadcast"):
            await asyncio.to_thread(importlib.import_module, name)

    async def open(self, camera: Camera, offer: Offer, wish: Wish, *, is_local: bool) -> tuple[Session, str]:
        """Begin a session; returns it with its answer. Raises TooManyViewersError and SdpError."""
        await self.warm_up()
        from edged.serve.session import Session  # noqa: PLC0415 - see warm_up

        self._check_room(camera)
        session = Session(secrets.token_urlsafe(16), camera.camera_id, wish, self._is_box_overloaded)
        self._sessions[session.session_id] = session
        broadcast = self._watched(camera)
        broadcast.users.add(session.session_id)
        try:
            await broadcast.wait_for_profile(PROFILE_S)
            answer = await session.answer(offer, broadcast, self._ice, is_local=is_local)
        except BaseException:
            await session.close()
            self._leave(session, broadcast)
            raise
        task = asyncio.create_task(self._run(session, broadcast), name=f"viewer-{session.session_id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return session, answer

    async def close(self) -> None:
        """End every session."""
        for session in self._sessions.values():
            session.end()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                while self._tasks:  # the last session of a camera leaves the task that closes its stream
                    await asyncio.wait(self._tasks)

    def end_sessions_of_gone_cameras(self) -> None:
        """Look whether each camera is still the one that was opened."""
        cameras = self._cameras()
        for session in self._sessions.values():
            broadcast = self._broadcasts.get(session.camera_id)
            if broadcast and cameras.get(session.camera_id) is not broadcast.camera:
                session.end()

    def on_tracked(self, tracked: TrackedFrame) -> None:
        """Tell who wants to know."""
        self.tracks.put(tracked)

    def on_event(self, event: Event, frame: Frame | None) -> None:
        """Nothing that a viewer is told."""

    def on_status(self, camera_id: str, status: CameraStatus) -> None:
        """Nothing that a viewer is told here: the page asks for the state of all cameras."""

    def _check_room(self, camera: Camera) -> None:
        if camera.status.state is CameraState.DISABLED:
            msg = f"camera {camera.camera_id} is switched off"
            raise SwitchedOffError(msg)
        most, here = self._settings.max_viewers, self._settings.max_viewers_per_camera
        if len(self._sessions) >= most:
            msg = f"{most} viewers watch already: webrtc.max_viewers"
            raise TooManyViewersError(msg)
        if self.viewers(camera.camera_id) >= here:
            msg = f"{here} viewers watch {camera.camera_id} already: webrtc.max_viewers_per_camera"
            raise TooManyViewersError(msg)

    def _watched(self, camera: Camera) -> Broadcast:
        from edged.serve.broadcast import Broadcast  # noqa: PLC0415 - see warm_up

        broadcast = self._broadcasts.get(camera.camera_id)
        if broadcast is None or broadcast.camera is not camera:
            broadcast = self._broadcasts[camera.camera_id] = Broadcast(camera)
            broadcast.start()
        return broadcast

    async def _run(self, session: Session, broadcast: Broadcast) -> None:
        forget = self.tracks.subscribe(session.camera_id, session.tell_tracks)
        try:
            await session.run(broadcast)
        except ConnectionError as error:
            log.info("camera %s: a viewer is gone: %s", session.camera_id, error)
        except Exception:  # one viewer's trouble must not become that of others
            log.exception("camera %s: a viewer's session failed", session.camera_id)
        finally:
            forget()
            with contextlib.suppress(Exception):  # whatever is left of it, its place is free again
                await session.close()
            self._leave(session, broadcast)

    def _leave(self, session: Session, broadcast: Broadcast) -> None:
        self._sessions.pop(session.session_id, None)
        broadcast.users.discard(session.session_id)
        if broadcast.users:
            return
        if self._broadcasts.get(session.camera_id) is broadcast:
            del self._broadcasts[session.camera_id]
        task = asyncio.create_task(broadcast.stop())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def ice_options(settings: WebRtcSettings) -> IceOptions:
    """Return what the configuration says of the ways to viewers."""
    servers = [IceServer(settings.stun_server)] if settings.stun_server else []
    if settings.turn_server:
        password = settings.turn_password.get_secret_value() if settings.turn_password else None
        servers.append(IceServer(settings.turn_server, settings.turn_username, password))
    return IceOptions(settings.addresses or (), settings.udp_ports, tuple(servers))
