"""From a file and the environment to Settings, or to a list of everything that is wrong.

Order, later wins: defaults, the file, ``EDGED_SECTION__KEY`` variables. ``${NAME}`` inside a string is
replaced from the environment. A secret comes from its key, from the file that ``<key>_file`` names, or
from a systemd credential named after its path (``mqtt.password``, ``cameras.front.url``).
"""

from __future__ import annotations

import difflib
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import tomli
from pydantic import BaseModel, ValidationError

from edged.config.settings import RESERVED_CAMERA_IDS, CameraSettings, Settings
from edged.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydantic.fields import FieldInfo
    from pydantic_core import ErrorDetails

Table = dict[str, Any]
Path_ = tuple[str, ...]

DEFAULT_FILE = Path("/etc/edged.toml")
PREFIX = "EDGED_"
SECRET_KEYS = frozenset({"password", "token"})
SECTION_SECRETS: tuple[Path_, ...] = (("mqtt", "password"), ("http", "token"))
CAMERA_SECRETS = ("url", "detect_url")


def load(file: Path, environ: Mapping[str, str] = os.environ) -> Settings:
    """Read ``file``; raises ConfigError with every problem in it."""
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(
            [f"{file}: no such file: write one (see etc/edged.toml) or name it with --config"]
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([f"{file}: cannot be read: {error}"]) from None
    return load_text(text, file, environ)


def load_text(text: str, file: Path, environ: Mapping[str, str] = os.environ) -> Settings:
    """Read ``text`` as if it stood in ``file``; relative paths in it start from the file's folder."""
    try:
        raw: Table = tomli.loads(text)
    except tomli.TOMLDecodeError as error:
        line = text.splitlines()[error.lineno - 1].strip() if error.lineno <= text.count("\n") + 1 else ""
        raise ConfigError([f"{file}:{error.lineno}: {error.msg}: {hide_user_info(line)}"]) from None
    loader = _Loader(file, raw, environ)
    settings = loader.settings()
    if settings is None:
        raise ConfigError(loader.problems)
    return settings


def hide_user_info(text: str) -> str:
    """Return ``text`` with the user and password of any address in it hidden."""
    return re.sub(r"(\w+://)[^/\s\"']*@", r"\1***@", text)


class _Loader:
    """One pass over one configuration; collects problems instead of stopping at the first."""

    def __init__(self, file: Path, raw: Table, environ: Mapping[str, str]) -> None:
        self._file = file
        self._raw = raw
        self._environ = environ
        self.problems: list[str] = []
        self._reported: set[Path_] = set()

    def settings(self) -> Settings | None:
        """Return the settings, or None when there are problems."""
        self._overlay_environment()
        self._raw = self._interpolated(self._raw, ())
        self._read_secrets()
        inherited = self._inherit_camera_defaults()
        self._make_paths_absolute()
        self._refuse_reserved_ids()
        try:
            settings = Settings.model_validate(self._raw)
        except ValidationError as error:
            self.problems += [
                self._describe(detail) for detail in error.errors() if self._is_news(detail, inherited)
            ]
            return None
        return None if self.problems else settings

    def _problem(self, path: Path_, text: str) -> None:
        self._reported.add(path)
        self.problems.append(f"{self._file}: {'.'.join(path)}: {text}")

    def _overlay_environment(self) -> None:
        """Lay ``EDGED_A__B=value`` over the file; a value is TOML where it parses, else a plain string."""
        for name, value in sorted(self._environ.items()):
            if not name.startswith(PREFIX):
                continue
            parts = name.removeprefix(PREFIX).split("__")
            if len(parts) == 1:
                self._check_single_underscore(name)
                continue
            table = self._raw
            for part in parts[:-1]:
                child = table.setdefault(_matching_key(table, part), {})
                if not isinstance(child, dict):
                    self.problems.append(f"environment: {name}: {part.lower()} is not a section of the file")
                    break
                table = child
            else:
                table[_matching_key(table, parts[-1])] = _environment_value(value)

    def _check_single_underscore(self, name: str) -> None:
        """Say so when EDGED_MQTT_HOST was written for EDGED_MQTT__HOST, instead of ignoring it."""
        section, _, key = name.removeprefix(PREFIX).partition("_")
        if key and section.lower() in Settings.model_fields:
            self.problems.append(f"environment: {name}: unknown; did you mean {PREFIX}{section}__{key}?")

    def _interpolated(self, value: Any, path: Path_) -> Any:  # noqa: ANN401 - whatever TOML holds
        """Replace every ``${NAME}`` in the strings below ``path``."""
        if isinstance(value, dict):
            return {key: self._interpolated(child, (*path, key)) for key, child in value.items()}
        if isinstance(value, list):
            return [self._interpolated(child, path) for child in value]
        if isinstance(value, str):
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
        credential = Path(self._environ.get("CREDENTIALS_DIRECTORY", "/nonexistent"), ".".join(path))
        if file_key in table:
            secret_file = Path(self._file.parent, str(table.pop(file_key)))
            if key in table:
                self._problem(path, f"given twice: keep {key} or {file_key}")
                return
            file_path = (*path[:-1], file_key)
        elif key not in table and credential.is_file():
            secret_file, file_path = credential, path
        else:
            return
        try:
            table[key] = secret_file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            table[key] = ""
            reason = error.strerror if isinstance(error, OSError) else "not text"
            self._problem(file_path, f"{secret_file} cannot be read: {reason}")
            self._reported.add(path)

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
        ):
            table = self._raw.get(section)
            for key in keys:
                if isinstance(table, dict) and isinstance(table.get(key), str):
                    table[key] = str(Path(self._file.parent, Path(table[key]).expanduser()))

    def _refuse_reserved_ids(self) -> None:
        for camera_id in RESERVED_CAMERA_IDS & dict(_tables(self._raw.get("cameras"))).keys():
            self._problem(
                ("cameras", camera_id), "this id is taken by a topic of the box: choose another one"
            )

    def _is_news(self, detail: ErrorDetails, inherited: set[Path_]) -> bool:
        """Whether it is not yet reported, where a camera inherited it from or as an unread secret."""
        path = tuple(str(part) for part in detail["loc"])
        return path[:4] not in inherited and path not in self._reported

    def _describe(self, detail: ErrorDetails) -> str:
        """Make one line of one of pydantic's findings."""
        path = tuple(str(part) for part in detail["loc"] if part != "[key]")
        where = f"{self._file}: {'.'.join(path)}"
        if detail["type"] == "missing":
            return f"{where}: missing{_hint(path)}"
        if detail["type"] == "extra_forbidden":
            return f"{where}: unknown key{_did_you_mean(path)}"
        if "[key]" in detail["loc"]:
            return f"{where}: expected an id of letters, digits, _ and -, at most 64 of them"
        if detail["type"] == "path_not_file":
            return f"{where}{_shown(path, detail['input'])}: no such file"
        expected = detail["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
        return f"{where}{_shown(path, detail['input'])}: expected {expected}{_close_choice(detail)}"


def _tables(value: object) -> Iterator[tuple[str, Table]]:
    """Yield those members of a table that are tables; what is not is left for the schema to refuse."""
    if isinstance(value, dict):
        yield from ((key, child) for key, child in value.items() if isinstance(child, dict))


def _matching_key(table: Table, part: str) -> str:
    """Find the key that an upper-case variable part means: ids may have capitals and dashes."""
    wanted = part.lower()
    return next((key for key in table if key.lower().replace("-", "_") == wanted), wanted)


def _environment_value(text: str) -> Any:  # noqa: ANN401 - whatever TOML holds
    try:
        return tomli.loads(f"value = {text}")["value"]
    except tomli.TOMLDecodeError:
        return text


def _shown(path: Path_, value: object) -> str:
    """Return `` = value`` for the message, or nothing where it is a table or a secret."""
    if isinstance(value, dict):
        return ""
    if SECRET_KEYS & set(path):
        return " = ***"
    return f" = {hide_user_info(str(value))!r}" if isinstance(value, str) else f" = {value!r}"


def _hint(path: Path_) -> str:
    """Say how a missing key may be given, where it is not plain."""
    if path[-1] in CAMERA_SECRETS:
        return f': give {path[-1]} = "rtsp://…" or {path[-1]}_file'
    if path in {("model",), ("model", "file")}:
        return ': give file = "/path/to/model.onnx" in [model]'
    return ""


def _did_you_mean(path: Path_) -> str:
    close = difflib.get_close_matches(path[-1], _known_keys(path[:-1]), n=1, cutoff=0.6)
    return f"; did you mean {close[0]}?" if close else f"; known here: {', '.join(_known_keys(path[:-1]))}"


def _close_choice(detail: ErrorDetails) -> str:
    """Suggest the nearest of a closed set of words."""
    choices = re.findall(r"'([^']+)'", str(detail.get("ctx", {}).get("expected", "")))
    close = difflib.get_close_matches(str(detail["input"]), choices, n=1, cutoff=0.6)
    return f"; did you mean {close[0]}?" if close else ""


def _known_keys(path: Path_) -> list[str]:
    """Every key that may stand in the table at ``path``."""
    model: type[BaseModel] = Settings
    for part in path:
        if model is Settings and part == "cameras":
            model = CameraSettings
        elif part in model.model_fields:
            model = _section_of(model.model_fields[part]) or model
    keys = sorted(model.model_fields)
    secrets = [f"{key}_file" for key in keys if key in {*SECRET_KEYS, *CAMERA_SECRETS}]
    return keys + secrets


def _section_of(field: FieldInfo) -> type[BaseModel] | None:
    candidates = (field.annotation, *get_args(field.annotation))
    return next((kind for kind in candidates if isinstance(kind, type) and issubclass(kind, BaseModel)), None)
