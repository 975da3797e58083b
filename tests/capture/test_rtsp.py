"""Streams from a real RTSP server, well and ill."""

from __future__ import annotations

import itertools
import time
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from edged.capture import CaptureOptions
from edged.capture.annexb import units
from edged.capture.decoder import Decoder
from edged.core.types import CameraState, Packet, Size
from tests.capture.conftest import PLAIN, hold_back
from tests.parts.clips import ClipSpec, write_packet_file
from tests.parts.fault_proxy import FaultProxy
from tests.parts.rtsp_server import RtspServer
from tests.parts.waiting import wait_for
from tests.parts.watching import Watcher

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from av.packet import Packet as AvPacket
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

    from edged.capture.options import Transport


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_gives_frames_over(transport: Transport, cameras: RtspServer) -> None:
    with Watcher(CaptureOptions(cameras.url("plain"), transport=transport)) as watcher:
        frames = watcher.wait_for_frames(10)
        assert frames[0].size == Size(PLAIN.width, PLAIN.height)
        assert watcher.states == [CameraState.CONNECTING, CameraState.STREAMING]
        # The first picture comes without a time, so how far the second is behind it is a matter of luck.
        numbers = [frame.number for frame in frames[1:]]
        assert numbers == list(range(numbers[0], numbers[0] + 9))


@pytest.mark.parametrize("mount", ["b_frames", "h265", "pattern"])
def test_times_never_go_back_on(mount: str, cameras: RtspServer) -> None:
    with Watcher(CaptureOptions(cameras.url(mount))) as watcher:
        times = [frame.captured_monotonic_s for frame in watcher.wait_for_frames(30)]
        assert all(earlier <= later for earlier, later in itertools.pairwise(times))
        if mount != "pattern":  # that one is encoded as it goes, and may be late on a busy machine
            assert times[-1] - times[5] == pytest.approx(24 / 25, abs=0.05)


@pytest.mark.parametrize(
    ("spec", "transport"),
    [
        (ClipSpec(width=640, height=360, fps=50, qp=12), "udp"),
        (ClipSpec(width=640, height=360, fps=50, qp=12, slices=4), "tcp"),
        (ClipSpec(width=640, height=360, fps=50, qp=12, b_frames=2), "tcp"),
        (ClipSpec(width=640, height=360, fps=50, qp=2, codec="libx265"), "tcp"),
    ],
    ids=["fragments", "slices", "b-frames", "h265"],
)
def test_a_picture_does_not_wait_for_the_next(
    spec: ClipSpec, transport: Transport, clip: Callable[[ClipSpec], Path], tmp_path: Path
) -> None:
    path = write_packet_file(tmp_path / "held.packets", [clip(spec)])
    last = units(hold_back(path, from_number=90))
    with (
        RtspServer({"cam": {"packets": str(path)}}, tmp_path) as server,
        Watcher(
            CaptureOptions(server.url("cam"), transport=transport, read_timeout_s=3), fps=None
        ) as watcher,
    ):
        packets: list[Packet] = []
        watcher.stream.subscribe_packets(packets.append)
        wait_for(lambda: any(units(packet.data) == last for packet in packets), 8, "the last before the gap")
        assert CameraState.STALLED not in watcher.states  # which would have flushed it out
        server.kill()


def test_five_of_twenty_five_is_every_fifth(cameras: RtspServer) -> None:
    with Watcher(CaptureOptions(cameras.url("plain")), fps=5) as watcher:
        numbers = [frame.number for frame in watcher.wait_for_frames(8)]
    assert {later - earlier for earlier, later in itertools.pairwise(numbers[1:])} == {5}


def test_of_pictures_that_stand_alone_only_those_wanted_are_decoded(
    cameras: RtspServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[object] = []
    decode = Decoder.decode

    def count(self: Decoder, packet: AvPacket[VideoStream]) -> list[VideoFrame]:
        decoded.append(packet)
        return decode(self, packet)

    monkeypatch.setattr(Decoder, "decode", count)
    with Watcher(CaptureOptions(cameras.url("pattern")), fps=5) as watcher:
        numbers = [frame.number for frame in watcher.wait_for_frames(6)]
    assert len(decoded) <= len(watcher.frames) + 1
    assert numbers[-1] - numbers[0] >= 20


def test_survives_a_change_of_size(cameras: RtspServer) -> None:
    with Watcher(CaptureOptions(cameras.url("resizing"))) as watcher:
        wait_for(lambda: len({frame.size for frame in watcher.frames}) == 2, 10, "a second size")
        assert {frame.picture.bgr().shape for frame in watcher.frames} == {(180, 320, 3), (360, 640, 3)}
        assert watcher.states == [CameraState.CONNECTING, CameraState.STREAMING]


def test_ignores_audio(clip: Callable[[ClipSpec], Path], tmp_path: Path) -> None:
    with (
        RtspServer({"cam": clip(PLAIN)}, tmp_path, with_audio=True) as server,
        Watcher(CaptureOptions(server.url("cam"))) as watcher,
    ):
        watcher.wait_for_frames(5)


def test_sound_that_cannot_be_had_costs_no_picture(clip: Callable[[ClipSpec], Path], tmp_path: Path) -> None:
    with (
        RtspServer({"cam": clip(PLAIN)}, tmp_path, with_audio=True) as server,
        FaultProxy(server.port) as proxy,
    ):
        proxy.faults.rewrite = (b"control:stream=1", b"control:stream=7")
        with Watcher(CaptureOptions(server.url("cam", port=proxy.port))) as watcher:
            watcher.wait_for_frames(5)


def test_password_right_and_wrong(clip: Callable[[ClipSpec], Path], tmp_path: Path) -> None:
    with RtspServer({"cam": clip(PLAIN)}, tmp_path, credentials=("admin", "s3cret")) as server:
        with Watcher(CaptureOptions(server.url("cam"))) as watcher:
            watcher.wait_for_frames(2)
        with Watcher(CaptureOptions(server.url("cam").replace("s3cret", "wr0ng"))) as watcher:
            status = watcher.wait_for_state(CameraState.WAITING)
        assert status.reason == "wrong user or password (401)"
        assert status.next_try_s is not None
        assert status.next_try_s - time.time() > 25
        with Watcher(CaptureOptions(server.url("cam").replace("admin:s3cret@", ""))) as watcher:
            assert "wants a user and a password" in watcher.wait_for_state(CameraState.WAITING).reason


def test_password_with_everything_that_an_address_must_escape(
    clip: Callable[[ClipSpec], Path], tmp_path: Path
) -> None:
    password = "a/b?c#d@e%f:g h"
    with RtspServer({"cam": clip(PLAIN)}, tmp_path, credentials=("admin", password)) as server:
        url = server.url("cam").replace(password, quote(password, safe=""))
        with Watcher(CaptureOptions(url)) as watcher:
            watcher.wait_for_frames(2)


def test_no_such_stream(cameras: RtspServer) -> None:
    with Watcher(CaptureOptions(cameras.url("nothing"))) as watcher:
        assert "no such stream (404)" in watcher.wait_for_state(CameraState.WAITING).reason


def test_killed_and_back(own_camera: RtspServer) -> None:
    with Watcher(CaptureOptions(own_camera.url("cam"))) as watcher:
        watcher.wait_for_frames(3)
        own_camera.kill()
        assert "ended the stream" in watcher.wait_for_state(CameraState.LOST).reason
        wait_for(lambda: "refused" in watcher.stream.status.reason, 10, "a refused connection")
        own_camera.start()
        last = watcher.frames[-1]
        back = watcher.wait_for_frames(3)
        assert back[0].number == last.number + 1
        assert back[0].captured_s > last.captured_s
        assert watcher.stream.statistics().reconnects >= 1


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_frozen_server_is_found_within_the_read_timeout(transport: Transport, own_camera: RtspServer) -> None:
    options = CaptureOptions(own_camera.url("cam"), transport=transport, read_timeout_s=1)
    with Watcher(options) as watcher:
        watcher.wait_for_frames(3)
        own_camera.pause()
        took_s = wait_for(lambda: CameraState.STALLED in watcher.states, 5, "stalled")
        assert took_s < 1.3
        own_camera.resume()
        watcher.wait_for_frames(3)
