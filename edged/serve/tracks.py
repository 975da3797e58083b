"""The tracks payload for whoever watches: built once a pass, and only while somebody wants it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from edged.core.mailbox import LatestSlot
from edged.publish import payloads

if TYPE_CHECKING:
    from collections.abc import Callable

    from edged.core.types import TrackedFrame

    Listener = Callable[[str], None]


class TrackNews:
    """Takes passes from any thread and tells listeners in the loop; who is slow gets the newest only."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._slots: dict[str, LatestSlot[TrackedFrame]] = {}
        self._listeners: dict[str, tuple[Listener, ...]] = {}

    def subscribe(self, camera_id: str, listener: Listener) -> Callable[[], None]:
        """Call ``listener`` with each payload of a camera until the returned function is called."""
        if camera_id not in self._slots:
            self._slots[camera_id] = LatestSlot(lambda: self._wake(camera_id))
        self._listeners[camera_id] = (*self._listeners.get(camera_id, ()), listener)
        return lambda: self._forget(camera_id, listener)

    def put(self, tracked: TrackedFrame) -> None:
        """Take a pass of a camera."""
        if slot := self._slots.get(tracked.camera_id):
            slot.put(tracked)

    def _forget(self, camera_id: str, listener: Listener) -> None:
        left = tuple(each for each in self._listeners.get(camera_id, ()) if each != listener)
        self._listeners[camera_id] = left
        if not left:
            self._slots.pop(camera_id, None)
            del self._listeners[camera_id]

    def _wake(self, camera_id: str) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._tell, camera_id)

    def _tell(self, camera_id: str) -> None:
        slot = self._slots.get(camera_id)
        tracked = slot.take() if slot else None
        if tracked is None:
            return
        text = payloads.tracks(tracked).decode()
        for listener in self._listeners.get(camera_id, ()):
            listener(text)
