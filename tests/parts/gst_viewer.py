"""GStreamer as a WHEP player, for its RSA certificate and its way with offers. Run with the system's Python.

    /usr/bin/python3 gst_viewer.py URL PICTURES

Ends with 0 when so many pictures have come, or says what it lacks and ends with 77.
"""

from __future__ import annotations

import http.client
import sys
from typing import Any

MISSING = 77
TIMEOUT_S = 15

try:
    import gi

    gi.require_version("Gst", "1.0")
    gi.require_version("GstWebRTC", "1.0")
    gi.require_version("GstSdp", "1.0")
    from gi.repository import GLib, Gst, GstSdp, GstWebRTC
except (ImportError, ValueError) as error:
    print(error)
    sys.exit(MISSING)


class Viewer:
    """One webrtcbin that counts what it receives."""

    def __init__(self, url: str, pictures: int) -> None:
        self._url = url
        self._left = pictures
        self._loop = GLib.MainLoop()
        self._pipeline = Gst.Pipeline.new()
        self._peer = Gst.ElementFactory.make("webrtcbin")
        self._peer.set_property("bundle-policy", GstWebRTC.WebRTCBundlePolicy.MAX_BUNDLE)
        self._pipeline.add(self._peer)
        self._peer.connect("pad-added", self._on_pad)
        self._kept: list[Any] = []
        self.code = 1

    def run(self) -> int:
        direction = GstWebRTC.WebRTCRTPTransceiverDirection.RECVONLY
        caps = Gst.Caps.from_string(
            "application/x-rtp,media=video,encoding-name=H264,payload=96,clock-rate=90000,packetization-mode=(string)1"
        )
        self._pipeline.set_state(Gst.State.READY)
        self._peer.emit("add-transceiver", direction, caps)
        self._pipeline.set_state(Gst.State.PLAYING)
        self._peer.connect("notify::ice-gathering-state", self._on_gathering)
        self._peer.emit("create-offer", None, Gst.Promise.new_with_change_func(self._on_offer))
        GLib.timeout_add_seconds(TIMEOUT_S, self._loop.quit)
        self._loop.run()
        self._pipeline.set_state(Gst.State.NULL)
        return self.code

    def _on_offer(self, promise: Any) -> None:
        promise.wait()
        reply = promise.get_reply()
        offer = reply.get_value("offer")
        self._kept = [promise, reply, offer]  # the bindings count no references among these
        self._peer.emit("set-local-description", offer, Gst.Promise.new())

    def _on_gathering(self, peer: Any, _what: Any) -> None:
        if peer.get_property("ice-gathering-state") == GstWebRTC.WebRTCICEGatheringState.COMPLETE:
            GLib.idle_add(self._ask)

    def _ask(self) -> bool:
        text = self._peer.get_property("local-description").sdp.as_text()
        host, _, path = self._url.removeprefix("http://").partition("/")
        connection = http.client.HTTPConnection(host, timeout=10)
        connection.request("POST", f"/{path}", text, {"Content-Type": "application/sdp"})
        answer = connection.getresponse().read()
        connection.close()
        _, message = GstSdp.SDPMessage.new_from_text(answer.decode())
        kind = GstWebRTC.WebRTCSDPType.ANSWER
        description = GstWebRTC.WebRTCSessionDescription.new(kind, message)
        self._peer.emit("set-remote-description", description, Gst.Promise.new())
        return False

    def _on_pad(self, _peer: Any, pad: Any) -> None:
        sink = Gst.parse_bin_from_description("rtph264depay ! fakesink name=end signal-handoffs=true", True)
        sink.get_by_name("end").connect("handoff", self._on_picture)
        self._pipeline.add(sink)
        sink.sync_state_with_parent()
        pad.link(sink.get_static_pad("sink"))

    def _on_picture(self, *_: Any) -> None:
        self._left -= 1
        if self._left == 0:
            self.code = 0
            self._loop.quit()


if __name__ == "__main__":
    Gst.init(None)
    if Gst.ElementFactory.find("webrtcbin") is None or Gst.ElementFactory.find("nicesink") is None:
        print("GStreamer lacks webrtcbin or libnice")
        sys.exit(MISSING)
    sys.exit(Viewer(sys.argv[1], int(sys.argv[2])).run())
