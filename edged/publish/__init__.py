"""Over MQTT to the house: what is seen, what happens, how the box does; and commands back."""

from edged.publish.album import Album
from edged.publish.announcer import Announcer
from edged.publish.homeassistant import Installation
from edged.publish.probe import probe_broker
from edged.publish.publisher import Publisher
from edged.publish.reasons import address

__all__ = [
    "Album",
    "Announcer",
    "Installation",
    "Publisher",
    "address",
    "probe_broker",
]
