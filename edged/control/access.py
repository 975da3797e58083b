"""Who is at the other end of the socket, and what that one may do."""

from __future__ import annotations

import grp
import os
import socket
import struct
from dataclasses import dataclass
from enum import Enum

GROUP = "edged"
_CREDENTIALS = struct.Struct("3i")  # struct ucred of unix(7): pid, uid, gid
_SO_PEERGROUPS = 59  # Linux 4.13; Python has no name for it
_MOST_GROUPS = 256  # what Python gives a buffer for


class Access(Enum):
    """What a client may do."""

    NOTHING = "nothing"
    READ = "read"
    CHANGE = "change"


@dataclass(frozen=True, slots=True)
class Peer:
    """The process that connected, as the kernel vouches for it."""

    pid: int
    uid: int
    groups: frozenset[int]


def peer_of(connection: socket.socket) -> Peer:
    """Return who had opened the connection."""
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid, uid, gid = _CREDENTIALS.unpack(raw)
    try:
        more = connection.getsockopt(socket.SOL_SOCKET, _SO_PEERGROUPS, 4 * _MOST_GROUPS)
    except OSError:  # it is in more groups than that: only the first counts
        more = b""
    return Peer(pid, uid, frozenset({gid, *struct.unpack(f"{len(more) // 4}I", more)}))


def access_of(peer: Peer, group_id: int | None, *, others: Access) -> Access:
    """Let root, the daemon's own user and the group change things; ``others`` is for everybody else."""
    if peer.uid in {0, os.geteuid()} or group_id in peer.groups:
        return Access.CHANGE
    return others


def group_id() -> int | None:
    """Return the group whose members may change things; None where the system has none."""
    try:
        return grp.getgrnam(GROUP).gr_gid
    except KeyError:
        return None
