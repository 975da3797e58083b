"""Many datagrams to one address in as few system calls as the kernel allows (UDP segmentation offload)."""

from __future__ import annotations

import errno
import logging
import socket
import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

log = logging.getLogger(__name__)

UDP_SEGMENT = 103  # linux/udp.h
MAX_SEGMENTS = 44  # with the largest segments just below the 64 KiB of one UDP datagram
# Answers of kernels and network cards that cannot segment.
_NOT_POSSIBLE = frozenset({errno.EINVAL, errno.EIO, errno.ENOPROTOOPT, errno.EOPNOTSUPP})


class _Segmentation:
    is_possible = True


def send_burst(own: socket.socket, datagrams: Sequence[bytes], address: tuple[str, int]) -> int:
    """Send in order without waiting; returns how many could not be sent."""
    unsent = 0
    for run in _runs(datagrams):
        if len(run) > 1 and _Segmentation.is_possible:
            unsent += _send_run(own, run, address)
        else:
            unsent += sum(not _send(own, datagram, address) for datagram in run)
    return unsent


def _runs(datagrams: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    """Split into runs of equal size, of which the last member may be shorter."""
    start = 0
    for index in range(1, len(datagrams) + 1):
        is_end = index == len(datagrams)
        is_full = index - start == MAX_SEGMENTS
        is_short = len(datagrams[index - 1]) < len(datagrams[start])
        if is_end or is_full or is_short or len(datagrams[index]) > len(datagrams[start]):
            yield datagrams[start:index]
            start = index


def _send_run(own: socket.socket, run: Sequence[bytes], address: tuple[str, int]) -> int:
    segment = struct.pack("=H", len(run[0]))
    try:
        own.sendmsg(run, [(socket.SOL_UDP, UDP_SEGMENT, segment)], 0, address)
    except OSError as error:
        if error.errno in _NOT_POSSIBLE:
            log.info("this kernel sends datagrams one by one (%s)", error.strerror)
            _Segmentation.is_possible = False
            return sum(not _send(own, datagram, address) for datagram in run)
        return len(run)
    return 0


def _send(own: socket.socket, datagram: bytes, address: tuple[str, int]) -> bool:
    try:
        own.sendto(datagram, address)
    except OSError:
        return False
    return True
