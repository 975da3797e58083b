"""``edged setup``: from nothing to a configuration that works, trying everything as it goes.

Every step can be skipped; nothing is written before all of it is known, and no file is lost. Cameras are not
searched for: what finds them (WS-Discovery) does not know their RTSP address, and what asks for it (ONVIF)
needs their password and brings a SOAP stack with it.
"""

from edged.setup.answers import Answers, parse_cameras
from edged.setup.guide import guide
from edged.setup.talk import Talk

__all__ = ["Answers", "Talk", "guide", "parse_cameras"]
