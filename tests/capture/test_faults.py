"""Cameras and networks that misbehave."""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import pytest

from edged.capture import CaptureOptions
from edged.core.types import CameraState
from tests.capture.conftest import STILL
from tests.parts.clips import ClipSpec
from tests.parts.fault_proxy import FaultProxy
from tests.parts.rtsp_server import RtspServer
from tests.parts.waiting import wait_for
from tests.parts.watching import Watcher

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from edged.core.types import Packet


@pytest.fixture
def proxy(cameras: RtspServer) -> Iterator[FaultProxy]:
    with FaultProxy(cameras.port) as proxy:
        yield proxy


@contextmanager
def server_that(answer: Callable[[socket.socket], None]) -> Iterator[int]:
    """A TCP server that gives each client to ``answer``; yields its port."""

    def serve() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            clients.append(client)
            with suppress(OSError):
                answer(client)

    clients: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)
        for client in clients:
            client.close()


def test_silent_without_fin_is_found_within_the_read_timeout(cameras: RtspServer, proxy: FaultProxy) -> None:
    options = CaptureOptions(cameras.url("plain", port=proxy.port), read_timeout_s=1)
    with Watcher(options) as watcher:
        watcher.wait_for_frames(3)
        proxy.faults.is_black_hole = True
        took_s = wait_for(lambda: CameraState.STALLED in watcher.states, 5, "stalled")
        assert 0.9 < took_s < 1.3
        assert watcher.wait_for_state(CameraState.STALLED).reason == "nothing came for 1 s"
        assert watcher.wait_for_state(CameraState.WAITING).next_try_s is not None
        proxy.faults.is_black_hole = False
        watcher.wait_for_frames(3)


def test_reset_connection_is_a_loss(cameras: RtspServer, proxy: FaultProxy) -> None:
    with Watcher(CaptureOptions(cameras.url("plain", port=proxy.port))) as watcher:
        watcher.wait_for_frames(3)
        proxy.reset()
        watcher.wait_for_state(CameraState.LOST)
        watcher.wait_for_frames(3)


def test_cut_connection_is_a_loss(cameras: RtspServer, proxy: FaultProxy) -> None:
    proxy.faults.cut_after_bytes = 20_000
    with Watcher(CaptureOptions(cameras.url("pattern", port=proxy.port))) as watcher:
        watcher.wait_for_state(CameraState.LOST)
        proxy.faults.cut_after_bytes = None
        watcher.wait_for_frames(3)


@pytest.mark.slow
def test_corrupted_stream_is_survived(cameras: RtspServer, proxy: FaultProxy) -> None:
    with Watcher(CaptureOptions(cameras.url("plain", port=proxy.port), read_timeout_s=2)) as watcher:
        watcher.wait_for_frames(3)
        proxy.faults.corrupt_every_bytes = 97
        wait_for(lambda: proxy.connections > 1 or watcher.stream.statistics().decode_errors > 0, 15, "damage")
        proxy.faults.corrupt_every_bytes = None
        watcher.wait_for_frames(10, 20)


def test_delay_shifts_nothing_but_the_latency(cameras: RtspServer, proxy: FaultProxy) -> None:
    proxy.faults.delay_s = 0.1
    with Watcher(CaptureOptions(cameras.url("plain", port=proxy.port))) as watcher:
        frames = watcher.wait_for_frames(30)  # a dozen come at once, having waited for the connection
        spacing_s = frames[-1].captured_monotonic_s - frames[19].captured_monotonic_s
        assert spacing_s == pytest.approx(10 / 25, abs=0.1)


def test_random_bytes_are_refused_with_a_reason() -> None:
    def answer(client: socket.socket) -> None:
        client.sendall(os.urandom(100_000))
        client.close()

    with server_that(answer) as port, Watcher(CaptureOptions(f"rtsp://127.0.0.1:{port}/x")) as watcher:
        assert watcher.wait_for_state(CameraState.WAITING).reason
        assert not watcher.frames


def test_camera_that_never_answers_is_given_up_after_the_open_timeout() -> None:
    with (
        server_that(lambda _client: None) as port,
        Watcher(CaptureOptions(f"rtsp://127.0.0.1:{port}/x", open_timeout_s=0.5)) as watcher,
    ):
        status = watcher.wait_for_state(CameraState.WAITING, 2)
        assert "0.5 s" in status.reason
        assert status.since_s - watcher.history[0].since_s < 0.8


def test_rtsps_takes_the_camera_s_own_certificate(cameras: RtspServer, tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=camera"]
    subprocess.run([*request, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    def decrypt(client: socket.socket) -> None:
        with (
            context.wrap_socket(client, server_side=True) as secure,
            socket.create_connection(("127.0.0.1", cameras.port)) as camera,
        ):
            threading.Thread(target=pump, args=(camera, secure), daemon=True).start()
            pump(secure, camera)

    with server_that(decrypt) as port, Watcher(CaptureOptions(f"rtsps://127.0.0.1:{port}/plain")) as watcher:
        watcher.wait_for_frames(3)


def pump(source: socket.socket, target: socket.socket) -> None:
    """Pass everything on until either side is gone."""
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)


def test_stop_while_connecting_is_quick() -> None:
    with server_that(lambda _client: None) as port:
        watcher = Watcher(CaptureOptions(f"rtsp://127.0.0.1:{port}/x", open_timeout_s=30))
        watcher.stream.start()
        watcher.wait_for_state(CameraState.CONNECTING)
        stopping = threading.Thread(target=watcher.stream.stop, args=(1.0,))
        stopping.start()
        assert wait_for(lambda: not stopping.is_alive(), 3, "the stop") < 1.5
        assert watcher.states[-1] is CameraState.DISABLED


def test_unknown_host_is_named() -> None:
    with Watcher(CaptureOptions("rtsp://admin:s3cret@camera.invalid/x")) as watcher:
        status = watcher.wait_for_state(CameraState.WAITING)
    assert "camera.invalid cannot be resolved" in status.reason


@pytest.mark.slow
def test_frozen_picture_is_found(clip: Callable[[ClipSpec], Path]) -> None:
    with Watcher(CaptureOptions(str(clip(STILL)), frozen_after_s=2), fps=5) as watcher:
        assert watcher.wait_for_state(CameraState.STALLED).reason == "the picture is frozen for 2 s"


@pytest.mark.slow
def test_moving_picture_is_not_frozen(clip: Callable[[ClipSpec], Path]) -> None:
    with Watcher(CaptureOptions(str(clip(ClipSpec())), frozen_after_s=1.5), fps=5) as watcher:
        watcher.wait_for_frames(12)
        assert CameraState.STALLED not in watcher.states


def test_undecodable_picture_is_found(undecodable_camera: RtspServer) -> None:
    options = CaptureOptions(undecodable_camera.url("cam"), read_timeout_s=1)
    with Watcher(options) as watcher:
        status = watcher.wait_for_state(CameraState.WAITING)
        assert "cannot be decoded" in status.reason
        assert watcher.stream.statistics().decode_errors > 0


def test_picture_that_becomes_undecodable_stalls(spoiling_camera: RtspServer) -> None:
    options = CaptureOptions(spoiling_camera.url("cam"), read_timeout_s=1)
    with Watcher(options) as watcher:
        watcher.wait_for_frames(3)
        assert "cannot be decoded" in watcher.wait_for_state(CameraState.STALLED).reason


def test_picture_that_stays_damaged_stalls(damaging_camera: RtspServer) -> None:
    options = CaptureOptions(damaging_camera.url("cam"), read_timeout_s=1)
    with Watcher(options) as watcher:
        watcher.wait_for_frames(3)
        assert "cannot be decoded" in watcher.wait_for_state(CameraState.STALLED).reason
        assert watcher.stream.statistics().decode_errors > 10


@pytest.fixture
def spot_checks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edged.capture.spotcheck.SPOT_CHECK_S", 0.5)


@pytest.mark.slow
@pytest.mark.usefixtures("spot_checks_often")
def test_frozen_picture_is_found_where_nobody_looks(clip: Callable[[ClipSpec], Path], tmp_path: Path) -> None:
    with (
        RtspServer({"cam": clip(STILL)}, tmp_path) as server,
        Watcher(CaptureOptions(server.url("cam"), frozen_after_s=2), fps=None) as watcher,
    ):
        assert watcher.wait_for_state(CameraState.STALLED).reason == "the picture is frozen for 2 s"


@pytest.mark.slow
@pytest.mark.usefixtures("spot_checks_often")
def test_undecodable_picture_is_found_where_nobody_looks(spoiling_camera: RtspServer) -> None:
    options = CaptureOptions(spoiling_camera.url("cam"), read_timeout_s=1)
    with Watcher(options, fps=None) as watcher:
        assert "cannot be decoded" in watcher.wait_for_state(CameraState.STALLED).reason


@pytest.mark.slow
@pytest.mark.usefixtures("spot_checks_often")
@pytest.mark.parametrize("mount", ["plain", "b_frames", "h265"])
def test_moving_picture_is_well_where_nobody_looks(cameras: RtspServer, mount: str) -> None:
    options = CaptureOptions(cameras.url(mount), read_timeout_s=1, frozen_after_s=1.5)
    with Watcher(options, fps=None) as watcher:
        packets: list[Packet] = []
        watcher.stream.subscribe_packets(packets.append)
        wait_for(lambda: sum(packet.is_key_frame for packet in packets) > 3, 10, "key frames")
        assert watcher.states == [CameraState.CONNECTING, CameraState.STREAMING]
