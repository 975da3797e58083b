"""MQTT discovery: Home Assistant is told what there is and understands it without any add-on."""

from edged.publish.homeassistant.discovery import Discovery
from edged.publish.homeassistant.entities import Installation

__all__ = ["Discovery", "Installation"]
