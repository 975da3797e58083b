"""A broker, a camera and a model for the whole daemon; the model and the scene are the product's own."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.parts.broker import Broker
from tests.parts.clips import ClipSpec
from tests.parts.rtsp_server import RtspServer
from tests.parts.subscriber import Subscriber

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DATA = Path(str(files("edged") / "demo" / "data"))
MODEL = DATA / "edged-demo.onnx"
STREET = DATA / "street.mp4"
BASE = "edged/test"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    folder = tmp_path / "broker"
    folder.mkdir()
    made = Broker(folder)
    made.start()
    yield made
    made.kill()


@pytest.fixture
def subscriber(broker: Broker) -> Iterator[Subscriber]:
    made = Subscriber(broker.port, f"{BASE}/#")
    yield made
    made.close()


@pytest.fixture
def street(tmp_path: Path) -> Iterator[RtspServer]:
    """The street of the demo as a camera on the network, ``cam``."""
    folder = tmp_path / "street"
    folder.mkdir()
    with RtspServer({"cam": STREET}, folder) as server:
        yield server


@pytest.fixture
def small_camera(clip: Callable[[ClipSpec], Path], tmp_path: Path) -> Iterator[RtspServer]:
    """A camera that costs little and shows nobody, ``cam``."""
    folder = tmp_path / "small"
    folder.mkdir()
    with RtspServer({"cam": clip(ClipSpec())}, folder) as server:
        yield server


def config(broker_port: int, cameras: dict[str, str], more: str = "", *, model: Path = MODEL) -> str:
    """Write a configuration: ``cameras`` are the lines of each camera's table."""
    tables = "\n".join(f"[cameras.{camera_id}]\n{lines}" for camera_id, lines in cameras.items())
    return f"""
[box]
id = "test"
[mqtt]
host = "127.0.0.1"
port = {broker_port}
[model]
file = "{model}"
{more}
{tables}
"""
