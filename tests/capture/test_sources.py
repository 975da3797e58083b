"""Cameras that are not RTSP: files, MJPEG over HTTP, devices."""

from __future__ import annotations

import http.server
import itertools
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import cv2
import pytest

from edged.capture import CaptureOptions
from edged.core.types import CameraState, Size
from tests.capture.conftest import B_FRAMES, H265, PLAIN
from tests.parts.clips import ClipSpec, picture, write_bare_stream, write_with_jumps
from tests.parts.watching import Watcher

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


SHORT = ClipSpec(seconds=1)
JUMPING_PICTURES = 2 * 25  # of SHORT, with jumps


class MjpegHandler(http.server.BaseHTTPRequestHandler):
    """Sends pictures at 20 fps to whoever says the password."""

    def do_GET(self) -> None:
        if self.headers.get("Authorization") != "Basic YWRtaW46czNjcmV0":
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="camera"')
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        try:
            for index in itertools.count():
                _, jpeg = cv2.imencode(".jpg", picture(PLAIN, index % 50))
                self.wfile.write(b"--frame\r\nContent-Type: image/jpeg\r\n")
                self.wfile.write(f"Content-Length: {jpeg.size}\r\n\r\n".encode() + jpeg.tobytes() + b"\r\n")
                time.sleep(0.05)  # this is the camera's rate, and waits for nothing
        except OSError:
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def served(handler: type[http.server.BaseHTTPRequestHandler]) -> Iterator[int]:
    """An HTTP server with this handler; yields its port."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()
    thread.join(5)


@contextmanager
def transport_stream_camera(path: Path) -> Iterator[int]:
    """Sends the file over HTTP again and again, as fast as its pictures were taken."""
    data = path.read_bytes()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "video/mp2t")
            self.end_headers()
            with suppress(OSError):
                for index in itertools.count():
                    at = index % JUMPING_PICTURES
                    step = len(data) // JUMPING_PICTURES
                    self.wfile.write(data[at * step : (at + 1) * step if at + 1 < JUMPING_PICTURES else None])
                    time.sleep(1 / SHORT.fps)  # this is the camera's rate, and waits for nothing

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with served(Handler) as port:
        yield port


@pytest.mark.slow
def test_times_that_jump_ahead_and_back_disturb_nobody(
    clip: Callable[[ClipSpec], Path], tmp_path: Path
) -> None:
    path = write_with_jumps(tmp_path / "clip.ts", clip(SHORT))
    with (
        transport_stream_camera(path) as port,
        Watcher(CaptureOptions(f"http://127.0.0.1:{port}/live.ts")) as watcher,
    ):
        watcher.wait_for_frames(5)
        start_s = time.monotonic()
        frames = watcher.wait_for_frames(2 * JUMPING_PICTURES)
        took_s = time.monotonic() - start_s
        times_s = [frame.captured_monotonic_s for frame in frames]
        assert all(earlier <= later for earlier, later in itertools.pairwise(times_s))
        assert times_s[-1] - times_s[0] == pytest.approx(took_s, abs=0.5)
        assert watcher.states == [CameraState.CONNECTING, CameraState.STREAMING]


def test_mjpeg_over_http() -> None:
    with (
        served(MjpegHandler) as port,
        Watcher(CaptureOptions(f"http://admin:s3cret@127.0.0.1:{port}/video")) as watcher,
    ):
        frames = watcher.wait_for_frames(20)
        assert frames[0].size == Size(PLAIN.width, PLAIN.height)
        assert frames[0].picture.bgr(Size(160, 90)).shape == (90, 160, 3)
        spacing_s = (frames[-1].captured_monotonic_s - frames[5].captured_monotonic_s) / 14
        assert 0.045 < spacing_s < 0.09


def test_mjpeg_with_a_wrong_password() -> None:
    with (
        served(MjpegHandler) as port,
        Watcher(CaptureOptions(f"http://admin:no@127.0.0.1:{port}/video")) as watcher,
    ):
        assert watcher.wait_for_state(CameraState.WAITING).reason == "wrong user or password (401)"


@pytest.mark.slow
@pytest.mark.parametrize("spec", [PLAIN, B_FRAMES, H265])
def test_file_plays_in_real_time_and_goes_round(spec: ClipSpec, clip: Callable[[ClipSpec], Path]) -> None:
    check_plays_in_real_time(clip(spec), int(spec.fps * spec.seconds * 1.25))


@pytest.mark.slow
def test_bare_stream_plays_in_real_time_and_goes_round(
    clip: Callable[[ClipSpec], Path], tmp_path: Path
) -> None:
    path = write_bare_stream(tmp_path / "clip.h264", clip(SHORT))
    check_plays_in_real_time(path, int(SHORT.fps * SHORT.seconds * 1.5))


@pytest.mark.slow
def test_recording_whose_times_jump_plays_on(clip: Callable[[ClipSpec], Path], tmp_path: Path) -> None:
    path = write_with_jumps(tmp_path / "clip.ts", clip(SHORT))
    check_plays_in_real_time(path, int(SHORT.fps * SHORT.seconds * 2.5))


def check_plays_in_real_time(path: Path, pictures: int) -> None:
    with Watcher(CaptureOptions(str(path))) as watcher:
        start_s = time.monotonic()
        frames = watcher.wait_for_frames(pictures)
        took_s = time.monotonic() - start_s
    assert took_s == pytest.approx(len(frames) / PLAIN.fps, abs=0.25)
    times_s = [frame.captured_monotonic_s for frame in frames]
    steps_s = [later - earlier for earlier, later in itertools.pairwise(times_s)]
    assert min(steps_s) >= 0
    assert sum(steps_s) == pytest.approx((len(frames) - 1) / PLAIN.fps, abs=0.1)


def test_file_that_is_not_there() -> None:
    with Watcher(CaptureOptions("/nowhere/clip.mp4")) as watcher:
        assert watcher.wait_for_state(CameraState.WAITING).reason == "there is no such file"


def test_file_that_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(bytes(range(256)) * 100)
    with Watcher(CaptureOptions(str(path))) as watcher:
        reason = watcher.wait_for_state(CameraState.WAITING).reason
    assert reason == "what comes is no video that can be understood"


def test_raw_video_as_webcams_send_it(tmp_path: Path) -> None:
    path = tmp_path / "clip.y4m"
    luma, chroma = bytes(range(64)) * 36, bytes([128]) * 1152
    path.write_bytes(b"YUV4MPEG2 W64 H36 F25:1 Ip A1:1 C420jpeg\n" + (b"FRAME\n" + luma + chroma) * 5)
    with Watcher(CaptureOptions(str(path))) as watcher:
        assert watcher.wait_for_frames(7)[0].size == Size(64, 36)


def test_device_that_is_not_there() -> None:
    with Watcher(CaptureOptions("/dev/video_of_nobody")) as watcher:
        assert watcher.wait_for_state(CameraState.WAITING).reason == "there is no such device"


def test_device_that_is_no_camera() -> None:
    with Watcher(CaptureOptions("/dev/null")) as watcher:
        assert watcher.wait_for_state(CameraState.WAITING).reason.startswith(
            "cannot be read: Inappropriate ioctl"
        )
