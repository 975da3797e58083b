"""Every setting in force as rows to read: its value without secrets, and where it comes from."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from pydantic import BaseModel, SecretStr

from edged.config.settings import CAMERA_SECRETS
from edged.core.redact import HIDDEN, redact

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from edged.config.settings import CameraSettings, Settings

DEFAULT, FILE, COMMAND = "default", "file", "command"


class Row(NamedTuple):
    """One setting."""

    path: str
    value: str
    origin: str  # default, file, the section or variable it is from, or command

    @property
    def key(self) -> str:
        """The last part of the path."""
        return self.path.rpartition(".")[2]


def rows(
    settings: Settings, in_force: Mapping[str, CameraSettings], environ: Mapping[str, str] = os.environ
) -> list[Row]:
    """List every setting; ``in_force`` has each camera with what commands have changed."""
    variables = {name.upper() for name in environ if name.startswith("EDGED_")}
    found: list[Row] = []
    for section in type(settings).model_fields:
        table = getattr(settings, section)
        if isinstance(table, BaseModel):
            found += _table(section, table, variables)
    for camera_id, camera in settings.cameras.items():
        path, effective = f"cameras.{camera_id}", in_force.get(camera_id, camera)
        found += [_commanded(row, camera, effective) for row in _table(path, camera, variables)]
        for name in ("detect", "track"):
            common, own = getattr(settings, name), getattr(camera, name)
            for row in _table(f"{path}.{name}", own, variables):
                inherited = _inherited(row, common, own)
                found.append(_commanded(inherited, own, getattr(effective, name)))
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


def _inherited(row: Row, common: BaseModel, own: BaseModel) -> Row:
    """Name the common section where a camera's value is the one that stands there."""
    is_common = row.key in common.model_fields_set and getattr(common, row.key) == getattr(own, row.key)
    return row._replace(origin=f"[{row.path.split('.')[-2]}]") if row.origin == FILE and is_common else row


def _commanded(row: Row, own: BaseModel, effective: BaseModel) -> Row:
    """Show what a command has put in the place of the configured value."""
    now = getattr(effective, row.key)
    return row if now == getattr(own, row.key) else row._replace(value=_shown(row.key, now), origin=COMMAND)


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
