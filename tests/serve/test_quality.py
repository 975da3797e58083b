"""What is sent fits the viewer: what browsers cannot show is encoded again, and links get what they carry."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest

from edged.core.types import Quality, Size
from edged.serve.encoder import fitted
from edged.serve.quality import LinkJudge, largest_within
from edged.serve.webrtc.rtp import LinkReport
from tests.parts.clips import ClipSpec
from tests.parts.control import ask
from tests.parts.daemon import EdgedProcess
from tests.parts.rtsp_server import RtspServer
from tests.parts.waiting import until
from tests.parts.watcher import Watcher
from tests.serve.conftest import config

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import aiohttp

LOSSY, CLEAN = LinkReport(loss=0.3), LinkReport()


def judged(judge: LinkJudge, link: LinkReport, seconds: int, *, overloaded: bool = False) -> Quality:
    for _ in range(seconds):
        judge.judge(link, 2_000_000, is_box_overloaded=overloaded)
    return judge.quality


def test_a_link_that_loses_steps_down_and_comes_back() -> None:
    judge = LinkJudge()
    assert judged(judge, LOSSY, 5) is Quality.AUTO  # the first seconds say nothing
    assert judged(judge, LOSSY, 3) is Quality.MEDIUM
    assert judged(judge, LOSSY, 8) is Quality.LOW
    assert judged(judge, LOSSY, 100) is Quality.LOW
    assert judged(judge, CLEAN, 15) is Quality.MEDIUM
    assert judged(judge, CLEAN, 20) is Quality.AUTO


def test_a_link_that_is_too_small_is_not_tried_again_and_again() -> None:
    judge = LinkJudge()
    waits = []
    for _ in range(4):
        judged(judge, LOSSY, 8)
        waited = 0
        while judge.quality is not Quality.AUTO and waited < 400:
            judged(judge, CLEAN, 1)
            waited += 1
        waits.append(waited)
    assert waits == sorted(waits)
    assert waits[-1] > 3 * waits[0]


def test_an_overloaded_box_does_not_encode_on_top_of_that() -> None:
    judge = LinkJudge()
    assert judged(judge, LOSSY, 100, overloaded=True) is Quality.AUTO
    assert judged(judge, LOSSY, 2) is Quality.AUTO  # what was lost before does not count afterwards
    assert judged(judge, LOSSY, 1) is Quality.MEDIUM
    assert judged(judge, CLEAN, 60, overloaded=True) is Quality.AUTO  # up it may go: that is less work


def test_the_viewers_own_estimate_counts() -> None:
    assert judged(LinkJudge(), LinkReport(estimate_bps=1_000_000), 8) is Quality.MEDIUM
    assert judged(LinkJudge(), LinkReport(estimate_bps=1_900_000), 60) is Quality.AUTO


@pytest.mark.parametrize(
    ("limit", "quality"),
    [(100_000, "low"), (500_000, "low"), (1_499_999, "low"), (2_000_000, "medium"), (9_000_000, "high")],
)
def test_a_limit_picks_the_best_that_fits(limit: int, quality: str) -> None:
    assert largest_within(limit) is Quality(quality)


def test_sizes_are_even_and_never_enlarged() -> None:
    assert fitted(Size(1920, 1080), 640) == Size(640, 360)
    assert fitted(Size(321, 181), 640) == Size(320, 180)
    assert fitted(Size(2560, 1440), 1920) == Size(1920, 1080)


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        pytest.param(ClipSpec(b_frames=2), "B-frames", id="b-frames"),
        pytest.param(ClipSpec(codec="libx265"), "hevc", id="h265"),
    ],
)
async def test_what_browsers_cannot_show_is_encoded_again(
    tmp_path: Path, clip: Callable[[ClipSpec], Path], http: aiohttp.ClientSession, spec: ClipSpec, why: str
) -> None:
    with (
        RtspServer({"cam": clip(spec)}, tmp_path) as camera,
        EdgedProcess(tmp_path, config({"front": f'url = "{camera.url("cam")}"'})) as daemon,
    ):
        daemon.wait_for_camera("front", state="streaming")
        url = f"http://127.0.0.1:{daemon.http_port}/whep/front"
        async with Watcher(http, url) as watcher:
            await watcher.wait_for_picture()
            await until(lambda: watcher.pictures > 30, 10, "pictures")
            assert watcher.width == 320
            assert why in daemon.camera("front")["live"]
        await until(lambda: daemon.camera("front")["live"] is None, 5, "nothing is encoded any more")


@pytest.mark.parametrize(
    ("codec", "width", "live"),
    [
        pytest.param("libx264", 320, "as the camera sends it", id="fit"),
        pytest.param("libx265", 640, "as the camera sends it; encoded again: low", id="h265"),
    ],
)
async def test_the_small_stream_of_a_camera_is_its_low_quality(  # noqa: PLR0917 - fixtures
    tmp_path: Path,
    street: RtspServer,
    clip: Callable[[ClipSpec], Path],
    http: aiohttp.ClientSession,
    codec: str,
    width: int,
    live: str,
) -> None:
    with RtspServer({"small": clip(ClipSpec(codec=codec))}, tmp_path) as small:
        keys = f'url = "{street.url("cam")}"\ndetect_url = "{small.url("small")}"'
        with EdgedProcess(tmp_path, config({"front": keys})) as daemon:
            daemon.wait_for_camera("front", state="streaming")
            url = f"http://127.0.0.1:{daemon.http_port}/whep/front?quality=low"
            async with Watcher(http, url) as watcher:
                await watcher.wait_for_picture()
                await until(lambda: watcher.pictures > 10, 10, "pictures")
                assert watcher.width == width
                assert daemon.camera("front")["live"] == live
                assert small.clients == 1  # what detection looks at anyway


async def test_a_viewer_changes_its_wish_while_it_watches(
    daemon: EdgedProcess, http: aiohttp.ClientSession
) -> None:
    url = f"http://127.0.0.1:{daemon.http_port}/whep/front?quality=low"
    async with Watcher(http, url) as watcher:
        await watcher.wait_for_picture()
        assert watcher.width == 640
        assert "low" in daemon.camera("front")["live"]
        assert watcher.channel is not None
        await until(lambda: watcher.messages, 5, "the data channel is open")
        for rubbish in ("", "[]", "{}", '{"quality": "best"}', '{"quality": 3}', "x" * 1000):
            watcher.channel.send(rubbish)
        watcher.channel.send(json.dumps({"quality": "auto"}))
        await until(lambda: watcher.width == 960, 10, "the camera's own pictures")
        assert daemon.camera("front")["live"] == "as the camera sends it"


async def test_who_wishes_nothing_gets_what_the_camera_is_set_to(
    daemon: EdgedProcess, http: aiohttp.ClientSession
) -> None:
    site = f"http://127.0.0.1:{daemon.http_port}"
    async with (
        Watcher(http, f"{site}/whep/front") as watcher,
        Watcher(http, f"{site}/whep/front?quality=auto") as other,
    ):
        await watcher.wait_for_picture()
        assert watcher.width == 960
        await asyncio.to_thread(ask, daemon.socket, "/cameras/front/quality", {"value": "low"})
        await until(lambda: watcher.width == 640, 10, "the low preset")
        await other.wait_for_picture()
        assert other.width == 960
        await asyncio.to_thread(ask, daemon.socket, "/cameras/front/quality", {"value": "auto"})
        await until(lambda: watcher.width == 960, 10, "the camera's own pictures")


async def test_wishes_that_nobody_can_grant(daemon: EdgedProcess, http: aiohttp.ClientSession) -> None:
    headers = {"Content-Type": "application/sdp"}
    for query in ("quality=best", "max_bitrate=-1", "max_bitrate=", "max_bitrate=1e9"):
        url = f"http://127.0.0.1:{daemon.http_port}/whep/front?{query}"
        async with http.post(url, data="v=0", headers=headers) as response:
            assert response.status == 400
            assert query.split("=")[0] in await response.text()


async def test_a_limit_below_the_cameras_rate_is_kept(
    daemon: EdgedProcess, http: aiohttp.ClientSession
) -> None:
    url = f"http://127.0.0.1:{daemon.http_port}/whep/front?max_bitrate=300"
    async with Watcher(http, url) as watcher:
        await watcher.wait_for_picture()
        await until(lambda: watcher.width == 640, 5, "the low preset")
