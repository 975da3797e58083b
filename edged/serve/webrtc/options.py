"""The ways to viewers, as the configuration has them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class IceServer:
    """A STUN or TURN server, which the box and its viewers may ask."""

    url: str
    username: str | None = None
    credential: str | None = None


@dataclass(frozen=True, slots=True)
class IceOptions:
    """Where viewers may reach us; no addresses: every one that the box has."""

    addresses: tuple[str, ...] = ()
    ports: tuple[int, int] | None = None
    servers: tuple[IceServer, ...] = ()
