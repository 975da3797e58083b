"""A camera for tests: serves packet files and live patterns over RTSP. Run with the system's Python.

    /usr/bin/python3 rtsp_camera.py '{"port": 0, "mounts": {"/cam": {"packets": "cam.packets"}}}'

Prints one JSON line when it really listens, and one for each client that comes.
"""

from __future__ import annotations

import json
import struct
import sys
import threading
from pathlib import Path
from typing import Any

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402 - the versions must be required first

PACKET_HEADER = struct.Struct(">qqI")
SOURCE = "appsrc name=source is-live=true format=time block=true max-bytes=200000"
LAUNCH_LINES = {
    "h264": f"{SOURCE} caps=video/x-h264,stream-format=byte-stream,alignment=au"
    " ! clocksync ! rtph264pay name=pay0 pt=96 config-interval=-1",
    "hevc": f"{SOURCE} caps=video/x-h265,stream-format=byte-stream,alignment=au"
    " ! clocksync ! rtph265pay name=pay0 pt=96 config-interval=-1",
}
PATTERN = (
    "videotestsrc is-live=true pattern=ball ! video/x-raw,width=320,height=180,framerate=25/1,format=I420 ! "
)
PATTERN_ENCODERS = {
    "mjpeg": "jpegenc ! rtpjpegpay name=pay0 pt=26",
    "h264": "x264enc tune=zerolatency key-int-max=50 ! rtph264pay name=pay0 pt=96 config-interval=-1",
}
AUDIO = (
    "audiotestsrc is-live=true wave=silence ! audio/x-raw,rate=8000,channels=1"
    " ! alawenc ! rtppcmapay name=pay1 pt=8"
)


def say(**line: object) -> None:
    print(json.dumps(line), flush=True)


class PacketFile:
    """Encoded pictures with their times."""

    def __init__(self, path: Path) -> None:
        head, _, data = path.read_bytes().partition(b"\n")
        facts = json.loads(head)
        self._duration_ns: int = facts["duration_ns"]
        self._records: list[tuple[int, int, bytes]] = []
        self.launch_line = LAUNCH_LINES[facts["codec"]]
        at = 0
        while at < len(data):
            pts, dts, size = PACKET_HEADER.unpack_from(data, at)
            at += PACKET_HEADER.size
            self._records.append((pts, dts, data[at : at + size]))
            at += size

    def feed(self, media: Any) -> None:
        """Push the pictures into a media that has just been made, round and round."""
        source = media.get_element().get_by_name("source")
        threading.Thread(target=self._push_for_ever, args=(source,), daemon=True).start()

    def _push_for_ever(self, source: Any) -> None:
        offset = 0
        while True:
            for pts, dts, data in self._records:
                buffer = Gst.Buffer.new_wrapped(data)
                buffer.pts, buffer.dts = pts + offset, dts + offset
                if source.emit("push-buffer", buffer) != Gst.FlowReturn.OK:
                    return
            offset += self._duration_ns


def add_mount(server: Any, path: str, mount: dict[str, Any], *, needs_login: bool) -> None:
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_shared(True)
    if "pattern" in mount:
        video = PATTERN + PATTERN_ENCODERS[mount["pattern"]]
    else:
        packets = PacketFile(Path(mount["packets"]))
        video = packets.launch_line
        factory.connect("media-configure", lambda _factory, media: packets.feed(media))
    factory.set_launch(f"( {video} {AUDIO if mount.get('audio') else ''} )")
    if needs_login:
        permissions = GstRtspServer.RTSPPermissions()
        permissions.add_permission_for_role("viewer", "media.factory.access", True)
        permissions.add_permission_for_role("viewer", "media.factory.construct", True)
        factory.set_permissions(permissions)
    server.get_mount_points().add_factory(path, factory)


def demand_password(server: Any, user: str, password: str) -> None:
    auth = GstRtspServer.RTSPAuth()
    auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
    token = GstRtspServer.RTSPToken()
    token.set_string(GstRtspServer.RTSP_TOKEN_MEDIA_FACTORY_ROLE, "viewer")
    auth.add_digest(user, password, token)
    server.set_auth(auth)


def main(config: dict[str, Any]) -> None:
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(str(config["port"]))
    user = config.get("user")
    for path, mount in config["mounts"].items():
        add_mount(server, path, mount, needs_login=user is not None)
    if user is not None:
        demand_password(server, user, config["password"])
    server.connect("client-connected", lambda *_: say(event="client"))
    # That a port is taken is only told by the source id being 0.
    if server.attach(None) == 0:
        say(event="error", reason=f"cannot listen on port {config['port']}")
        sys.exit(1)
    say(event="ready", port=server.get_bound_port())
    GLib.MainLoop().run()


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
