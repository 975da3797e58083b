"""The step in which the broker is named and tried."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edged.config import MqttSettings
from edged.core.errors import EdgedError
from edged.publish import address, probe_broker
from edged.setup.talk import SKIP

if TYPE_CHECKING:
    from edged.setup.answers import Answers
    from edged.setup.talk import Talk

Given = dict[str, str | int]


def broker(answers: Answers, talk: Talk) -> bool:
    """Try the broker that is known, or ask for one; whether it has worked, or none is wanted."""
    if answers.broker is not None:
        return _try(answers.broker, talk)
    talk.heading("The MQTT broker, which tells the house what is seen.")
    while talk.has_somebody:
        host = talk.question(f"Its name or address, with :port if not 1883 (Enter: localhost; {SKIP}: none)")
        if host == SKIP:
            return True
        given = parsed(host or "localhost")
        if username := talk.question("User (Enter: none)"):
            given |= {"username": username, "password": talk.secret("Password")}
        worked = _try(given, talk)
        if worked or talk.agrees("Keep it all the same?"):
            answers.broker = given
            return worked
    return True


def parsed(given: str) -> Given:
    """Read ``host`` or ``host:port``; an address of IPv6 with a port needs its brackets."""
    host, colon, port = given.rpartition(":")
    if colon and port.isdecimal() and (":" not in host or host.endswith("]")):
        return {"host": host.strip("[]"), "port": int(port)}
    return {"host": given.strip("[]")}


def _try(given: Given, talk: Talk) -> bool:
    try:
        settings = MqttSettings.model_validate(given)
    except ValueError:
        talk.say(f"broker: {str(given['host'])[:64]!a} is no name or address of a machine")
        return False
    try:
        protocol = probe_broker(settings)
    except EdgedError as error:
        talk.say(f"broker: {error}")
        return False
    talk.say(f"broker: {address(settings)} speaks {protocol.value}")
    return True
