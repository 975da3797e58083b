"""The way to a viewer: aioice, on the addresses and ports that the configuration allows."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import logging
import os
import random
import socket
from typing import TYPE_CHECKING, Any, ClassVar

from aioice import Candidate, Connection
from aioice import ice as aioice_ice
from aioice.candidate import candidate_foundation, candidate_priority
from aioice.ice import StunProtocol, relayed_candidate, server_reflexive_candidate
from aiortc.rtcicetransport import candidate_to_aioice, parse_stun_turn_uri
from aiortc.sdp import candidate_from_sdp

from edged.serve.webrtc.burst import send_burst

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edged.serve.webrtc.options import IceOptions, IceServer

log = logging.getLogger(__name__)

# RFC 7675: a viewer that does not answer this often is gone. aioice's own values take half a minute.
aioice_ice.CONSENT_INTERVAL = 2
aioice_ice.CONSENT_FAILURES = 4

BUFFER_BYTES = 1 << 20
LOOPBACK = ("127.0.0.1",)
MAX_PORT = 65535
SERVER_S = 1.5
"""How long an answer waits for STUN and TURN: one that is away must not hold up every viewer for long."""


class IceTransport(Connection):
    """One ICE connection; also what aiortc's DTLS transport takes for its way out."""

    role = "controlled"

    def __init__(self, options: IceOptions, *, is_local: bool) -> None:
        super().__init__(ice_controlling=False, **_servers(options.servers))
        self._options = options
        self._is_local = is_local
        self._sockets: dict[StunProtocol, socket.socket] = {}
        self._recv = self.recv
        self._send = self.send

    async def get_component_candidates(
        self,
        component: int,
        addresses: list[str],
        timeout: int = 5,  # noqa: ARG002, ASYNC109 - aioice calls it so
    ) -> list[Candidate]:
        """Offer our addresses, what a STUN server says they look like from outside, and a TURN server's."""
        # A viewer on this very machine must find us even where no network is up.
        wanted = self._options.addresses or (*addresses, *(LOOPBACK if self._is_local else ()))
        protocols = [each for address in wanted if (each := await self._listen(address, component))]
        self._protocols += protocols
        own = [each.local_candidate for each in protocols]
        return [*own, *await self._ask_servers(component, protocols)]

    def send_burst(self, datagrams: Sequence[bytes]) -> int:
        """Send all at once to where the viewer is; returns how many could not go out."""
        pair = self._nominated.get(1)
        if pair is None:
            return len(datagrams)
        if own := self._sockets.get(pair.protocol):
            return send_burst(own, datagrams, pair.remote_addr)
        for datagram in datagrams:  # over the relay
            pair.protocol.transport.sendto(datagram, pair.remote_addr)
        return 0

    async def _listen(self, address: str, component: int) -> StunProtocol | None:
        own = _bound_socket(address, self._options.ports)
        if own is None:
            return None
        own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
        own.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER_BYTES)
        loop = asyncio.get_running_loop()
        _, protocol = await loop.create_datagram_endpoint(lambda: StunProtocol(self), sock=own)
        self._sockets[protocol] = own
        host, port = own.getsockname()[:2]
        protocol.local_candidate = Candidate(
            foundation=candidate_foundation("host", "udp", host),
            component=component,
            transport="udp",
            priority=candidate_priority(component, "host"),
            host=host,
            port=port,
            type="host",
        )
        return protocol

    async def _ask_servers(self, component: int, protocols: list[StunProtocol]) -> list[Candidate]:
        """Ask STUN and TURN at once for more addresses, and go without what they do not tell soon."""
        asked: dict[asyncio.Task[tuple[Candidate, StunProtocol | None]], str] = {}
        if stun := self.stun_server:
            asked |= {
                asyncio.create_task(server_reflexive_candidate(each, stun)): "STUN server {}:{}".format(*stun)
                for each in protocols
                if self._is_seen_from_outside(each.local_candidate.host)
            }
        if turn := self.turn_server:
            asked[asyncio.create_task(self._relayed(component, turn))] = "TURN server {}:{}".format(*turn)
        if not asked:
            return []
        done, pending = await asyncio.wait(asked, timeout=SERVER_S)
        for task in pending:
            task.cancel()
        found = {task: task.result() for task in asked if task in done and not task.exception()}
        self._protocols += [relay for _, relay in found.values() if relay]
        for name in set(asked.values()):
            tasks = [task for task in asked if asked[task] == name]
            _note(name, None if any(task in found for task in tasks) else _why(tasks[0]))
        return [candidate for candidate, _ in found.values()]

    def _is_seen_from_outside(self, host: str) -> bool:
        if host in LOOPBACK and host not in self._options.addresses:
            return False
        return ipaddress.ip_address(host).version == 4  # noqa: PLR2004 - as aioice

    async def _relayed(self, component: int, server: tuple[str, int]) -> tuple[Candidate, StunProtocol]:
        return await relayed_candidate(
            component=component,
            hide_related_address=False,
            protocol_factory=lambda: StunProtocol(self),
            turn_server=server,
            turn_username=self.turn_username,
            turn_password=self.turn_password,
            turn_ssl=self.turn_ssl,
            turn_transport=self.turn_transport,
        )


class _Unhelpful:
    """Servers that were of no help last time: each is named in the log when it begins and when it ends."""

    names: ClassVar[set[str]] = set()


def _note(name: str, why: str | None) -> None:
    if why and name not in _Unhelpful.names:
        _Unhelpful.names.add(name)
        log.warning("webrtc: %s is of no help to viewers: %s", name, why)
    elif not why and name in _Unhelpful.names:
        _Unhelpful.names.discard(name)
        log.info("webrtc: %s helps again", name)


def _why(task: asyncio.Task[Any]) -> str:
    if not task.done():
        return f"no answer within {SERVER_S:g} s"
    error = task.exception()
    # asyncio's own text repeats the address; a name that is not known has no error number of the system.
    number = (error.errno if isinstance(error, OSError) else None) or 0
    return os.strerror(number) if number in errno.errorcode else str(error)


def remote_candidate(text: str) -> Candidate | None:
    """Return an address of a viewer, None where it is malformed or cannot be called over UDP.

    Those under a name (mDNS) show themselves when they call.
    """
    try:
        candidate = candidate_to_aioice(candidate_from_sdp(text))
        ipaddress.ip_address(candidate.host)
    except (ValueError, IndexError, AssertionError):
        return None
    return candidate if candidate.transport.lower() == "udp" and 0 < candidate.port <= MAX_PORT else None


def _servers(servers: Sequence[IceServer]) -> dict[str, Any]:
    """The first STUN and the first TURN server, as aioice wants them."""
    found: dict[str, Any] = {}
    for server in servers:
        uri = parse_stun_turn_uri(server.url)
        address = (uri["host"], uri["port"])
        if uri["scheme"] == "stun":
            found.setdefault("stun_server", address)
        elif uri["scheme"] in {"turn", "turns"} and "turn_server" not in found:
            found |= {
                "turn_server": address,
                "turn_ssl": uri["scheme"] == "turns",
                "turn_transport": uri["transport"],
                "turn_username": server.username,
                "turn_password": server.credential,
            }
    return found


def _bound_socket(address: str, ports: tuple[int, int] | None) -> socket.socket | None:
    """A socket on a free port of the range; None where there is none or the address is not ours."""
    first, last = ports or (0, 0)
    candidates = random.sample(range(first, last + 1), last + 1 - first)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    own = socket.socket(family, socket.SOCK_DGRAM)
    own.setblocking(False)
    for port in candidates:
        try:
            own.bind((address, port))
        except OSError:
            continue
        return own
    own.close()
    return None
