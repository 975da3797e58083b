"""One connection to a camera, from opening to its end, in its own thread."""

from __future__ import annotations

import logging
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

from edged.capture.annexb import HEAD_BYTES, parameter_sets
from edged.capture.decoder import SOFTWARE, Decoder, Encoding
from edged.capture.demuxer import Demuxer, open_demuxer
from edged.capture.hardware import choose_hardware
from edged.capture.picture import VideoPicture
from edged.capture.spotcheck import SpotCheck
from edged.capture.timeline import Stamp, TimeLine
from edged.capture.url import SourceKind, source_kind
from edged.capture.watchdog import Progress
from edged.core.errors import CaptureError, CaptureFault
from edged.core.rate import RateMeter
from edged.core.redact import redact
from edged.core.types import Size, StreamInfo

if TYPE_CHECKING:
    from collections.abc import Callable

    from av.packet import Packet as AvPacket
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

    from edged.capture.options import CaptureOptions
    from edged.capture.outlet import Outlets
    from edged.core.clock import Clock

_log = logging.getLogger(__name__)

FINGERPRINT_EVERY_S = 1.0
HARDWARE_PATIENCE_PACKETS = 50
INTRA_CODECS = frozenset({"mjpeg", "rawvideo"})
"""Each of their pictures stands for itself, so those that nobody waits for need not be decoded."""


class Connection:
    """Reads one camera until it fails or is given up; what it brings goes to ``outlets``.

    ``wake`` is called in its thread when the first picture is there and when the connection ends.
    """

    def __init__(
        self,
        name: str,
        *,
        options: CaptureOptions,
        outlets: Outlets,
        time_line: TimeLine,
        clock: Clock,
        wake: Callable[[], None],
    ) -> None:
        self._name = name
        self._options = options
        self._outlets = outlets
        self._clock = clock
        self._wake = wake
        self._stop = threading.Event()
        self._time_line = time_line
        self._encoding: Encoding | None = None
        self._hardware = options.hardware
        self._fruitless_packets = 0
        self._decoder: Decoder | None = None
        self._spot_check: SpotCheck | None = None
        self._fingerprint: tuple[int, float] | None = None
        self._thread = threading.Thread(target=self._run, name=f"capture-{name}", daemon=True)
        self.progress = Progress(clock.monotonic_s())
        self.stream: StreamInfo | None = None
        self.error: CaptureError | None = None
        self.decoder_name: str | None = None
        self.decode_errors = 0
        self.rate = RateMeter()

    def start(self) -> None:
        """Begin to connect."""
        self._thread.start()

    def give_up(self) -> None:
        """Bring nothing more from now on and end soon; does not wait."""
        self._stop.set()

    def join(self, timeout_s: float) -> bool:
        """Wait for the end; False if FFmpeg or the resolver still holds the thread."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        demuxer: Demuxer | None = None
        try:
            demuxer = open_demuxer(self._options, self._stop)
            self._read(demuxer)
        except CaptureError as error:
            self.error = error
        except Exception as error:  # a thread that dies without a word would leave its camera "streaming"
            _log.exception("%s: capture failed", self._name)
            self.error = CaptureError(redact(f"internal error: {error!r}"), CaptureFault.BROKEN)
        self._wake()
        if demuxer is not None:
            demuxer.close()  # last, because a camera that hangs holds it

    def _read(self, demuxer: Demuxer) -> None:
        self.progress.opened_s = self._clock.monotonic_s()
        self._encoding = demuxer.encoding
        self.stream = StreamInfo(
            codec=demuxer.encoding.codec,
            profile="",
            size=Size(0, 0),
            fps=demuxer.declared_fps,
            extradata=demuxer.encoding.extradata,
        )
        cut_pictures = 0
        for packet, pts_s in demuxer.packets():
            if self._stop.is_set():
                return
            if demuxer.cut_pictures > cut_pictures:
                cut_pictures = demuxer.cut_pictures
                self.decode_errors += 1
                _log.info("%s: what seemed a whole picture went on; now each waits for the next", self._name)
            self._take(packet, self._time_line.stamp(pts_s))

    def _take(self, packet: AvPacket[VideoStream], stamp: Stamp) -> None:
        now_s = self._clock.monotonic_s()
        self.rate.tick(now_s)
        self.progress.packet_s = now_s
        has_new_sets = packet.is_keyframe and self._learn_parameter_sets(packet)
        if packet.is_keyframe and self.progress.key_frame_s is None:
            self.progress.key_frame_s = now_s
        if self.progress.key_frame_s is None:
            return
        if not self._is_looked_at(has_new_sets):
            self._glance_at(packet, now_s)
        elif self._is_awaited(stamp):
            self._decode(packet, stamp, now_s)
        else:
            self._outlets.pass_over_frame()
        if not self._stop.is_set():
            self._outlets.put_packet(packet, stamp, self._known()[0])

    def _known(self) -> tuple[StreamInfo, Encoding]:
        if self.stream is None or self._encoding is None:
            text = "a packet before the stream was opened"
            raise RuntimeError(text)
        return self.stream, self._encoding

    def _is_looked_at(self, has_new_sets: bool) -> bool:  # noqa: FBT001 - private, named at its one call
        # The first picture proves that there is one and tells its size, even where nobody looks yet.
        return bool(self._outlets.frame_outlets) or self.progress.picture_s is None or has_new_sets

    def _is_awaited(self, stamp: Stamp) -> bool:
        """Whether somebody waits for this picture, or for a later one that builds on it."""
        progress = self.progress
        if self._known()[0].codec not in INTRA_CODECS or progress.picture_s is None:
            return True
        return progress.undecoded_since_s is not None or self._outlets.is_frame_due(stamp)

    def _glance_at(self, packet: AvPacket[VideoStream], now_s: float) -> None:
        """See to it that there still is a picture, though nobody wants it now."""
        self._decoder = self._fingerprint = None
        if self._spot_check is None:
            is_recording = source_kind(self._options.url) is SourceKind.FILE
            self._spot_check = SpotCheck(self.progress, is_recording=is_recording)
        if packet.is_keyframe and self._spot_check.is_due(now_s):
            self._spot_check.look(packet, self._current_encoding(), now_s)

    def _current_encoding(self) -> Encoding:
        stream, encoding = self._known()
        return replace(encoding, extradata=stream.extradata)

    def _learn_parameter_sets(self, packet: AvPacket[VideoStream]) -> bool:
        stream, _ = self._known()
        sets = parameter_sets(stream.codec, bytes(memoryview(packet)[:HEAD_BYTES]))
        if not sets or sets == stream.extradata:
            return False
        self.stream = replace(stream, extradata=sets)
        return True

    def _decode(self, packet: AvPacket[VideoStream], stamp: Stamp, now_s: float) -> None:
        self._spot_check = None
        if self._decoder is None:
            self._decoder = self._open_decoder()
            if not packet.is_keyframe:
                self._catch_up(self._decoder)
        decoder = self._decoder
        errors = decoder.errors
        packet.opaque = stamp
        frames = decoder.decode(packet)
        self.decode_errors += decoder.errors - errors
        if not all(frame.is_corrupt for frame in frames):
            self.progress.undecoded_since_s = None
            self._fruitless_packets = 0
        elif decoder.has_key_frame:
            self.progress.undecoded_since_s = self.progress.undecoded_since_s or now_s
            self._doubt_hardware(decoder)
        for frame in frames:
            self._take_frame(frame, frame.opaque if isinstance(frame.opaque, Stamp) else stamp, now_s)

    def _open_decoder(self) -> Decoder:
        encoding = self._current_encoding()
        self.progress.is_held_up = True
        hardware = choose_hardware(encoding.codec, self._hardware)
        self.progress.packet_s = self._clock.monotonic_s()
        self.progress.is_held_up = False
        decoder = Decoder(encoding, hardware)
        self.decoder_name = decoder.name
        return decoder

    def _catch_up(self, decoder: Decoder) -> None:
        """Decode what is kept since the last key frame, so that a newcomer need not wait for the next one."""
        for raw in self._outlets.kept_packets():
            decoder.decode(raw)

    def _doubt_hardware(self, decoder: Decoder) -> None:
        """Go on in software where hardware that passed its probe cannot cope with this very stream."""
        self._fruitless_packets += 1
        if decoder.hardware == SOFTWARE or self._fruitless_packets < HARDWARE_PATIENCE_PACKETS:
            return
        _log.warning("%s: %s gives no picture of this stream: decoding in software", self._name, decoder.name)
        self._hardware, self._decoder = "none", None

    def _take_frame(self, frame: VideoFrame, stamp: Stamp, now_s: float) -> None:
        picture = VideoPicture(frame)
        self._watch_picture(picture, now_s, is_sound=not frame.is_corrupt)
        self._describe(picture.size)
        if not self._stop.is_set():
            self._outlets.put_frame(picture, stamp)

    def _watch_picture(self, picture: VideoPicture, now_s: float, *, is_sound: bool) -> None:
        is_first = is_sound and self.progress.picture_s is None
        if is_sound:
            self.progress.picture_s = now_s
        if self._fingerprint is None or now_s - self._fingerprint[1] >= FINGERPRINT_EVERY_S:
            last, fingerprint = self._fingerprint, picture.fingerprint()
            self._fingerprint = fingerprint, now_s
            if last is None or last[0] != fingerprint:
                self.progress.unchanged_since_s = now_s
        if is_first:
            self._wake()

    def _describe(self, size: Size) -> None:
        stream, _ = self._known()
        if stream.size == size:
            return
        if stream.size.width:
            _log.info("%s: the size changed from %s to %s", self._name, stream.size, size)
        self.stream = replace(stream, size=size, profile=self._decoder.profile if self._decoder else "")
