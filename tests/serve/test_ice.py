"""Viewers are given the addresses and ports that the configuration allows."""

from __future__ import annotations

import socket

import pytest
from pydantic import SecretStr

from edged.config import WebRtcSettings
from edged.serve.live import ice_options
from edged.serve.webrtc.ice import IceTransport, remote_candidate
from edged.serve.webrtc.options import IceOptions, IceServer
from edged.serve.whep import ice_links
from tests.parts.broker import free_port


async def candidates(options: IceOptions, *, is_local: bool = False) -> list[tuple[str, int]]:
    transport = IceTransport(options, is_local=is_local)
    await transport.gather_candidates()
    found = [(each.host, each.port) for each in transport.local_candidates]
    await transport.close()
    return found


async def test_only_the_addresses_and_ports_of_the_configuration_are_used() -> None:
    first = free_port()
    options = IceOptions(("127.0.0.1",), (first, first + 3))
    ((host, port),) = await candidates(options)
    assert host == "127.0.0.1"
    assert first <= port <= first + 3


async def test_several_addresses_and_ipv6() -> None:
    wanted = ("127.0.0.1", "127.0.0.2", "::1")
    assert [host for host, _ in await candidates(IceOptions(wanted))] == list(wanted)


async def test_an_address_of_another_box_or_a_full_range_is_left_out() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        assert await candidates(IceOptions(("192.0.2.77", "127.0.0.1"), (port, port))) == []


async def test_loopback_is_offered_to_this_machine_alone() -> None:
    assert "127.0.0.1" in [host for host, _ in await candidates(IceOptions(), is_local=True)]
    assert "127.0.0.1" not in [host for host, _ in await candidates(IceOptions())]


@pytest.mark.parametrize(
    ("text", "is_good"),
    [
        ("1 1 udp 2 192.0.2.1 5000 typ host", True),
        ("1 1 UDP 2 2001:db8::1 5000 typ host", True),
        ("1 1 tcp 2 192.0.2.1 9 typ host tcptype active", False),
        ("1 1 udp 2 3f2c.local 5000 typ host", False),
        ("1 1 udp 2 192.0.2.1 999999 typ host", False),  # sendto raises OverflowError
        ("1 1 udp 2 192.0.2.1 0 typ host", False),
        ("1 1 udp 2 192.0.2.1 ² typ host", False),
        ("1 1 udp 2 example.org 5000 typ host", False),
        ("1 1 udp", False),
        ("", False),
    ],
)
def test_only_what_can_be_called_is_an_address_of_a_viewer(text: str, *, is_good: bool) -> None:
    assert (remote_candidate(text) is not None) is is_good


def test_servers_go_to_the_box_and_to_its_viewers() -> None:
    settings = WebRtcSettings(
        stun_server="stun:stun.example.org:3478",
        turn_server="turn:turn.example.org:3478?transport=udp",
        turn_username="edged",
        turn_password=SecretStr("secret"),
    )
    assert ice_options(settings).servers == (
        IceServer("stun:stun.example.org:3478"),
        IceServer("turn:turn.example.org:3478?transport=udp", "edged", "secret"),
    )
    stun, turn = ice_links(settings)
    assert stun == '<stun:stun.example.org:3478>; rel="ice-server"'
    assert 'username="edged"; credential="secret"' in turn
    transport = IceTransport(ice_options(settings), is_local=False)
    assert transport.stun_server == ("stun.example.org", 3478)
    assert transport.turn_server == ("turn.example.org", 3478)
