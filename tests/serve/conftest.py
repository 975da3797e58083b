"""The demo's scene as a camera, the daemon on it, and who watches."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
import pytest
import pytest_asyncio

from tests.parts.browser import Browser
from tests.parts.daemon import EdgedProcess
from tests.parts.rtsp_server import RtspServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

DATA = Path(str(files("edged") / "demo" / "data"))
MODEL = DATA / "edged-demo.onnx"
STREET = DATA / "street.mp4"


def config(cameras: dict[str, str]) -> str:
    """A daemon without a broker; each camera by its keys."""
    parts = ["[mqtt]", "enabled = false", "[model]", f'file = "{MODEL}"']
    for camera_id, keys in cameras.items():
        parts += [f"[cameras.{camera_id}]", keys]
    return "\n".join(parts)


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RtspServer]:
    """The street of the demo as a camera on the network, ``cam``."""
    with RtspServer({"cam": STREET}, tmp_path_factory.mktemp("street")) as server:
        yield server


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory, street: RtspServer) -> Iterator[EdgedProcess]:
    """A daemon that streams ``front``; nobody watches when a test begins."""
    with EdgedProcess(
        tmp_path_factory.mktemp("daemon"), config({"front": f'url = "{street.url("cam")}"'})
    ) as process:
        process.wait_for_camera("front", state="streaming")
        yield process


@pytest_asyncio.fixture
async def browser(tmp_path: Path) -> AsyncIterator[Browser]:
    async with Browser(tmp_path / "browser") as made:
        yield made


@pytest_asyncio.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        yield session
