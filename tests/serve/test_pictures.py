"""Pictures by themselves: newest, in the size wanted, encoded once, and a slow series of them."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, cast

import cv2
import numpy as np
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from edged.config import WebRtcSettings
from edged.core.jpeg import encode
from edged.core.types import CameraState, CameraStatus, Frame, TrackedFrame
from edged.serve import pictures
from tests.detect.synthetic import ArrayPicture
from tests.parts.daemon import EdgedProcess
from tests.parts.waiting import until
from tests.serve.conftest import config

if TYPE_CHECKING:
    from pathlib import Path

    import aiohttp
    from numpy.typing import NDArray

    from edged.camera import Camera
    from tests.parts.rtsp_server import RtspServer


def url(daemon: EdgedProcess, what: str = "frame.jpg") -> str:
    return f"http://127.0.0.1:{daemon.http_port}/api/v1/cameras/front/{what}"


def decoded(jpeg: bytes) -> NDArray[np.uint8]:
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    return np.asarray(picture, np.uint8)


async def picture(http: aiohttp.ClientSession, address: str) -> NDArray[np.uint8]:
    async with http.get(address) as response:
        assert response.status == 200, await response.text()
        assert response.content_type == "image/jpeg"
        return decoded(await response.read())


async def test_frames_in_the_size_and_quality_wanted(
    daemon: EdgedProcess, http: aiohttp.ClientSession
) -> None:
    await until(lambda: daemon.camera("front")["fps_detected"] > 0, 5, "detection runs")
    assert (await picture(http, url(daemon))).shape == (540, 960, 3)
    assert (await picture(http, url(daemon, "frame.jpg?width=321"))).shape == (180, 320, 3)
    assert (await picture(http, url(daemon, "frame.jpg?width=5000"))).shape == (540, 960, 3)
    assert (await picture(http, url(daemon, "frame.jpg?boxes=1&quality=40"))).shape == (540, 960, 3)
    for wrong in ("width=0", "width=x", "quality=101", "boxes=2", "width=99999999999999999999"):
        async with http.get(url(daemon, f"frame.jpg?{wrong}")) as response:
            assert response.status == 400
            assert wrong.split("=")[0] in await response.text()


@pytest.mark.parametrize("detect", ["", "detect.enabled = false"])
async def test_who_has_the_picture_gets_it_not_again(
    tmp_path: Path, street: RtspServer, http: aiohttp.ClientSession, detect: str
) -> None:
    keys = f'url = "{street.url("cam")}"\n{detect}'
    with EdgedProcess(tmp_path, config({"front": keys})) as daemon:
        daemon.wait_for_camera("front", state="streaming")
        seen = set()
        for _ in range(4):
            async with http.get(url(daemon)) as response:
                assert response.status == 200
                tag = response.headers["ETag"]
            async with http.get(url(daemon), headers={"If-None-Match": tag}) as response:
                seen.add(response.status)
        assert 304 in seen
        async with http.get(url(daemon), headers={"If-None-Match": '"other"'}) as response:
            assert response.status == 200
            assert decoded(await response.read()).shape == (540, 960, 3)


async def test_a_camera_that_is_down_has_no_picture(tmp_path: Path, http: aiohttp.ClientSession) -> None:
    with EdgedProcess(tmp_path, config({"front": 'url = "rtsp://127.0.0.1:1/x"'})) as daemon:
        async with http.get(url(daemon)) as response:
            assert response.status == 503
            assert "camera front: " in await response.text()
            assert response.headers["Retry-After"]


async def test_the_series_is_limited_in_rate(daemon: EdgedProcess, http: aiohttp.ClientSession) -> None:
    async with http.get(url(daemon, "stream.mjpeg?width=320")) as response:
        assert response.content_type == "multipart/x-mixed-replace"
        data = b""
        began_s = asyncio.get_running_loop().time()
        while data.count(b"--frame") < 11:
            data += await asyncio.wait_for(response.content.readany(), 5)
        lasted_s = asyncio.get_running_loop().time() - began_s
    assert 1.6 < lasted_s < 4.0  # ten periods of 0.2 s, the first pictures perhaps in a burst
    parts = data.split(b"\r\n\r\n")
    assert decoded(parts[1].split(b"\r\n--frame")[0]).shape == (180, 320, 3)


class StillCamera:
    """A camera whose newest detection is a moment old and stays so."""

    camera_id = "front"
    status = CameraStatus(CameraState.STREAMING, "pictures arrive", 0.0)

    def __init__(self) -> None:
        still = ArrayPicture(np.zeros((90, 160, 3), np.uint8))
        frame = Frame(still, 1, 1000.0, time.monotonic() + 3600)
        self.last = TrackedFrame("front", frame, (), (), latency_ms=1.0, fps=5.0)


async def test_a_picture_is_encoded_once_for_all_who_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    encoded: list[int] = []

    def counted(picture: NDArray[np.uint8], quality: int) -> bytes:
        encoded.append(quality)
        return encode(picture, quality)

    monkeypatch.setattr(pictures, "encode", counted)
    cameras = {"front": cast("Camera", StillCamera())}
    app = web.Application()
    app.add_routes(pictures.Pictures(WebRtcSettings(), lambda: cameras).routes())
    async with TestClient(TestServer(app)) as client:

        async def ask(quality: int) -> bytes:
            response = await client.get(f"/api/v1/cameras/front/frame.jpg?quality={quality}")
            assert response.status == 200
            return await response.read()

        answers = await asyncio.gather(*(ask(quality) for quality in (50, 90) for _ in range(40)))
    assert sorted(encoded) == [50, 90]
    assert len(set(answers)) == 2
