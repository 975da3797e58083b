from __future__ import annotations

import os
import socket

import pytest

from edged.control.access import Access, Peer, access_of, peer_of

STRANGER, GROUP = 54321, 777


def test_the_kernel_says_who_is_there() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX)
    with ours, theirs:
        peer = peer_of(ours)
    assert (peer.pid, peer.uid) == (os.getpid(), os.geteuid())
    assert peer.groups == {os.getegid(), *os.getgroups()}


@pytest.mark.parametrize(
    ("uid", "groups", "access"),
    [
        (0, {0}, Access.CHANGE),
        (os.geteuid(), {STRANGER}, Access.CHANGE),
        (STRANGER, {STRANGER, GROUP}, Access.CHANGE),
        (STRANGER, {STRANGER}, Access.READ),
    ],
)
def test_who_may_do_what(uid: int, groups: set[int], access: Access) -> None:
    peer = Peer(1, uid, frozenset(groups))
    assert access_of(peer, GROUP, others=Access.READ) is access


def test_without_the_group_nobody_is_in_it() -> None:
    peer = Peer(1, STRANGER, frozenset({STRANGER}))
    assert access_of(peer, None, others=Access.NOTHING) is Access.NOTHING
