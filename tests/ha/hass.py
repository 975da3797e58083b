"""A whole Home Assistant with nothing but its MQTT integration; run by the Python that it is installed for.

    python hass.py FOLDER BROKER_PORT

It is put together by hand, for Home Assistant's own start insists on its whole user interface. It answers
each line of standard input, a JSON object with ``do``, with a line of JSON: ``states``, ``call`` of a
service, ``devices`` and ``stop``. Its log goes to standard error.
"""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import sys
from pathlib import Path
from typing import Any

from homeassistant import auth, bootstrap, config_entries, core, loader
from homeassistant.helpers import device_registry, entity_registry
from homeassistant.setup import async_setup_component

ENTRY = {
    "entry_id": "mqtt",
    "version": 1,
    "minor_version": 1,
    "domain": "mqtt",
    "title": "broker",
    "options": {},
    "pref_disable_new_entities": False,
    "pref_disable_polling": False,
    "source": "user",
    "unique_id": None,
    "disabled_by": None,
    "created_at": "2024-01-01T00:00:00+00:00",
    "modified_at": "2024-01-01T00:00:00+00:00",
    "discovery_keys": {},
    "subentries": [],
}


def prepare(folder: Path, port: int) -> None:
    """Write what its user interface would have written when somebody set up MQTT."""
    (folder / ".storage").mkdir(parents=True, exist_ok=True)
    (folder / "configuration.yaml").write_text(
        "homeassistant:\n  unit_system: metric\nlogger:\n  default: warning\n"
    )
    entry = {**ENTRY, "data": {"broker": "127.0.0.1", "port": port}}
    store = {"version": 1, "minor_version": 1, "key": "core.config_entries", "data": {"entries": [entry]}}
    file = folder / ".storage" / "core.config_entries"
    if not file.exists():
        file.write_text(json.dumps(store))


async def main(folder: Path, port: int) -> None:
    prepare(folder, port)
    hass = core.HomeAssistant(str(folder))
    hass.config.skip_pip = True
    hass.config.location_name = "test"
    loader.async_setup(hass)
    hass.config_entries = config_entries.ConfigEntries(hass, {})
    await bootstrap.async_load_base_functionality(hass)
    hass.auth = await auth.auth_manager_from_config(hass, [{"type": "homeassistant"}], [])
    http = {"http": {"server_host": "127.0.0.1", "server_port": free_port()}}
    for domain in ("homeassistant", "http", "mqtt"):
        assert await async_setup_component(hass, domain, http), domain
    await hass.async_start()
    say({"ready": True})
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    while line := await reader.readline():
        request = json.loads(line)
        if request["do"] == "stop":
            break
        say(await answer(hass, request))
    await hass.async_stop(force=True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def answer(hass: Any, request: dict[str, Any]) -> Any:
    if request["do"] == "call":
        domain, service = request["service"].split(".")
        await hass.services.async_call(domain, service, request["data"], blocking=True)
        return {}
    if request["do"] == "devices":
        devices = device_registry.async_get(hass).devices
        names = {each.id: each.name for each in devices.values()}
        return [{"name": each.name, "via": names.get(each.via_device_id)} for each in devices.values()]
    registered = {e.entity_id for e in entity_registry.async_get(hass).entities.values()}
    return {
        "registered": sorted(registered),
        "states": {
            state.entity_id: {"state": state.state, "attributes": plain(state.attributes)}
            for state in hass.states.async_all()
            if state.entity_id in registered
        },
    }


def plain(attributes: Any) -> Any:
    return json.loads(json.dumps(dict(attributes), default=str))


def say(facts: Any) -> None:
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
