"""Offers of real players are answered as they need it; what is malformed is refused with a reason."""

from __future__ import annotations

import random

import pytest

from edged.serve.webrtc.sdp import (
    ABS_SEND_TIME,
    Offer,
    Ours,
    SdpError,
    UnsupportedOfferError,
    choose_video,
    parse_candidates,
    parse_offer,
    write_answer,
)

HEAD = ["v=0", "o=- 1 2 IN IP4 127.0.0.1", "s=-", "t=0 0", "a=group:BUNDLE 0 1 2"]
FINGERPRINT = ":".join(["AB"] * 32)
TRANSPORT = [
    "a=ice-ufrag:abcd",
    "a=ice-pwd:0123456789012345678901",
    f"a=fingerprint:sha-256 {FINGERPRINT}",
    "a=setup:actpass",
    "a=rtcp-mux",
]
VIDEO = [
    "m=video 9 UDP/TLS/RTP/SAVPF 96 97 102 103 104 105 108",
    *TRANSPORT,
    "a=mid:0",
    "a=recvonly",
    f"a=extmap:2 {ABS_SEND_TIME}",
    "a=rtpmap:96 VP8/90000",
    "a=rtpmap:97 rtx/90000",
    "a=fmtp:97 apt=96",
    "a=rtpmap:102 H264/90000",
    "a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
    "a=rtpmap:103 rtx/90000",
    "a=fmtp:103 apt=102",
    "a=rtpmap:104 H264/90000",
    "a=fmtp:104 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=4d001f",
    "a=rtpmap:105 rtx/90000",
    "a=fmtp:105 apt=104",
    "a=rtpmap:108 H264/90000",
    "a=fmtp:108 level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=64001f",
]
AUDIO = [
    "m=audio 9 UDP/TLS/RTP/SAVPF 111 0",
    *TRANSPORT,
    "a=mid:1",
    "a=recvonly",
    "a=rtpmap:111 opus/48000/2",
]
DATA = ["m=application 9 UDP/DTLS/SCTP webrtc-datachannel", *TRANSPORT, "a=mid:2", "a=sctp-port:5000"]
OURS = Ours(
    7,
    "ours",
    "p" * 22,
    (("sha-256", FINGERPRINT),),
    "passive",
    ("1 1 udp 1 127.0.0.1 5 typ host",),
    11,
    12,
    "c",
)


def text(*parts: list[str]) -> str:
    return "\r\n".join(line for part in parts for line in part) + "\r\n"


def answer(offer: Offer, profile: str | None = "4d401e") -> str:
    return write_answer(offer, choose_video(offer, profile), OURS)


def sections(sdp: str) -> list[list[str]]:
    return [["m=" + lines[0], *lines[1:]] for lines in map(str.splitlines, sdp.split("m=")[1:])]


def test_the_profile_of_the_camera_is_chosen_and_its_level_said() -> None:
    offer = parse_offer(text(HEAD, VIDEO))
    chosen = choose_video(offer, "4d4028")
    assert (chosen.payload_type, chosen.rtx_payload_type) == (104, 105)
    assert "profile-level-id=4d0028" in chosen.parameters
    assert choose_video(offer, "42e01e").payload_type == 102
    assert choose_video(offer, "64001f").payload_type == 104  # the most able of what is offered
    assert chosen.extension_ids == {ABS_SEND_TIME: 2}


def test_a_player_that_also_wants_sound_gets_a_whole_answer() -> None:
    """What go2rtc sends: video and sound, all candidates at once."""
    offer = parse_offer(text(HEAD, AUDIO, VIDEO, DATA))
    sdp = answer(offer)
    sound, video, data = sections(sdp)
    assert "a=group:BUNDLE 1 0 2" in sdp
    assert sound[0] == "m=audio 9 UDP/TLS/RTP/SAVPF 111"
    assert {"a=inactive", "a=mid:1", "a=rtpmap:111 opus/48000/2"} <= set(sound)
    assert {"a=sendonly", "a=mid:0", "a=rtcp-fb:104 nack", "a=setup:passive"} <= set(video)
    assert data[0] == "m=application 9 UDP/DTLS/SCTP webrtc-datachannel"


def test_what_does_not_share_the_transport_is_refused_alone() -> None:
    offer = parse_offer(text([*HEAD[:-1], "a=group:BUNDLE 0"], AUDIO, VIDEO))
    sound, video = sections(answer(offer))
    assert sound[0].startswith("m=audio 0 ")
    assert video[0].startswith("m=video 9 ")


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param([HEAD, AUDIO], id="no video"),
        pytest.param([HEAD, [line.replace("recvonly", "sendonly") for line in VIDEO]], id="video of its own"),
        pytest.param([HEAD, [line for line in VIDEO if "H264" not in line]], id="no H.264"),
    ],
)
def test_an_offer_that_asks_for_nothing_we_have(parts: list[list[str]]) -> None:
    with pytest.raises(UnsupportedOfferError, match="offer"):
        answer(parse_offer(text(*parts)))


@pytest.mark.parametrize(
    ("sdp", "reason"),
    [
        ("", "must begin with v=0"),
        ("hello", "must begin with v=0"),
        ("v=0\r\nnonsense\r\n", "line 2"),
        ("v=0\r\nm=video\r\n", "line 2 is no m-line"),
        (text(HEAD), "1 to 16 m-sections, not 0"),
        (text(HEAD, *[VIDEO] * 17), "1 to 16 m-sections, not 17"),
        (text(HEAD, [line for line in VIDEO if "ufrag" not in line]), "a=ice-ufrag"),
        (text(HEAD, [line for line in VIDEO if "ice-pwd" not in line]), "a=ice-pwd"),
        (text(HEAD, [line.replace("abcd", "a b") for line in VIDEO]), "a=ice-ufrag is malformed"),
        (text(HEAD, [line for line in VIDEO if "fingerprint" not in line]), "a=fingerprint"),
        (text(HEAD, [line.replace(FINGERPRINT, "xyz") for line in VIDEO]), "a=fingerprint"),
    ],
)
def test_malformed_offers_are_refused_with_a_reason(sdp: str, reason: str) -> None:
    with pytest.raises(SdpError, match=reason):
        parse_offer(sdp)


def test_a_thousand_broken_offers_raise_nothing_but_the_reason() -> None:
    rng = random.Random(4)  # noqa: S311 - the same rubbish each time
    whole = text(HEAD, AUDIO, VIDEO, DATA)
    reasons = []
    for _ in range(1000):
        broken = list(whole)
        for _ in range(rng.randint(1, 40)):
            broken[rng.randrange(len(broken))] = chr(rng.choice([0, 10, 32, 48, 61, 109, 97, 0x1F600]))
        try:
            answer(parse_offer("".join(broken[: rng.randint(1, len(broken))])))
        except SdpError as error:
            reasons.append(str(error))
    assert len(reasons) > 500
    assert all(reasons)


def test_trickled_candidates_are_found() -> None:
    fragment = "a=ice-ufrag:x\r\na=candidate:1 1 udp 2 192.0.2.1 5000 typ host\r\na=end-of-candidates\r\n"
    assert parse_candidates(fragment) == ("1 1 udp 2 192.0.2.1 5000 typ host",)
