"""A camera that shows the time: every picture carries the wall clock of its making, in blocks.

    /usr/bin/python3 benchmarks/glass_camera.py

Run with the system's Python, for its GStreamer; needs: apt-get install gstreamer1.0-plugins-ugly. Prints the
port that it listens on.
"""

from __future__ import annotations

import threading
import time
from typing import Any

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402 - the versions must be required first

WIDTH, HEIGHT, FPS = 1280, 720, 25
BLOCK, BITS = 24, 48
BLACK, WHITE = 20, 230
LAUNCH = (
    f"( appsrc name=source is-live=true format=time do-timestamp=true max-bytes=3000000 leaky-type=downstream"
    f" caps=video/x-raw,format=I420,width={WIDTH},height={HEIGHT},framerate={FPS}/1"
    f" ! x264enc tune=zerolatency speed-preset=ultrafast bitrate=2000 key-int-max={2 * FPS} threads=1"
    f" ! rtph264pay name=pay0 pt=96 config-interval=-1 )"
)


def picture(number: int) -> bytes:
    """Grey with a bar that moves, and the time in milliseconds in its first row of blocks."""
    now_ms = int(time.time() * 1000)
    frame = bytearray(b"\x60" * (WIDTH * HEIGHT) + b"\x80" * (WIDTH * HEIGHT // 2))
    row = b"".join(bytes([WHITE if now_ms >> bit & 1 else BLACK]) * BLOCK for bit in range(BITS))
    for line in range(BLOCK):
        frame[line * WIDTH : line * WIDTH + len(row)] = row
    bar = b"\xc0" * 80
    for line in range(200, 400):
        left = line * WIDTH + number * 8 % (WIDTH - 80)
        frame[left : left + 80] = bar
    return bytes(frame)


def feed(source: Any) -> None:
    """Push pictures at their rate until nobody takes them any more."""
    number, due_s = 0, time.monotonic()
    while source.emit("push-buffer", Gst.Buffer.new_wrapped(picture(number))) == Gst.FlowReturn.OK:
        number += 1
        due_s += 1 / FPS
        time.sleep(max(0.0, due_s - time.monotonic()))


def configure(_factory: Any, media: Any) -> None:
    """Begin to feed a media that has just been made."""
    source = media.get_element().get_by_name("source")
    threading.Thread(target=feed, args=(source,), daemon=True).start()


def main() -> None:
    """Serve until killed."""
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service("0")
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_shared(True)
    factory.set_latency(0)
    factory.set_launch(LAUNCH)
    factory.connect("media-configure", configure)
    server.get_mount_points().add_factory("/cam", factory)
    server.attach(None)
    print(server.get_bound_port(), flush=True)
    GLib.MainLoop().run()


if __name__ == "__main__":
    main()
