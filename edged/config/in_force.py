"""Every setting in force as rows to read: its value without secrets, and where it comes from."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from pydantic import BaseModel, SecretStr

from edged.config.settings import CAMERA_SECRETS
from edged.core.redact import HIDDEN, redact

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from edged.config.settings import DetectSettings, Settings

DEFAULT, FILE, COMMAND = "default", "file", "command"


class Row(NamedTuple):
    """One setting."""

    path: str
    value: str
    origin: str  # default, file, the section or variable it is from, or command


def rows(
    settings: Settings, in_force: Mapping[str, DetectSettings], environ: Mapping[str, str] = os.environ
) -> list[Row]:
    """List every setting; ``in_force`` has each camera's detection with what commands changed."""
    variables = {name.upper() for name in environ if name.startswith("EDGED_")}
    found: list[Row] = []
    for section in type(settings).model_fields:
        table = getattr(settings, section)
        if isinstance(table, BaseModel):
            found += _table(section, table, variables)
    for camera_id, camera in settings.cameras.items():
        path = f"cameras.{camera_id}"
        found += _table(path, camera, variables)
        for name in ("detect", "track"):
            common, own = getattr(settings, name), getattr(camera, name)
            effective = in_force.get(camera_id, own) if name == "detect" else own
            for row in _table(f"{path}.{name}", own, variables):
                key = row.path.rpartition(".")[2]
                found.append(_inherited(row, key, common, own, effective))
    return found


def secrets(settings: Settings) -> list[str]:
    """List what must never be shown, for whoever has to take it out of a text; longest first."""
    held = [
        value.get_secret_value()
        for section in type(settings).model_fields
        if isinstance(table := getattr(settings, section), BaseModel)
        for key in type(table).model_fields
        if isinstance(value := getattr(table, key), SecretStr)
    ]
    for camera in settings.cameras.values():
        for url in (camera.url, camera.detect_url):
            user_info = (url or "").partition("://")[2].rpartition("@")[0]
            held += [part for part in (user_info, user_info.partition(":")[2]) if part]
    return sorted(set(held), key=len, reverse=True)


def _table(path: str, table: BaseModel, variables: set[str]) -> Iterator[Row]:
    for key in type(table).model_fields:
        value = getattr(table, key)
        if isinstance(value, BaseModel):
            continue
        name = f"{path}.{key}"
        variable = f"EDGED_{name.upper().replace('-', '_').replace('.', '__')}"
        given = variable if variable in variables else FILE
        yield Row(name, _shown(key, value), given if key in table.model_fields_set else DEFAULT)


def _inherited(row: Row, key: str, common: BaseModel, own: BaseModel, effective: BaseModel) -> Row:
    """Say where a camera's own value comes from when it is not the camera's own."""
    now = getattr(effective, key)
    if now != getattr(own, key):
        return row._replace(value=_shown(key, now), origin=COMMAND)
    if row.origin == FILE and key in common.model_fields_set and getattr(common, key) == now:
        return row._replace(origin=f"[{row.path.split('.')[-2]}]")
    return row


def _shown(key: str, value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, SecretStr):
        return HIDDEN
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple | list):
        return ", ".join(map(str, value))
    return redact(str(value)) if key in CAMERA_SECRETS else str(value)
