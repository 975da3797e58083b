"""Over MQTT to the house: what is seen, what happens, how the box does; and commands back."""

from edged.publish.announcer import Announcer
from edged.publish.commands import Command, RestartCamera, SetConfidence, SetDetect, SetFps
from edged.publish.probe import probe_broker
from edged.publish.publisher import Publisher
from edged.publish.reasons import address

__all__ = [
    "Announcer",
    "Command",
    "Publisher",
    "RestartCamera",
    "SetConfidence",
    "SetDetect",
    "SetFps",
    "address",
    "probe_broker",
]
