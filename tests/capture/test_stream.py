"""Subscribers, packets, restart and the shared pool, on a file as the camera."""

from __future__ import annotations

import itertools
import threading
from typing import TYPE_CHECKING

import pytest

from edged.capture import CaptureOptions, StreamPool
from edged.core.mailbox import LatestSlot
from edged.core.types import CameraState, CameraStatus, Frame, Packet
from tests.capture.conftest import PLAIN
from tests.parts.clips import ClipSpec
from tests.parts.fault_proxy import FaultProxy
from tests.parts.waiting import wait_for
from tests.parts.watching import Watcher

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.parts.rtsp_server import RtspServer


@pytest.fixture
def options(clip: Callable[[ClipSpec], Path]) -> CaptureOptions:
    return CaptureOptions(str(clip(PLAIN)))


def test_nothing_is_decoded_where_nobody_looks_but_the_first_picture(options: CaptureOptions) -> None:
    with Watcher(options, fps=None) as watcher:
        watcher.wait_for_state(CameraState.STREAMING)
        packets: list[Packet] = []
        watcher.stream.subscribe_packets(packets.append)
        wait_for(lambda: len(packets) > 10, 5, "packets")
        connection = watcher.stream._connection
        assert connection is not None
        assert connection._decoder is None
        stream = watcher.stream.statistics().stream
        assert stream is not None
        assert (stream.codec, str(stream.size)) == ("h264", "320x180")


def test_late_viewer_gets_the_group_of_pictures_and_then_all_that_follows(options: CaptureOptions) -> None:
    with Watcher(options, fps=None) as watcher:
        everything: list[Packet] = []
        watcher.stream.subscribe_packets(everything.append)
        wait_for(lambda: len(everything) > 30, 5, "packets")
        later: list[Packet] = []
        gop = watcher.stream.subscribe_packets(later.append)
        wait_for(lambda: len(later) > 10, 5, "packets")
    seen = [*gop, *later]
    assert gop[0].is_key_frame
    assert gop[0].data.startswith(b"\x00\x00\x00\x01")
    assert sum(packet.is_key_frame for packet in gop) == 1
    start = [packet.time_s for packet in everything].index(gop[0].time_s)
    assert [packet.data for packet in seen] == [packet.data for packet in everything[start:]][: len(seen)]
    assert all(earlier.time_s < later.time_s for earlier, later in itertools.pairwise(seen))


def test_key_frames_of_a_camera_carry_their_parameter_sets(cameras: RtspServer) -> None:
    packets: list[Packet] = []
    with Watcher(CaptureOptions(cameras.url("plain")), fps=None) as watcher:
        watcher.stream.subscribe_packets(packets.append)
        wait_for(lambda: any(packet.is_key_frame for packet in packets), 5, "a key frame")
    key = next(packet for packet in packets if packet.is_key_frame)
    units = key.data.split(b"\x00\x00\x01")[1:]
    assert {7, 8, 5} <= {unit[0] & 0x1F for unit in units}


def test_rate_can_be_changed_while_it_runs(options: CaptureOptions) -> None:
    with Watcher(options, fps=25) as watcher:
        watcher.wait_for_frames(5)
        assert watcher.outlet is not None
        watcher.outlet.reschedule(5)
        numbers = [frame.number for frame in watcher.wait_for_frames(6)][2:]
        assert {later - earlier for earlier, later in itertools.pairwise(numbers)} == {5}


LONG_GOP = ClipSpec(seconds=3, key_frame_interval=75)


def test_who_comes_in_mid_gop_need_not_wait_for_the_key_frame(clip: Callable[[ClipSpec], Path]) -> None:
    with Watcher(CaptureOptions(str(clip(LONG_GOP))), fps=None) as watcher:
        packets: list[Packet] = []
        watcher.stream.subscribe_packets(packets.append)
        wait_for(lambda: len(packets) > 10, 5, "packets")
        slot: LatestSlot[Frame] = LatestSlot()
        watcher.stream.subscribe_frames(5, slot)
        wait_for(lambda: not slot.is_empty, 5, "a frame")
        assert sum(packet.is_key_frame for packet in packets) <= 1
        assert watcher.stream.statistics().decode_errors == 0


@pytest.mark.slow
def test_where_no_gop_is_kept_the_wait_for_the_key_frame_stalls_nothing(
    clip: Callable[[ClipSpec], Path],
) -> None:
    with Watcher(CaptureOptions(str(clip(LONG_GOP)), read_timeout_s=1), fps=None) as watcher:
        watcher.stream._outlets._gop._capacity_bytes = 0
        packets: list[Packet] = []
        watcher.stream.subscribe_packets(packets.append)
        wait_for(lambda: len(packets) > 10, 5, "packets")
        slot: LatestSlot[Frame] = LatestSlot()
        watcher.stream.subscribe_frames(5, slot)
        wait_for(lambda: not slot.is_empty, 5, "a frame")
        assert watcher.states == [CameraState.CONNECTING, CameraState.STREAMING]


def test_restart_connects_anew_at_once(options: CaptureOptions) -> None:
    with Watcher(options) as watcher:
        watcher.wait_for_frames(3)
        watcher.stream.restart()
        wait_for(lambda: watcher.states.count(CameraState.STREAMING) == 2, 3, "a second connection")
        assert watcher.wait_for_state(CameraState.LOST).reason == "restart asked for"


def test_restart_ends_the_waiting(clip: Callable[[ClipSpec], Path], tmp_path: Path) -> None:
    path = tmp_path / "later.mp4"
    with Watcher(CaptureOptions(str(path))) as watcher:
        watcher.wait_for_state(CameraState.WAITING)  # for half a minute: there is no such file
        path.symlink_to(clip(PLAIN))
        watcher.stream.restart()
        watcher.wait_for_frames(1, 3)


def test_stop_is_quick_in_every_state(options: CaptureOptions) -> None:
    for url, state in ((options.url, CameraState.STREAMING), ("/nowhere.mp4", CameraState.WAITING)):
        watcher = Watcher(CaptureOptions(url))
        watcher.stream.start()
        watcher.wait_for_state(state)
        stopping = threading.Thread(target=watcher.stream.stop)
        stopping.start()
        assert wait_for(lambda: not stopping.is_alive(), 2, "the stop") < 0.5  # noqa: B023 - called at once
        assert watcher.states[-1] is CameraState.DISABLED


def test_watcher_that_fails_does_not_end_the_stream(
    options: CaptureOptions, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_old: CameraStatus, _new: CameraStatus) -> None:
        raise RuntimeError

    watcher = Watcher(options)
    watcher.stream.watch(fail)
    with watcher:
        watcher.wait_for_frames(3)
    assert "a watcher of the state failed" in caplog.text


def test_two_consumers_share_one_connection(cameras: RtspServer) -> None:
    with FaultProxy(cameras.port) as proxy:
        options = CaptureOptions(cameras.url("plain", port=proxy.port))
        pool = StreamPool()
        history: list[CameraState] = []
        first = pool.acquire(options, "front", lambda _old, new: history.append(new.state))
        second = pool.acquire(CaptureOptions(options.url), "back")
        assert first is second
        slots: list[LatestSlot[Frame]] = [LatestSlot(), LatestSlot()]
        first.subscribe_frames(25, slots[0])
        second.subscribe_frames(25, slots[1])
        wait_for(lambda: all(not slot.is_empty for slot in slots), 10, "frames for both")
        assert proxy.connections == 1
        pool.release(first)
        wait_for(lambda: first.status.state is CameraState.STREAMING, 5, "streaming")  # just after its frames
        pool.release(second)
        assert second.status.state is CameraState.DISABLED
        assert history == [CameraState.CONNECTING, CameraState.STREAMING, CameraState.DISABLED]
        third = pool.acquire(options, "front")
        assert third is not first
        pool.release(third)


def test_different_options_are_different_connections(options: CaptureOptions) -> None:
    pool = StreamPool()
    streams = [pool.acquire(options, "a"), pool.acquire(CaptureOptions(options.url, read_timeout_s=3), "b")]
    assert streams[0] is not streams[1]
    for stream in streams:
        pool.release(stream)
