"""A camera for tests: serves packet files and live patterns over RTSP. Run with the system's Python.

    /usr/bin/python3 rtsp_camera.py '{"port": 0, "mounts": {"/cam": {"packets": "cam.packets"}}}'

Prints one JSON line when it really listens, and one for each client that comes.
"""

import json
import struct
import sys
import threading

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402 - the versions must be required first

PACKET_HEADER = struct.Struct(">qqI")
CAPS = {
    "h264": "video/x-h264,stream-format=byte-stream,alignment=au",
    "hevc": "video/x-h265,stream-format=byte-stream,alignment=au",
}
PAYLOADERS = {
    "h264": "clocksync ! rtph264pay name=pay0 pt=96 config-interval=-1",
    "hevc": "clocksync ! rtph265pay name=pay0 pt=96 config-interval=-1",
}
PATTERN = "videotestsrc is-live=true ! video/x-raw,width=320,height=180,framerate=25/1,format=I420 ! "
PATTERN_ENCODERS = {
    "mjpeg": "jpegenc ! rtpjpegpay name=pay0 pt=26",
    "h264": "x264enc tune=zerolatency key-int-max=50 ! rtph264pay name=pay0 pt=96 config-interval=-1",
}
AUDIO = "audiotestsrc is-live=true wave=silence ! audio/x-raw,rate=8000,channels=1 ! alawenc ! rtppcmapay name=pay1 pt=8"


def say(**line):
    print(json.dumps(line), flush=True)


class PacketFile:
    """Encoded pictures with their times."""

    def __init__(self, path):
        with open(path, "rb") as file:
            head = json.loads(file.readline())
            data = file.read()
        self.codec, self.duration_ns = head["codec"], head["duration_ns"]
        self.records, at = [], 0
        while at < len(data):
            pts, dts, size = PACKET_HEADER.unpack_from(data, at)
            at += PACKET_HEADER.size
            self.records.append((pts, dts, data[at : at + size]))
            at += size

    def launch_line(self):
        return f"appsrc name=source is-live=true format=time block=true max-bytes=200000 caps={CAPS[self.codec]} ! {PAYLOADERS[self.codec]}"

    def feed(self, media):
        source = media.get_element().get_by_name("source")
        threading.Thread(target=self._push_for_ever, args=(source,), daemon=True).start()

    def _push_for_ever(self, source):
        offset = 0
        while True:
            for pts, dts, data in self.records:
                buffer = Gst.Buffer.new_wrapped(data)
                buffer.pts, buffer.dts = pts + offset, dts + offset
                if source.emit("push-buffer", buffer) != Gst.FlowReturn.OK:
                    return
            offset += self.duration_ns


def add_mount(server, path, mount, user):
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_shared(True)
    if "pattern" in mount:
        video = PATTERN + PATTERN_ENCODERS[mount["pattern"]]
    else:
        packets = PacketFile(mount["packets"])
        video = packets.launch_line()
        factory.connect("media-configure", lambda _factory, media: packets.feed(media))
    factory.set_launch(f"( {video} {AUDIO if mount.get('audio') else ''} )")
    if user:
        permissions = GstRtspServer.RTSPPermissions()
        permissions.add_permission_for_role("viewer", "media.factory.access", True)
        permissions.add_permission_for_role("viewer", "media.factory.construct", True)
        factory.set_permissions(permissions)
    server.get_mount_points().add_factory(path, factory)


def demand_password(server, user, password):
    auth = GstRtspServer.RTSPAuth()
    auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
    token = GstRtspServer.RTSPToken()
    token.set_string(GstRtspServer.RTSP_TOKEN_MEDIA_FACTORY_ROLE, "viewer")
    auth.add_digest(user, password, token)
    server.set_auth(auth)


def main(config):
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(str(config["port"]))
    user = config.get("user")
    for path, mount in config["mounts"].items():
        add_mount(server, path, mount, user)
    if user:
        demand_password(server, user, config["password"])
    server.connect(
        "client-connected",
        lambda _server, client: say(event="client", address=client.get_connection().get_ip()),
    )
    # A port that is taken is only told by the source id being 0.
    if server.attach(None) == 0:
        say(event="error", reason=f"cannot listen on port {config['port']}")
        sys.exit(1)
    say(event="ready", port=server.get_bound_port())
    GLib.MainLoop().run()


if __name__ == "__main__":
    gi.require_version("GstRtsp", "1.0")
    from gi.repository import GstRtsp

    main(json.loads(sys.argv[1]))
