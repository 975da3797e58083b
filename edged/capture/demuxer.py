"""Opens a camera and yields its encoded pictures; every trouble is a CaptureError that says what to do."""

from __future__ import annotations

import errno
import os
import socket
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

import av
from av.bitstream import BitStreamFilterContext
from av.packet import Packet as AvPacket

from edged.capture.annexb import SYNTAXES
from edged.capture.assembly import Assembler
from edged.capture.decoder import Encoding
from edged.capture.url import SourceKind, local_path, network_address, source_kind
from edged.core.errors import CaptureError, CaptureFault
from edged.core.redact import redact
from edged.core.types import Size

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator

    from av.container import InputContainer
    from av.video.stream import VideoStream

    from edged.capture.assembly import Assembled
    from edged.capture.options import CaptureOptions

MP4_EXTRADATA = b"\x01"  # lengths before the units, and not start codes
ANNEXB_FILTERS = {"h264": "h264_mp4toannexb", "hevc": "hevc_mp4toannexb"}
_RTSP_OPTIONS = {
    "analyzeduration": "0",  # the SDP says what is sent: 0.1 s, not 3
    "probesize": "32",
    "allowed_media_types": "video",  # sound that cannot be set up would cost us the picture, too
}
_IN_PIECES = {"fflags": "+noparse"}
"""FFmpeg's parser holds each picture back until the next one begins: of these codecs the pieces are taken."""
_NOT_TO_BE_PARSED = {*SYNTAXES, "mjpeg"}  # whose pictures come whole anyway
_HTTP_OPTIONS = {"analyzeduration": "500000", "probesize": "500000"}
LONGEST_STEP_S = 10.0
"""Pictures of a recording that claim to be further apart than this have a gap between them."""
MOST_LATE_S = 1.0
"""A file that could not be played for longer goes on from there, and does not make up for it."""

_MEANINGS: tuple[tuple[type[Exception] | tuple[type[Exception], ...], CaptureFault, str], ...] = (
    (av.error.HTTPForbiddenError, CaptureFault.REFUSED, "this user may not see this stream (403)"),
    (av.error.HTTPNotFoundError, CaptureFault.REFUSED, "the camera has no such stream (404); check the path"),
    (av.error.HTTPServerError, CaptureFault.UNREACHABLE, "the camera has an error of its own (5xx)"),
    ((av.error.ExitError, TimeoutError), CaptureFault.SILENT, "nothing came for {timeout_s:g} s"),
    (ConnectionRefusedError, CaptureFault.UNREACHABLE, "connection refused: nothing listens at this port"),
    ((ConnectionError, av.error.EOFError), CaptureFault.UNREACHABLE, "the camera closed the connection"),
    (PermissionError, CaptureFault.REFUSED, "edged may not read it; check its owner and mode"),
    (av.error.InvalidDataError, CaptureFault.BROKEN, "what comes is no video that can be understood"),
    (
        av.error.DemuxerNotFoundError,
        CaptureFault.REFUSED,
        "the installed PyAV cannot read this kind of source",
    ),
)


class Demuxer:
    """One open connection to a camera, or one open file."""

    def __init__(self, container: InputContainer, options: CaptureOptions, stop: threading.Event) -> None:
        self._container = container
        self._options = options
        self._stop = stop
        self._video: VideoStream = container.streams.video[0]
        self._unit_s = float(self._video.time_base or 0)  # once: arithmetic of fractions is slow
        context = self._video.codec_context
        extradata = context.extradata or b""
        # The filter puts the parameter sets into the packets; those in the head of an MP4 fit them no more.
        self._annexb = ANNEXB_FILTERS.get(context.name) if extradata.startswith(MP4_EXTRADATA) else None
        self.encoding = Encoding(
            codec=context.name,
            extradata=b"" if self._annexb else extradata,
            size=Size(context.width, context.height),
            pixel_format=context.pix_fmt,
        )
        self.declared_fps = float(self._video.average_rate or 0)
        is_in_pieces = source_kind(options.url) is SourceKind.RTSP and context.name in SYNTAXES
        self._assembler = Assembler(SYNTAXES[context.name]) if is_in_pieces else None

    @property
    def cut_pictures(self) -> int:
        """How many pictures were given out without their end."""
        return self._assembler.mistakes if self._assembler else 0

    def packets(self) -> Iterator[tuple[AvPacket[VideoStream], float | None]]:
        """Yield each encoded picture with the time it claims, until CaptureError or told to stop."""
        with _explained(self._options, self._options.read_timeout_s):
            if source_kind(self._options.url) is SourceKind.FILE:
                yield from self._paced_for_ever()
            else:
                yield from self._live()
        if not self._stop.is_set():
            text = f"{redact(self._options.url)}: the camera ended the stream"
            raise CaptureError(text, CaptureFault.UNREACHABLE)

    def close(self) -> None:
        """Let go of the camera; may take as long as the camera does to answer."""
        self._container.close()

    def _live(self) -> Iterator[tuple[AvPacket[VideoStream], float | None]]:
        # An MJPEG server sends no times; the demuxer would invent them at 25 fps.
        has_times = source_kind(self._options.url) is SourceKind.RTSP or self.encoding.codec != "mjpeg"
        for packet in self._annexb_packets():
            if self._stop.is_set():
                return
            yield packet, self._pts_s(packet) if has_times else None

    def _paced_for_ever(self) -> Iterator[tuple[AvPacket[VideoStream], float | None]]:
        time_s = 0.0
        start_s = time.monotonic()
        while not self._stop.is_set():
            last: AvPacket[VideoStream] | None = None
            for packet in self._annexb_packets():
                time_s += self._step_s(last, packet)
                last = packet
                now_s = time.monotonic()
                start_s = max(start_s, now_s - time_s - MOST_LATE_S)
                if self._stop.wait(max(0.0, start_s + time_s - now_s)):
                    return
                yield packet, time_s + self._ahead_s(packet)
            if last is None:
                text = f"{redact(self._options.url)}: there is no picture in this file"
                raise CaptureError(text, CaptureFault.BROKEN)
            time_s += self._frame_s(last)
            self._rewind()

    def _rewind(self) -> None:
        try:
            self._container.seek(0)
        except OSError:  # a bare stream has no times to seek by
            self._container.seek(0, unsupported_byte_offset=True)

    def _annexb_packets(self) -> Iterator[AvPacket[VideoStream]]:
        if self._annexb is None:
            if self._assembler is None:
                yield from (packet for packet in self._container.demux(self._video) if packet.size)
            else:
                yield from self._assembled_packets(self._assembler)
            return
        annexb = BitStreamFilterContext(self._annexb, self._video)
        for demuxed in self._container.demux(self._video):
            yield from annexb.filter(demuxed if demuxed.size else None)

    def _assembled_packets(self, assembler: Assembler) -> Iterator[AvPacket[VideoStream]]:
        for piece in self._container.demux(self._video):
            for picture in assembler.put(bytes(piece), piece.pts):
                yield _packet(picture)

    def _frame_s(self, packet: AvPacket[VideoStream]) -> float:
        if packet.duration:
            return packet.duration * self._unit_s
        return 1 / (self.declared_fps or 25.0)

    def _step_s(self, last: AvPacket[VideoStream] | None, packet: AvPacket[VideoStream]) -> float:
        """How long after the last picture this one is due; a recording may have gaps and jumps."""
        if last is None:
            return 0.0
        if last.dts is None or packet.dts is None:
            return self._frame_s(last)
        step_s = (packet.dts - last.dts) * self._unit_s
        return step_s if 0 <= step_s <= LONGEST_STEP_S else self._frame_s(last)

    def _ahead_s(self, packet: AvPacket[VideoStream]) -> float:
        """How much later than it is decoded a picture is shown."""
        return 0.0 if packet.pts is None or packet.dts is None else (packet.pts - packet.dts) * self._unit_s

    def _pts_s(self, packet: AvPacket[VideoStream]) -> float | None:
        return None if packet.pts is None else packet.pts * self._unit_s


def _packet(picture: Assembled) -> AvPacket[VideoStream]:
    data = picture.data
    packet = cast("AvPacket[VideoStream]", AvPacket(len(data)))  # not of the data: they lack padding
    packet.update(data)
    packet.pts = picture.pts
    packet.is_keyframe = picture.is_key_frame
    return packet


def open_demuxer(options: CaptureOptions, stop: threading.Event) -> Demuxer:
    """Connect to the camera; raises CaptureError where that fails or it has no video."""
    kind = source_kind(options.url)
    _check_reachable(options, kind)
    container_options = _container_options(options, kind)
    if kind is SourceKind.RTSP:
        container = _open(options, kind, container_options | _IN_PIECES, options.read_timeout_s)
        if container.streams.video[0].codec_context.name in _NOT_TO_BE_PARSED:
            return Demuxer(container, options, stop)
        container.close()
    # A parser has FFmpeg start the read time-out anew once before it gives up: half of it is the whole of it.
    return Demuxer(_open(options, kind, container_options, options.read_timeout_s / 2), options, stop)


def _open(
    options: CaptureOptions, kind: SourceKind, container_options: dict[str, str], read_timeout_s: float
) -> InputContainer:
    with _explained(options, options.open_timeout_s):
        container = av.open(
            str(local_path(options.url)) if kind in {SourceKind.FILE, SourceKind.DEVICE} else options.url,
            format="v4l2" if kind is SourceKind.DEVICE else None,
            options=container_options,
            timeout=(options.open_timeout_s, read_timeout_s),
        )
    if not container.streams.video:
        container.close()
        text = f"{redact(options.url)}: there is no video in this stream"
        raise CaptureError(text, CaptureFault.REFUSED)
    return container


def _container_options(options: CaptureOptions, kind: SourceKind) -> dict[str, str]:
    if kind is SourceKind.RTSP:
        # Never fflags=nobuffer: it throws the first key frame away. rtsps is always over TCP.
        is_tls = options.url.lower().startswith("rtsps:")
        return _RTSP_OPTIONS | {"rtsp_transport": "tcp" if is_tls else options.transport}
    return _HTTP_OPTIONS if kind is SourceKind.HTTP else {}


def _check_reachable(options: CaptureOptions, kind: SourceKind) -> None:
    """Find the troubles that FFmpeg can only call an input/output error."""
    where = redact(options.url)
    if kind in {SourceKind.FILE, SourceKind.DEVICE}:
        if not local_path(options.url).exists():
            what = "file" if kind is SourceKind.FILE else "device"
            text = f"{where}: there is no such {what}"
            raise CaptureError(text, CaptureFault.REFUSED)
        return
    address = network_address(options.url)
    if address is None:
        text = f"{where}: the address names no host"
        raise CaptureError(text, CaptureFault.REFUSED)
    try:
        socket.getaddrinfo(*address, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        text = f"{where}: the name {address[0]} cannot be resolved; check the address and the DNS of this box"
        raise CaptureError(text) from None


@contextmanager
def _explained(options: CaptureOptions, timeout_s: float) -> Iterator[None]:
    try:
        yield
    except (av.FFmpegError, OSError) as error:
        # "from None": FFmpeg's own text holds the address with its password.
        raise explain(error, options, timeout_s) from None


def explain(error: Exception, options: CaptureOptions, timeout_s: float) -> CaptureError:
    """Say what FFmpeg's ``error`` means to the person who owns the camera."""
    text, fault = _meaning(error, options, timeout_s)
    return CaptureError(f"{redact(options.url)}: {text}", fault)


def _meaning(error: Exception, options: CaptureOptions, timeout_s: float) -> tuple[str, CaptureFault]:
    for kinds, fault, text in _MEANINGS:
        if isinstance(error, kinds):
            return text.format(timeout_s=timeout_s), fault
    if isinstance(error, av.error.HTTPUnauthorizedError):
        has_login = "@" in options.url
        text = "wrong user or password (401)" if has_login else "the camera wants a user and a password (401)"
        return text, CaptureFault.REFUSED
    if isinstance(error, av.error.HTTPClientError):
        other = "tcp" if options.transport == "udp" else "udp"
        return f"the camera refuses the request (4xx); perhaps transport {other} works", CaptureFault.REFUSED
    number: int = getattr(error, "errno", None) or 0
    reason = os.strerror(number) if number in errno.errorcode else type(error).__name__
    return f"cannot be read: {reason}", CaptureFault.UNREACHABLE
