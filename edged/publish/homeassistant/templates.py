"""What Home Assistant is to read out of our payloads, in its template language.

A fact that is not there, such as a camera that health does not know yet, reads as None: that is unknown,
while a template that fails would be an error in Home Assistant's log.
"""

from __future__ import annotations

import json


def health(path: str) -> str:
    """One number of the box's health, such as ``box.cpu_percent``."""
    section, key = path.split(".")
    return f"{{{{ (value_json.{section} or {{}}).get('{key}') }}}}"


def camera_health(camera_id: str, key: str) -> str:
    """One number of a camera's health."""
    return f"{{{{ {_camera(camera_id)}.get('{key}') }}}}"


def camera_reason(camera_id: str) -> str:
    """Where a camera stands and why, as attributes: they change only when its state does."""
    facts = "{'stream': c.get('state'), 'why': c.get('why')}"  # Home Assistant keeps "state" for itself
    return f"{{% set c = {_camera(camera_id)} %}}{{{{ {facts} | tojson }}}}"


def occupancy(place: str, label: str) -> str:
    """Whether a label is in a place."""
    return f"{place}.get('occupancy', {{}}).get({_text(label)})"


def count(place: str, label: str) -> str:
    """How many of a label are in a place."""
    return f"{{{{ {place}.get('counts', {{}}).get({_text(label)}) }}}}"


def total(line: str, direction: str) -> str:
    """How often a line was crossed in one direction."""
    return f"{{{{ value_json.lines.get({_text(line)}, {{}}).get({_text(direction)}) }}}}"


def setting(key: str) -> str:
    """A setting in force."""
    return f"{{{{ value_json.settings.{key} }}}}"


def visit_event(zone: str) -> str:
    """Somebody enters or leaves a zone; nothing for every other event."""
    kinds = "{'zone_entered': 'entered', 'zone_left': 'left'}"
    facts = "'label': e.track.label, 'track_id': e.track.track_id, 'dwell_s': e.dwell_s, 'id': e.id"
    return _event(f"e.get('zone') == {_text(zone)}", f"'event_type': {kinds}[e.type], {facts}")


def crossing_event(line: str) -> str:
    """Somebody crosses a line; nothing for every other event."""
    facts = "'label': e.track.label, 'track_id': e.track.track_id, 'id': e.id"
    return _event(f"e.get('line') == {_text(line)}", f"'event_type': e.direction, {facts}")


def _event(condition: str, facts: str) -> str:
    return f"{{% set e = value_json %}}{{% if {condition} %}}{{{{ {{{facts}}} | tojson }}}}{{% endif %}}"


def _camera(camera_id: str) -> str:
    return f"value_json.cameras.get({_text(camera_id)}, {{}})"


def _text(name: str) -> str:
    return json.dumps(name, ensure_ascii=False)
