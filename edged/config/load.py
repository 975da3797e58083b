"""From a file and the environment to Settings, or to a list of everything that is wrong.

Order, later wins: defaults, the file, ``EDGED_SECTION__KEY`` variables. ``${NAME}`` inside a string of the
file is replaced from the environment. A secret comes from its key, from the file that ``<key>_file`` names,
or from a systemd credential named after its path (``mqtt.password``, ``cameras.front.url``).
"""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args, get_origin

import tomli
from pydantic import SecretStr, ValidationError

from edged.config.settings import (
    CAMERA_SECRETS,
    RESERVED_CAMERA_IDS,
    SECRET_FILE_KEYS,
    SECRET_KEYS,
    SECTION_SECRETS,
    Settings,
    fields_at,
)
from edged.config.wording import describe, key_path, not_toml
from edged.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydantic.fields import FieldInfo
    from pydantic_core import ErrorDetails

Table = dict[str, Any]
Path_ = tuple[str, ...]

DEFAULT_FILE = Path("/etc/edged.toml")
PREFIX = "EDGED_"


def load(file: Path, environ: Mapping[str, str] = os.environ) -> Settings:
    """Read ``file``; raises ConfigError with every problem in it."""
    try:
        text = file.read_text(encoding="utf-8-sig")  # editors of other systems put a mark at the start
    except FileNotFoundError:
        raise ConfigError(
            [f"{file}: no such file: write one (see etc/edged.toml) or name it with --config"]
        ) from None
    except OSError as error:
        raise ConfigError([f"{file}: cannot be read: {error.strerror}"]) from None
    except UnicodeDecodeError:
        raise ConfigError([f"{file}: is not text in UTF-8: save it as UTF-8"]) from None
    return load_text(text, file, environ)


def load_text(text: str, file: Path, environ: Mapping[str, str] = os.environ) -> Settings:
    """Read ``text`` as if it stood in ``file``; relative paths in it start from the file's folder."""
    try:
        raw: Table = tomli.loads(text)
    except tomli.TOMLDecodeError as error:
        raise ConfigError([f"{file}:{error.lineno}: {not_toml(text, error)}"]) from None
    loader = _Loader(file, raw, environ)
    settings = loader.settings()
    if settings is None:
        raise ConfigError(loader.problems)
    return settings


class _Loader:
    """One pass over one configuration; collects problems instead of stopping at the first."""

    def __init__(self, file: Path, raw: Table, environ: Mapping[str, str]) -> None:
        self._file = file
        self._raw = raw
        self._environ = environ
        self.problems: list[str] = []
        self._reported: set[Path_] = set()
        self._variables: dict[Path_, str] = {}  # the variable that each key was set by
        self._as_written: dict[Path_, str] = {}  # strings with ${NAME} in them, for messages

    def settings(self) -> Settings | None:
        """Return the settings, or None when there are problems."""
        self._raw = self._interpolated(self._raw, ())
        self._overlay_environment()
        self._read_secrets()
        inherited = self._inherit_camera_defaults()
        self._make_paths_absolute()
        self._refuse_reserved_ids()
        try:
            settings = Settings.model_validate(self._raw)
        except ValidationError as error:
            self.problems += [
                self._told(detail) for detail in error.errors() if self._is_news(detail, inherited)
            ]
            return None
        return None if self.problems else settings

    def _problem(self, path: Path_, text: str) -> None:
        self._reported.add(path)
        self.problems.append(f"{self._place(path)}: {text}")

    def _place(self, path: Path_) -> str:
        """Name where a setting was made: in the environment or in the file."""
        if path in self._variables:
            return f"environment: {self._variables[path]}"
        return f"{self._file}: {'.'.join(path)}"

    def _overlay_environment(self) -> None:
        """Lay ``EDGED_A__B=value`` over the file."""
        for name, value in sorted(self._environ.items()):
            if not name.startswith(PREFIX):
                continue
            parts = name.removeprefix(PREFIX).split("__")
            if len(parts) == 1:
                self._check_single_underscore(name)
            else:
                self._set_from_variable(name, parts, value)

    def _set_from_variable(self, name: str, parts: list[str], value: str) -> None:
        table, path = self._raw, Path_()
        for part in parts[:-1]:
            key = _matching_key(table, part)
            path = (*path, key)
            if key not in table:
                self._variables[path] = name
            table = table.setdefault(key, {})
            if not isinstance(table, dict):
                self.problems.append(
                    f"environment: {name}: {'.'.join(path)} is not a section in {self._file}"
                )
                return
        key = _matching_key(table, parts[-1])
        if key in SECRET_KEYS:
            table.pop(f"{key}_file", None)  # later wins, whichever way it is given
        elif key in SECRET_FILE_KEYS:
            table.pop(key.removesuffix("_file"), None)
        table[key] = _environment_value(value, fields_at(path).get(key))
        self._variables[*path, key] = name
        self._as_written.pop((*path, key), None)

    def _check_single_underscore(self, name: str) -> None:
        """Say so when EDGED_MQTT_HOST was written for EDGED_MQTT__HOST, instead of ignoring it."""
        for section in Settings.model_fields:
            start = f"{PREFIX}{section.upper()}_"
            if name.upper().startswith(start):
                meant = f"{start}_{name[len(start) :]}"
                self.problems.append(f"environment: {name}: unknown; did you mean {meant}?")

    def _interpolated(self, value: Any, path: Path_) -> Any:  # noqa: ANN401 - whatever TOML holds
        """Replace every ``${NAME}`` in the strings below ``path``."""
        if isinstance(value, dict):
            return {key: self._interpolated(child, (*path, key)) for key, child in value.items()}
        if isinstance(value, list):
            return [self._interpolated(child, (*path, str(n))) for n, child in enumerate(value)]
        if isinstance(value, str) and "${" in value:
            self._as_written[path] = value
            return re.sub(r"\$\{(\w+)\}", lambda match: self._variable(match[1], path), value)
        return value

    def _variable(self, name: str, path: Path_) -> str:
        if name not in self._environ:
            self._problem(path, f"${{{name}}} is not set in the environment")
        return self._environ.get(name, "")

    def _read_secrets(self) -> None:
        """Bring in each secret that stands outside of the file."""
        for section, key in SECTION_SECRETS:
            if isinstance(self._raw.setdefault(section, {}), dict):
                self._read_secret(self._raw[section], (section, key))
        for camera_id, camera in _tables(self._raw.get("cameras")):
            for key in CAMERA_SECRETS:
                self._read_secret(camera, ("cameras", camera_id, key))

    def _read_secret(self, table: Table, path: Path_) -> None:
        key = path[-1]
        file_key = f"{key}_file"
        file_path = (*path[:-1], file_key)
        credential = Path(self._environ.get("CREDENTIALS_DIRECTORY", "/nonexistent"), ".".join(path))
        if file_key in table:
            name = table.pop(file_key)
            if key in table:
                self._problem(file_path, f"given twice: keep {key} or {file_key}")
            elif isinstance(name, str):
                self._take_secret(table, path, self._absolute(name), file_path)
            else:
                self._problem(file_path, "expected the path of a file, in quotes")
                self._reported.add(path)
        elif key not in table and os.path.lexists(credential):
            self._take_secret(table, path, credential, path)

    def _take_secret(self, table: Table, path: Path_, file: Path, named_at: Path_) -> None:
        """Put the content of ``file`` where the secret belongs."""
        table[path[-1]] = ""
        self._reported.add(path)  # whatever goes wrong below is said once
        try:
            secret = file.read_text(encoding="utf-8-sig").strip()
        except OSError as error:
            self._problem(named_at, f"{file} cannot be read: {error.strerror}")
        except ValueError:
            self._problem(named_at, f"{file} cannot be read: it is not text in UTF-8")
        else:
            if secret:
                table[path[-1]] = secret
                self._reported.discard(path)
            else:
                self._problem(named_at, f"{file} is empty: write the {path[-1]} into it")

    def _absolute(self, name: str) -> Path:
        """Let a relative path start from the folder of the configuration, and ~ from the home."""
        path = Path(name)
        with contextlib.suppress(RuntimeError):  # no such user: the file will be found missing
            path = path.expanduser()
        return Path(self._file.parent, path)

    def _inherit_camera_defaults(self) -> set[Path_]:
        """Lay each camera's [detect] and [track] over the common ones; return the paths that it inherited."""
        inherited: set[Path_] = set()
        for camera_id, camera in _tables(self._raw.get("cameras")):
            for section in ("detect", "track"):
                common, own = self._raw.get(section, {}), camera.get(section, {})
                if isinstance(common, dict) and isinstance(own, dict):
                    inherited |= {("cameras", camera_id, section, key) for key in common.keys() - own.keys()}
                    camera[section] = {**common, **own}
        return inherited

    def _make_paths_absolute(self) -> None:
        for section, keys in (
            ("model", ("file", "labels_file")),
            ("mqtt", ("ca_file", "cert_file", "key_file")),
            ("http", ("cert_file", "key_file")),
        ):
            table = self._raw.get(section)
            for key in keys:
                if isinstance(table, dict) and isinstance(table.get(key), str):
                    table[key] = str(self._absolute(table[key]))

    def _refuse_reserved_ids(self) -> None:
        cameras = dict(_tables(self._raw.get("cameras")))
        self.problems += [
            f"{self._place(('cameras', camera_id))}: a topic of the box has this name: choose another id"
            for camera_id in sorted(RESERVED_CAMERA_IDS & cameras.keys())
        ]

    def _is_news(self, detail: ErrorDetails, inherited: set[Path_]) -> bool:
        """Whether it is not yet reported, where a camera inherited it from or as an unread secret."""
        path = tuple(str(part) for part in detail["loc"])
        reported = any(path[: len(known)] == known for known in self._reported)
        return path[:4] not in inherited and not reported

    def _told(self, detail: ErrorDetails) -> str:
        """Make one line of one of pydantic's findings."""
        path = key_path(detail)
        written = self._as_written.get(tuple(map(str, detail["loc"])), detail["input"])
        return f"{self._place(path)}{describe(detail, path, written)}"


def _tables(value: object) -> Iterator[tuple[str, Table]]:
    """Yield those members of a table that are tables; what is not is left for the schema to refuse."""
    if isinstance(value, dict):
        yield from ((key, child) for key, child in value.items() if isinstance(child, dict))


def _matching_key(table: Table, part: str) -> str:
    """Find the key that an upper-case variable part means: ids may have capitals and dashes."""
    wanted = part.lower()
    return next((key for key in table if key.lower().replace("-", "_") == wanted), wanted)


def _environment_value(text: str, field: FieldInfo | None) -> Any:  # noqa: ANN401 - whatever TOML holds
    """Read a number, a list, true or false as TOML has them; what is to be text stays as it is."""
    if field is None or _is_text(field):
        return text
    try:
        return tomli.loads(f"value = {text}")["value"]
    except (tomli.TOMLDecodeError, KeyError):
        return text


def _is_text(field: FieldInfo) -> bool:
    """Whether the field holds one string, so that 0815 and true are strings, too."""
    kinds = [field.annotation, *get_args(field.annotation)]
    kinds += [get_args(kind)[0] for kind in kinds if get_origin(kind) is Annotated]
    return get_origin(field.annotation) is not tuple and bool({str, SecretStr, Path} & set(kinds))
