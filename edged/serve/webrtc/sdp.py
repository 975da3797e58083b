"""The offer of a viewer, as far as it matters here, and our answer to it (RFC 8829, RFC 8866)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

ABS_SEND_TIME = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
PLAYOUT_DELAY = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay"
EXTENSIONS = (ABS_SEND_TIME, PLAYOUT_DELAY)
FEEDBACK = ("nack", "nack pli", "ccm fir", "goog-remb")
MAX_SECTIONS = 16
MAX_ONE_BYTE_ID = 14
SCTP_PORT = 5000
MAX_MESSAGE_BYTES = 65536
_PROFILES_BY_RISE = ("42", "4d", "64")
_UNKNOWN_PROFILE = "42e01f"


class SdpError(ValueError):
    """What a viewer sent is no offer that can be answered; the text says why."""


class UnsupportedOfferError(SdpError):
    """The offer is well-formed and asks for nothing that can be given."""


@dataclass(slots=True)
class Section:
    """One m-section of an offer."""

    kind: str
    protocol: str
    formats: list[str]
    attributes: dict[str, list[str]] = field(default_factory=dict)

    def first(self, name: str) -> str | None:
        """The value of an attribute's first line; None without one."""
        return next(iter(self.attributes.get(name, ())), None)

    def by_format(self, name: str) -> dict[str, str]:
        """The lines of an attribute that begin with a payload type, such as ``rtpmap``."""
        pairs = (line.partition(" ") for line in self.attributes.get(name, ()))
        return {payload_type: rest for payload_type, _, rest in pairs}


@dataclass(frozen=True, slots=True)
class VideoFormat:
    """How pictures are sent to one viewer."""

    payload_type: int
    rtx_payload_type: int | None
    parameters: str
    extension_ids: dict[str, int]


@dataclass(frozen=True, slots=True)
class Offer:
    """What a viewer wants, and what is needed to reach it."""

    sections: tuple[Section, ...]
    video: int  # index into ``sections``
    data: int | None
    bundled: frozenset[str]
    ufrag: str
    password: str
    fingerprints: tuple[tuple[str, str], ...]
    setup: str
    candidates: tuple[str, ...]

    @property
    def sctp_port(self) -> int:
        """Where the viewer's data channels are."""
        text = self.sections[self.data].first("sctp-port") if self.data is not None else None
        return int(text) if text and text.isdecimal() else SCTP_PORT

    def accepted(self) -> list[int]:
        """The sections that share our one transport."""
        mid = self.sections[self.video].first("mid")
        if mid not in self.bundled:
            return [self.video]
        return [
            index
            for index, section in enumerate(self.sections)
            if section.first("mid") in self.bundled
            and (index in {self.video, self.data} or section.kind == "audio")
        ]


@dataclass(frozen=True, slots=True)
class Ours:
    """What the answer says of our side."""

    session_id: int
    ufrag: str
    password: str
    fingerprints: tuple[tuple[str, str], ...]
    setup: str
    candidates: tuple[str, ...]
    ssrc: int
    rtx_ssrc: int
    cname: str


def parse_offer(text: str) -> Offer:
    """Read an offer; raises SdpError with the reason for what is malformed."""
    session, sections = _read(text)
    videos = [
        index
        for index, section in enumerate(sections)
        if section.kind == "video" and not {"inactive", "sendonly"} & section.attributes.keys()
    ]
    if not videos:
        msg = "the offer asks for no video: a recvonly m=video section is needed"
        raise UnsupportedOfferError(msg)
    video = sections[videos[0]]
    data = (
        index
        for index, section in enumerate(sections)
        if section.kind == "application" and "SCTP" in section.protocol
    )
    bundles = (line.split()[1:] for line in session.attributes.get("group", ()) if line.startswith("BUNDLE"))
    return Offer(
        sections=tuple(sections),
        video=videos[0],
        data=next(data, None),
        bundled=frozenset(next(bundles, ())),
        ufrag=_ice_text(_needed(video, session, "ice-ufrag"), "ice-ufrag", 4),
        password=_ice_text(_needed(video, session, "ice-pwd"), "ice-pwd", 22),
        fingerprints=_fingerprints(video, session),
        setup=video.first("setup") or session.first("setup") or "actpass",
        candidates=tuple(video.attributes.get("candidate", ())),
    )


def parse_candidates(fragment: str) -> tuple[str, ...]:
    """The candidates of a trickled fragment (RFC 8840)."""
    prefix = "a=candidate:"
    return tuple(
        line.strip().removeprefix(prefix) for line in fragment.splitlines() if line.startswith(prefix)
    )


def choose_video(offer: Offer, profile: str | None) -> VideoFormat:
    """Pick the offered H.264 that says what ``profile`` (as in an SDP) is; raises UnsupportedOfferError."""
    section = offer.sections[offer.video]
    names, parameters = section.by_format("rtpmap"), section.by_format("fmtp")
    suitable = [
        payload_type
        for payload_type in section.formats
        if names.get(payload_type, "").upper() == "H264/90000"
        and _parameter(parameters.get(payload_type, ""), "packetization-mode") == "1"
    ]
    if not suitable:
        msg = "the offer has no H264/90000 with packetization-mode=1, and edged sends nothing else"
        raise UnsupportedOfferError(msg)
    wanted = profile or _UNKNOWN_PROFILE
    chosen = max(suitable, key=lambda each: _fitness(_profile(parameters[each]), wanted))
    offered = _profile(parameters[chosen])
    # The profile of an answer is the offered one; the level is that of what we send.
    said = offered[:4] + wanted[4:]
    rtx = (
        each
        for each, text in parameters.items()
        if _parameter(text, "apt") == chosen and names.get(each, "").lower() == "rtx/90000"
    )
    return VideoFormat(
        payload_type=int(chosen),
        rtx_payload_type=next((int(each) for each in rtx if each.isdecimal()), None),
        parameters=f"level-asymmetry-allowed=1;packetization-mode=1;profile-level-id={said}",
        extension_ids=_extension_ids(section),
    )


def write_answer(offer: Offer, video: VideoFormat, ours: Ours) -> str:
    """Answer every section of the offer: video and data with ours, sound with silence, others with no."""
    accepted = offer.accepted()
    mids = " ".join(offer.sections[index].first("mid") or "" for index in accepted)
    lines = [
        "v=0",
        f"o=- {ours.session_id} 1 IN IP4 0.0.0.0",
        "s=edged",
        "t=0 0",
        *([f"a=group:BUNDLE {mids}"] if offer.bundled else []),
        "a=msid-semantic:WMS edged",
    ]
    for index, section in enumerate(offer.sections):
        if index not in accepted:
            lines += [f"m={section.kind} 0 {section.protocol} {' '.join(section.formats)}"]
            lines += ["c=IN IP4 0.0.0.0", *_mid(section), "a=inactive"]
        elif index == offer.video:
            lines += [*_video_lines(section, video, ours), *_transport_lines(ours)]
        elif index == offer.data:
            lines += [f"m=application 9 {section.protocol} webrtc-datachannel", "c=IN IP4 0.0.0.0"]
            lines += [*_mid(section), f"a=sctp-port:{SCTP_PORT}", f"a=max-message-size:{MAX_MESSAGE_BYTES}"]
            lines += _transport_lines(ours)
        else:
            lines += [*_silent_lines(section), *_transport_lines(ours)]
    return "\r\n".join(lines) + "\r\n"


def _read(text: str) -> tuple[Section, list[Section]]:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines or lines[0] != "v=0":
        msg = "not a session description: it must begin with v=0"
        raise SdpError(msg)
    session = current = Section("session", "", [])
    sections: list[Section] = []
    for number, line in enumerate(lines, 1):
        kind, equals, value = line.partition("=")
        if not equals or len(kind) != 1:
            msg = f"line {number} is not of the form <type>=<value>"
            raise SdpError(msg)
        if kind == "m":
            current = _section(value, number)
            sections.append(current)
        elif kind == "a":
            name, _, rest = value.partition(":")
            current.attributes.setdefault(name, []).append(rest)
    if not 0 < len(sections) <= MAX_SECTIONS:
        msg = f"an offer has 1 to {MAX_SECTIONS} m-sections, not {len(sections)}"
        raise SdpError(msg)
    return session, sections


def _section(value: str, number: int) -> Section:
    words = value.split()
    if len(words) < 4 or not words[1].split("/")[0].isdecimal():  # noqa: PLR2004 - media, port, protocol, formats
        msg = f"line {number} is no m-line: m=<media> <port> <protocol> <format> …"
        raise SdpError(msg)
    return Section(words[0], words[2], words[3:])


def _needed(section: Section, session: Section, name: str) -> str:
    value = section.first(name) or session.first(name)
    if not value:
        msg = f"the video section has no a={name}"
        raise SdpError(msg)
    return value


def _ice_text(value: str, name: str, at_least: int) -> str:
    if not re.fullmatch(rf"[a-zA-Z0-9+/=_-]{{{at_least},256}}", value):
        msg = f"a={name} is malformed"
        raise SdpError(msg)
    return value


def _fingerprints(section: Section, session: Section) -> tuple[tuple[str, str], ...]:
    lines = section.attributes.get("fingerprint") or session.attributes.get("fingerprint") or []
    pairs = [line.split() for line in lines]
    if not pairs or any(
        len(pair) != 2 or not re.fullmatch(r"[0-9a-fA-F]{2}(:[0-9a-fA-F]{2})+", pair[1])  # noqa: PLR2004
        for pair in pairs
    ):
        msg = "the video section has no a=fingerprint of the form <hash> <hex:hex:…>"
        raise SdpError(msg)
    return tuple((pair[0].lower(), pair[1]) for pair in pairs)


def _parameter(text: str, name: str) -> str | None:
    pairs = (part.strip().partition("=") for part in text.split(";"))
    return next((value for key, _, value in pairs if key.lower() == name), None)


def _profile(parameters: str) -> str:
    profile = (_parameter(parameters, "profile-level-id") or "").lower()
    return profile if re.fullmatch(r"[0-9a-f]{6}", profile) else "420010"


def _fitness(offered: str, wanted: str) -> tuple[bool, bool, int]:
    """Exactly what we send, then at least its profile, then the most able decoder that was offered."""
    rise = _PROFILES_BY_RISE.index(offered[:2]) if offered[:2] in _PROFILES_BY_RISE else -1
    return offered[:4] == wanted[:4], offered[:2] == wanted[:2], rise


def _extension_ids(section: Section) -> dict[str, int]:
    found = {}
    for line in section.attributes.get("extmap", ()):
        number, _, uri = line.partition(" ")
        number = number.split("/")[0]
        if uri in EXTENSIONS and number.isdecimal() and 1 <= int(number) <= MAX_ONE_BYTE_ID:
            found[uri] = int(number)
    return found


def _mid(section: Section) -> list[str]:
    mid = section.first("mid")
    return [f"a=mid:{mid}"] if mid else []


def _transport_lines(ours: Ours) -> list[str]:
    return [
        f"a=ice-ufrag:{ours.ufrag}",
        f"a=ice-pwd:{ours.password}",
        *(f"a=fingerprint:{name} {value}" for name, value in ours.fingerprints),
        f"a=setup:{ours.setup}",
        *(f"a=candidate:{candidate}" for candidate in ours.candidates),
        "a=end-of-candidates",
    ]


def _video_lines(section: Section, video: VideoFormat, ours: Ours) -> list[str]:
    number, rtx = video.payload_type, video.rtx_payload_type
    lines = [
        f"m=video 9 {section.protocol} {number}{'' if rtx is None else f' {rtx}'}",
        "c=IN IP4 0.0.0.0",
        *_mid(section),
        "a=sendonly",
        "a=rtcp-mux",
        *(f"a=extmap:{number} {uri}" for uri, number in video.extension_ids.items()),
        f"a=rtpmap:{number} H264/90000",
        f"a=fmtp:{number} {video.parameters}",
        *(f"a=rtcp-fb:{number} {feedback}" for feedback in FEEDBACK),
    ]
    if rtx is not None:
        lines += [f"a=rtpmap:{rtx} rtx/90000", f"a=fmtp:{rtx} apt={number}"]
        lines += [f"a=ssrc-group:FID {ours.ssrc} {ours.rtx_ssrc}"]
    for ssrc in [ours.ssrc, *([] if rtx is None else [ours.rtx_ssrc])]:
        lines += [f"a=ssrc:{ssrc} cname:{ours.cname}", f"a=ssrc:{ssrc} msid:edged video"]
    return [*lines, "a=msid:edged video"]


def _silent_lines(section: Section) -> list[str]:
    """Accept what was offered first, and send nothing: some players wait for a whole answer."""
    number = section.formats[0]
    name = section.by_format("rtpmap").get(number)
    return [
        f"m={section.kind} 9 {section.protocol} {number}",
        "c=IN IP4 0.0.0.0",
        *_mid(section),
        "a=inactive",
        "a=rtcp-mux",
        *([f"a=rtpmap:{number} {name}"] if name else []),
    ]
