"""The demo's own MQTT broker: mosquitto where it is installed, otherwise amqtt, which is pure Python."""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import sys
import time
from typing import TYPE_CHECKING

from edged.core.errors import DemoError
from edged.demo.child import Child
from edged.demo.folder import write

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

HOST = "127.0.0.1"
SBIN = "/usr/local/sbin:/usr/sbin"  # where Debian has mosquitto, and where ordinary users do not look
START_TIMEOUT_S = 20.0
POLL_S = 0.02


def free_port() -> int:
    """Return a port of the loopback address that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def start_broker(port: int, folder: Path, environ: Mapping[str, str]) -> Child:
    """Start a broker on ``port`` that keeps nothing on disk, and return it when it listens."""
    if _is_listening(port):
        msg = f"demo: {HOST}:{port} is taken by another program: run it again, and it takes another port"
        raise DemoError(msg)
    broker = _mosquitto(port, folder, environ) or _amqtt(port, environ)
    if broker is None:
        msg = "demo: no MQTT broker here: apt-get install mosquitto, or pip install 'edged[demo]'"
        raise DemoError(msg)
    try:
        _wait_until_listening(broker, port)
    except BaseException:
        broker.stop(0.0)
        raise
    return broker


def _mosquitto(port: int, folder: Path, environ: Mapping[str, str]) -> Child | None:
    path = shutil.which("mosquitto", path=f"{os.environ.get('PATH', os.defpath)}:{SBIN}")
    if path is None:
        return None
    config = f"listener {port} {HOST}\nallow_anonymous true\npersistence false\n"
    file = write(folder / "mosquitto.conf", config)
    return Child("mosquitto", [path, "-c", str(file)], environ)


def _amqtt(port: int, environ: Mapping[str, str]) -> Child | None:
    if importlib.util.find_spec("amqtt") is None:
        return None
    return Child("amqtt", [sys.executable, "-m", "edged.demo.python_broker", str(port)], environ)


def _wait_until_listening(broker: Child, port: int) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        broker.must_run()
        if _is_listening(port):
            return
        time.sleep(POLL_S)
    broker.fail(f"does not listen on {HOST}:{port} after {START_TIMEOUT_S:g} s")


def _is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0
