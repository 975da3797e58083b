"""Viewers are given the addresses and ports that the configuration allows."""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr

from edged.config import WebRtcSettings
from edged.serve.live import ice_options
from edged.serve.webrtc.ice import IceTransport, remote_candidate
from edged.serve.webrtc.options import IceOptions, IceServer
from edged.serve.whep import ice_links
from tests.parts.broker import free_port
from tests.parts.daemon import EdgedProcess
from tests.parts.relay import PASSWORD, USERNAME, Relay
from tests.parts.waiting import until
from tests.parts.watcher import Watcher
from tests.serve.conftest import config

if TYPE_CHECKING:
    from pathlib import Path

    import aiohttp
    from aioice import Candidate

    from tests.parts.rtsp_server import RtspServer

LOOPBACK = ("127.0.0.1",)


async def gathered(options: IceOptions, *, is_local: bool = False) -> list[Candidate]:
    transport = IceTransport(options, is_local=is_local)
    await transport.gather_candidates()
    found = transport.local_candidates
    await transport.close()
    return found


async def candidates(options: IceOptions, *, is_local: bool = False) -> list[tuple[str, int]]:
    return [(each.host, each.port) for each in await gathered(options, is_local=is_local)]


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


async def test_stun_and_turn_tell_more_addresses_and_one_that_does_not_is_named_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "edged.serve.webrtc.ice")
    with Relay(tmp_path) as relay:
        stun = IceServer(relay.stun_url)
        right, wrong = (IceServer(relay.turn_url, USERNAME, word) for word in (PASSWORD, "guess"))
        found = await gathered(IceOptions(LOOPBACK, servers=(stun, right)))
        assert [each.type for each in found] == ["host", "srflx", "relay"]
        assert not caplog.messages
        for _ in range(2):
            found = await gathered(IceOptions(LOOPBACK, servers=(stun, wrong)))
            assert [each.type for each in found] == ["host", "srflx"]
        await gathered(IceOptions(LOOPBACK, servers=(right,)))
    refused, helps = caplog.messages
    assert f"TURN server 127.0.0.1:{relay.port} is of no help" in refused
    assert "Unauthorized" in refused
    assert helps.endswith("helps again")
    assert "guess" not in caplog.text


async def test_servers_that_are_away_do_not_hold_up_an_answer(caplog: pytest.LogCaptureFixture) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        servers = (IceServer(f"stun:{address}"), IceServer(f"turn:{address}", USERNAME, PASSWORD))
        async with asyncio.timeout(4):  # aioice alone takes 5 s
            assert [each.type for each in await gathered(IceOptions(LOOPBACK, servers=servers))] == ["host"]
    assert sorted(message.split(" server ")[0] for message in caplog.messages) == [
        "webrtc: STUN",
        "webrtc: TURN",
    ]
    assert all("no answer within 1.5 s" in message for message in caplog.messages)


async def test_a_viewer_whom_nothing_else_reaches_watches_over_the_relay(
    tmp_path: Path, street: RtspServer, http: aiohttp.ClientSession
) -> None:
    with Relay(tmp_path) as relay:
        environ = {
            "EDGED_WEBRTC__ADDRESSES": '["192.0.2.77"]',  # not ours: leaves no way but the relay
            "EDGED_WEBRTC__TURN_SERVER": relay.turn_url,
            "EDGED_WEBRTC__TURN_USERNAME": USERNAME,
            "EDGED_WEBRTC__TURN_PASSWORD": PASSWORD,
        }
        cameras = {"front": f'url = "{street.url("cam")}"'}
        with EdgedProcess(tmp_path, config(cameras), environ=environ) as daemon:
            daemon.wait_for_camera("front", state="streaming")
            async with Watcher(http, f"http://127.0.0.1:{daemon.http_port}/whep/front") as watcher:
                offered = [line for line in watcher.answer.splitlines() if line.startswith("a=candidate")]
                assert offered
                assert all(" typ relay " in line for line in offered)
                await watcher.wait_for_picture()
                await until(lambda: watcher.pictures > 50 and watcher.messages, 10, "pictures and tracks")
