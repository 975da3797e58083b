"""Any player by WHEP: answers, limits, leaving without a word, and what stays behind: nothing."""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest
from aiortc import RTCConfiguration, RTCPeerConnection

from tests.parts.daemon import EdgedProcess
from tests.parts.waiting import until, wait_for
from tests.parts.watcher import Watcher
from tests.serve.conftest import STREET, config

if TYPE_CHECKING:
    import aiohttp

    from tests.parts.rtsp_server import RtspServer

GST_VIEWER = Path(__file__).parents[1] / "parts" / "gst_viewer.py"
GST_PACKAGES = "gir1.2-gst-plugins-bad-1.0 gstreamer1.0-plugins-bad gstreamer1.0-nice"
SDP = {"Content-Type": "application/sdp"}
# Runs in the daemon before anything of its own: says how many tasks its loop has.
TASKS_ON_SIGNAL = """
import asyncio, signal, sys
def say(*_):
    print("tasks:", len(asyncio.all_tasks()), file=sys.stderr, flush=True)
signal.signal(signal.SIGUSR2, say)
"""


def whep(daemon: EdgedProcess, camera: str = "front") -> str:
    return f"http://127.0.0.1:{daemon.http_port}/whep/{camera}"


async def an_offer() -> str:
    """An offer that nobody stands behind."""
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    connection.addTransceiver("video", direction="recvonly")
    await connection.setLocalDescription(await connection.createOffer())
    sdp = connection.localDescription.sdp
    await connection.close()
    return sdp


async def viewers_are(daemon: EdgedProcess, number: int, timeout_s: float = 5.0) -> None:
    await until(lambda: daemon.camera("front")["viewers"] == number, timeout_s, f"{number} viewers in health")


async def test_a_player_gets_pictures_at_once_and_tracks_beside_them(
    daemon: EdgedProcess, http: aiohttp.ClientSession
) -> None:
    async with Watcher(http, whep(daemon), has_audio=True) as watcher:
        assert watcher.status == 201
        assert await watcher.wait_for_picture() < 1.5  # the key frames are 2 s apart
        await until(lambda: watcher.pictures > 50, 10, "what was there before is over")
        began_s, before = time.monotonic(), watcher.pictures
        await until(lambda: watcher.pictures > before + 50 and watcher.messages, 10, "pictures and tracks")
        rate = (watcher.pictures - before) / (time.monotonic() - began_s)
        assert rate == pytest.approx(25, rel=0.25)
        message = json.loads(watcher.messages[-1])
        assert message["camera_id"] == "front"
        assert abs(message["timestamp"] - time.time()) < 2
        assert daemon.camera("front")["live"] == "as the camera sends it"
        location = watcher.headers["Location"]
        assert watcher.headers["Etag"]
        assert watcher.headers["Content-Type"] == "application/sdp"  # it has no charset, and players compare
        async with http.delete(f"http://127.0.0.1:{daemon.http_port}{location}") as response:
            assert response.status == 200
        await viewers_are(daemon, 0)
        async with http.delete(f"http://127.0.0.1:{daemon.http_port}{location}") as response:
            assert response.status == 404


async def test_one_connection_to_the_camera_whatever_the_number_of_viewers(
    daemon: EdgedProcess, street: RtspServer, http: aiohttp.ClientSession
) -> None:
    async with Watcher(http, whep(daemon)) as first, Watcher(http, whep(daemon)) as second:
        await asyncio.gather(first.wait_for_picture(), second.wait_for_picture())
        assert daemon.camera("front")["viewers"] == 2
        assert street.clients == 1
    await viewers_are(daemon, 0)


async def test_the_stream_for_people_is_open_only_while_they_watch(
    tmp_path: Path, street: RtspServer, http: aiohttp.ClientSession
) -> None:
    keys = f'url = "{street.url("cam")}"\ndetect_url = "{street.url("cam")}?small"'
    with EdgedProcess(tmp_path, config({"front": keys})) as daemon:
        daemon.wait_for_camera("front", state="streaming")
        clients = street.clients
        async with Watcher(http, whep(daemon)) as watcher:
            await watcher.wait_for_picture()
            assert street.clients == clients + 1
        daemon.wait_for_line("disabled: stopped")
        await viewers_are(daemon, 0)


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [("hello", 400, "must begin with v=0"), ("v=0\r\n", 400, "m-sections"), ("x" * 100_000, 413, "")],
)
async def test_what_is_no_offer_is_refused_with_a_reason(
    daemon: EdgedProcess, http: aiohttp.ClientSession, body: str, status: int, reason: str
) -> None:
    async with http.post(whep(daemon), data=body) as response:
        assert response.status == 415
    async with http.post(whep(daemon), data=body, headers=SDP) as response:
        assert response.status == status
        assert reason in await response.text()
    async with http.post(whep(daemon, "cellar"), data=body, headers=SDP) as response:
        assert response.status in {404, 413}
    assert daemon.camera("front")["viewers"] == 0


async def test_there_is_room_for_so_many_and_no_more(
    tmp_path: Path, street: RtspServer, http: aiohttp.ClientSession
) -> None:
    limit = {"EDGED_WEBRTC__MAX_VIEWERS_PER_CAMERA": "1"}
    with EdgedProcess(tmp_path, config({"front": f'url = "{street.url("cam")}"'}), environ=limit) as daemon:
        daemon.wait_for_camera("front", state="streaming")
        async with Watcher(http, whep(daemon)) as first, Watcher(http, whep(daemon)) as second:
            assert first.status == 201
            assert second.status == 503
            assert "max_viewers_per_camera" in second.answer
            assert int(second.headers["Retry-After"]) > 0


async def test_who_hangs_up_before_it_is_connected_is_gone_at_once(
    daemon: EdgedProcess, http: aiohttp.ClientSession
) -> None:
    async with http.post(whep(daemon), data=await an_offer(), headers=SDP) as response:
        location = response.headers["Location"]
    assert daemon.camera("front")["viewers"] == 1
    await http.delete(f"http://127.0.0.1:{daemon.http_port}{location}")
    await viewers_are(daemon, 0, 3)


async def test_candidates_can_be_trickled(daemon: EdgedProcess, http: aiohttp.ClientSession) -> None:
    async with Watcher(http, whep(daemon)) as watcher:
        url = f"http://127.0.0.1:{daemon.http_port}{watcher.headers['Location']}"
        kind = {"Content-Type": "application/trickle-ice-sdpfrag"}
        fragment = (
            "a=candidate:1 1 udp 2 127.0.0.1 9 typ host\r\na=candidate:1 1 udp 2 x.local 9 typ host\r\n"
        )
        for headers, status in (
            ({**kind, "If-Match": watcher.headers["Etag"]}, 204),
            ({**kind, "If-Match": '"another"'}, 412),
            (SDP, 415),
        ):
            async with http.patch(url, data=fragment, headers=headers) as response:
                assert response.status == status
        await watcher.wait_for_picture()


@pytest.mark.slow
async def test_who_never_comes_or_dies_is_gone_within_fifteen_seconds(
    daemon: EdgedProcess, http: aiohttp.ClientSession
) -> None:
    async with http.post(whep(daemon), data=await an_offer(), headers=SDP) as response:
        assert response.status == 201
    watcher = Watcher(http, whep(daemon))
    await watcher.connect()
    await watcher.wait_for_picture()
    assert daemon.camera("front")["viewers"] == 2
    for transport in watcher._connection._RTCPeerConnection__iceTransports:  # type: ignore[attr-defined]
        for protocol in transport._connection._protocols:
            protocol.transport.abort()  # as a laptop that is shut: not a word more
    began_s = time.monotonic()
    await viewers_are(daemon, 0, 15)
    assert time.monotonic() - began_s < 15
    await watcher.leave()


async def test_rubbish_leaves_nothing_behind(daemon: EdgedProcess, http: aiohttp.ClientSession) -> None:
    process = psutil.Process(daemon.pid)

    async def ask(number: int) -> int:
        body = os.urandom(number) if number % 2 else f"v=0\r\nm=video {number}\r\n".encode()
        async with http.post(whep(daemon), data=body, headers=SDP) as response:
            return response.status

    assert await ask(1) == 400
    files, threads, memory = process.num_fds(), process.num_threads(), process.memory_info().rss
    for _ in range(10):
        assert set(await asyncio.gather(*(ask(number) for number in range(1, 101)))) == {400}
    async with http.post(whep(daemon), data=io.BytesIO(b"x" * 10_000_000), headers=SDP) as response:
        assert response.status == 413
    assert daemon.camera("front")["fps_detected"] == pytest.approx(5, abs=1)
    await until(lambda: process.num_fds() <= files + 120, 5, "connections are closed")
    assert process.num_threads() <= threads + 8
    assert process.memory_info().rss - memory < 30_000_000
    assert daemon.camera("front")["viewers"] == 0


@pytest.mark.slow
async def test_coming_and_going_leaves_nothing_behind(
    tmp_path: Path, street: RtspServer, http: aiohttp.ClientSession
) -> None:
    (tmp_path / "sitecustomize.py").write_text(TASKS_ON_SIGNAL)
    cameras, environ = {"front": f'url = "{street.url("cam")}"'}, {"PYTHONPATH": str(tmp_path)}
    with EdgedProcess(tmp_path, config(cameras), environ=environ) as daemon:
        daemon.wait_for_camera("front", state="streaming")
        process = psutil.Process(daemon.pid)

        async def come_and_go() -> None:
            async with Watcher(http, whep(daemon)) as watcher:
                await watcher.wait_for_picture()

        async def come_and_go_often(times: int) -> None:
            for _ in range(times // 4):
                await asyncio.gather(*(come_and_go() for _ in range(4)))
            await viewers_are(daemon, 0)

        def tasks() -> int:
            said = daemon.output.count("tasks: ")
            daemon.signal(signal.SIGUSR2)
            wait_for(lambda: daemon.output.count("tasks: ") > said, 5, "tasks are counted")
            return int(daemon.output.rpartition("tasks: ")[2].split()[0])

        await come_and_go_often(40)
        files, threads, memory = process.num_fds(), process.num_threads(), process.memory_info().rss
        before = tasks()
        await come_and_go_often(200)
        await until(lambda: process.num_fds() <= files + 2, 5, "file descriptors are flat")
        await until(lambda: tasks() <= before + 2, 5, "tasks are flat")
        assert process.num_threads() <= threads + 4  # of a pool that has a limit
        assert process.memory_info().rss - memory < 15_000_000


async def test_the_websocket_tells_the_same(daemon: EdgedProcess, http: aiohttp.ClientSession) -> None:
    url = f"http://127.0.0.1:{daemon.http_port}/ws/tracking/front"
    async with http.ws_connect(url) as socket:
        messages = [await socket.receive_json(timeout=5) for _ in range(5)]
    assert {message["camera_id"] for message in messages} == {"front"}
    assert [m["timestamp"] for m in messages] == sorted({m["timestamp"] for m in messages})


def test_the_clip_of_these_tests_has_key_frames_two_seconds_apart() -> None:
    """What the first test above stands on."""
    assert "every 2 s" in (STREET.parent / "README.md").read_text()


async def test_gstreamer_is_a_player_too(daemon: EdgedProcess) -> None:
    """Its certificate is RSA, which the active side of our DTLS would not accept."""
    command = ["/usr/bin/python3", str(GST_VIEWER), whep(daemon), "25"]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
    assert done.returncode != 77, f"{done.stdout.strip()}: apt-get install {GST_PACKAGES}"
    assert done.returncode == 0, done.stdout + done.stderr
