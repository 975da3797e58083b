"""One daemon on the demo's street for all tests of the API; each puts back what it changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.daemon.conftest import MODEL, STREET
from tests.parts.daemon import EdgedProcess

if TYPE_CHECKING:
    from collections.abc import Iterator

PASSWORD = "horse-battery"
TOKEN = "0123456789abcdef"


def config(*, readers: str = "group") -> str:
    """A camera that works, one that does not, and secrets."""
    return f"""
[box]
id = "test"
[mqtt]
enabled = false
password = "mqtt-secret"
[model]
file = "{MODEL}"
[control]
readers = "{readers}"
[detect]
confidence = 0.3
[cameras.street]
url = "{STREET}"
name = "The street"
zones.road.polygon = [[0.0, 0.5], [1.0, 0.5], [1.0, 0.8], [0.0, 0.8]]
lines.gate = {{ start = [0.5, 0.2], end = [0.5, 0.9] }}
[cameras.gone]
url = "rtsp://admin:{PASSWORD}@127.0.0.1:9/x"
"""


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EdgedProcess]:
    with EdgedProcess(tmp_path_factory.mktemp("control"), config()) as made:
        made.wait_for_camera("street", state="streaming")
        yield made
