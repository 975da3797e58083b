"""Why there is no broker, in words for the person who has to mend it."""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from paho.mqtt.properties import Properties
    from paho.mqtt.reasoncodes import ReasonCode

    from edged.config.settings import MqttSettings

SILENT = "the broker stopped answering"
MUTE = "something listens there but does not answer as a broker would"
CLOSED = "the broker closed the connection"

_NOT_AUTHORISED = frozenset({"Not authorized", "Bad user name or password"})


def address(settings: MqttSettings) -> str:
    """Name the broker; IPv6 addresses in brackets."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"{host}:{settings.port_in_use}"


def plain(code: ReasonCode) -> str:
    """Name a reason code as part of a sentence."""
    return code.getName().lower().replace("authorized", "authorised")


def said(properties: Properties | None) -> str:
    """What a broker that speaks MQTT 5 adds in its own words, cut and made fit for a log."""
    text = getattr(properties, "ReasonString", None)
    return f" ({ascii(text[:200])[1:-1]})" if text else ""


def why_unreachable(error: OSError | ValueError, settings: MqttSettings) -> str:
    """Say why no connection came to be."""
    where = address(settings)
    match error:
        case socket.gaierror() | UnicodeError():
            reason = f"cannot resolve host '{settings.host}'"
        case ssl.SSLCertVerificationError():
            reason = f"the certificate of {where} is not trusted: {error.verify_message}"
        case ssl.SSLError():
            detail = (getattr(error, "reason", None) or str(error)).replace("_", " ").lower()
            reason = f"TLS with {where} failed: {detail}"
        case TimeoutError():
            reason = f"no answer from {where}"
        case ConnectionResetError() if settings.tls:
            reason = f"TLS with {where} failed: connection closed; is this the broker's TLS port?"
        case ConnectionRefusedError():
            reason = f"connection refused by {where}; is the broker running?"
        case OSError(strerror=str(text)):
            reason = f"cannot reach {where}: {text.lower()}"
        case _:
            reason = f"cannot reach {where}: {error}"
    return reason


def why_unanswered(settings: MqttSettings) -> str:
    """Guess why there was a connection and then, instead of an answer, none."""
    # TLS 1.3 lets a broker ask for a certificate after we believe that the handshake is done.
    wish = "; perhaps it wants a client certificate" if settings.tls and not settings.cert_file else ""
    return f"{CLOSED} instead of answering{wish}"


def why_refused(code: ReasonCode, settings: MqttSettings, client_id: str) -> str:
    """Say why the broker does not let us in."""
    name = code.getName()
    if name in _NOT_AUTHORISED:
        who = f"user '{settings.username}'" if settings.username else "clients without a user name"
        return f"broker refuses {who}: {plain(code)}"
    if name == "Client identifier not valid":
        return f"broker refuses client_id '{client_id}'"
    return f"broker refuses the connection: {plain(code)}"


def why_ended(code: ReasonCode, client_id: str, *, by_packet: bool) -> str:
    """Say why a connection that stood has ended."""
    name = code.getName()
    if name == "Session taken over":
        return f"another client uses the same client_id '{client_id}'"
    if name == "Keep alive timeout" and not by_packet:
        return SILENT
    if by_packet:
        return f"{CLOSED}: {plain(code)}"
    return CLOSED


def kicked_again_and_again(client_id: str) -> str:
    """Guess what MQTT 3.1.1 has no words for."""
    return f"{CLOSED} again and again; perhaps another client uses the same client_id '{client_id}'"
