from __future__ import annotations

import errno
import os
import socket
import ssl

import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode

from edged.config import MqttSettings
from edged.publish import reasons

SETTINGS = MqttSettings(host="broker.lan", username="box")


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (socket.gaierror(-2, "Name or service not known"), "cannot resolve host 'broker.lan'"),
        (UnicodeError("label too long"), "cannot resolve host 'broker.lan'"),
        (TimeoutError("timed out"), "no answer from broker.lan:1883"),
        (
            ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"),
            "connection refused by broker.lan:1883; is the broker running?",
        ),
        (
            OSError(errno.EHOSTUNREACH, os.strerror(errno.EHOSTUNREACH)),
            "cannot reach broker.lan:1883: no route to host",
        ),
        (ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong"), "TLS with broker.lan:1883 failed: "),
        (ValueError("odd"), "cannot reach broker.lan:1883: odd"),
    ],
)
def test_what_cannot_be_reached_is_said_plainly(error: OSError | ValueError, reason: str) -> None:
    assert reasons.why_unreachable(error, SETTINGS).startswith(reason)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("Not authorized", "broker refuses user 'box': not authorised"),
        ("Bad user name or password", "broker refuses user 'box': bad user name or password"),
        ("Client identifier not valid", "broker refuses client_id 'edged-porch'"),
        ("Server busy", "broker refuses the connection: server busy"),
    ],
)
def test_a_refusal_names_whom_it_concerns(name: str, reason: str) -> None:
    code = ReasonCode(PacketTypes.CONNACK, name)
    assert reasons.why_refused(code, SETTINGS, "edged-porch") == reason


@pytest.mark.parametrize(
    ("name", "by_packet", "reason"),
    [
        ("Session taken over", True, "another client uses the same client_id 'edged-porch'"),
        ("Keep alive timeout", False, "the broker stopped answering"),
        ("Server shutting down", True, "the broker closed the connection: server shutting down"),
        ("Unspecified error", False, "the broker closed the connection"),
    ],
)
def test_an_end_is_said_plainly(name: str, reason: str, *, by_packet: bool) -> None:
    code = ReasonCode(PacketTypes.DISCONNECT, name)
    assert reasons.why_ended(code, "edged-porch", by_packet=by_packet) == reason


def test_an_address_of_ipv6_stands_in_brackets() -> None:
    assert reasons.address(MqttSettings(host="::1", tls=True)) == "[::1]:8883"
