"""From a file and the environment to Settings, or to a list of everything that is wrong.

Order, later wins: defaults, the file, ``EDGED_SECTION__KEY`` variables. ``${NAME}`` inside a string of the
file is replaced from the environment. A secret comes from its key, from the file that ``<key>_file`` names,
or from a systemd credential named after its path (``mqtt.password``, ``cameras.front.url``).
"""

from __future__ import annotations

import contextlib
import difflib
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args, get_origin

import tomli
from pydantic import BaseModel, SecretStr, ValidationError

from edged.config.settings import PATTERNS, RESERVED_CAMERA_IDS, CameraSettings, Settings
from edged.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydantic.fields import FieldInfo
    from pydantic_core import ErrorDetails

Table = dict[str, Any]
Path_ = tuple[str, ...]

DEFAULT_FILE = Path("/etc/edged.toml")
PREFIX = "EDGED_"
SECTION_SECRETS = (("mqtt", "password"), ("http", "token"), ("webrtc", "turn_password"))
CAMERA_SECRETS = ("url", "detect_url")
SECRET_KEYS = frozenset({"password", "token", "turn_password", *CAMERA_SECRETS})
SECRET_FILE_KEYS = frozenset(f"{key}_file" for key in SECRET_KEYS)


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
        raise ConfigError([f"{file}:{error.lineno}: {_not_toml(text, error)}"]) from None
    loader = _Loader(file, raw, environ)
    settings = loader.settings()
    if settings is None:
        raise ConfigError(loader.problems)
    return settings


def _not_toml(text: str, error: tomli.TOMLDecodeError) -> str:
    """Say what is wrong with the line, by its key or section alone: the rest may hold a secret."""
    lines = text.split("\n")
    line = lines[error.lineno - 1] if error.lineno <= len(lines) else ""
    found = re.match(r"\s*(\[+[\w.-]+|[\w.-]+(?=\s*=))", line)
    key = f"{found[1]}: " if found else ""
    if error.msg.startswith("Invalid value"):
        return f"{key}not a value: text needs quotes around it"
    if error.msg.startswith(("Cannot declare", "Cannot overwrite")):
        return f"{key}stands here for the second time: keep one"
    return f"{key}{error.msg}"


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
                self._describe(detail) for detail in error.errors() if self._is_news(detail, inherited)
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
        table[key] = _environment_value(value, _known_fields(path).get(key))
        self._variables[*path, key] = name

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

    def _describe(self, detail: ErrorDetails) -> str:
        """Make one line of one of pydantic's findings."""
        is_id = detail["loc"][-1:] == ("[key]",)
        loc = detail["loc"][:-1] if is_id else detail["loc"]
        path = tuple(str(part) for part in loc if not isinstance(part, int))  # without the place in a list
        where = self._place(path)
        if detail["type"] == "missing" and len(path) == len(loc):
            return f"{where}: missing{_hint(path)}"
        if detail["type"] == "extra_forbidden":
            return f"{where}: unknown key{_did_you_mean(path)}"
        if is_id:
            return f"{where}: expected an id of letters, digits, _ and -, at most 64 of them"
        shown = self._shown(tuple(map(str, loc)), detail["input"])
        if detail["type"] == "path_not_file":
            return f"{where}{shown}: no such file"
        return f"{where}{shown}: expected {_expected(detail, path)}{_close_choice(detail)}"

    def _shown(self, path: Path_, value: object) -> str:
        """Return `` = value`` for the message; of a secret no more than its being there."""
        if not isinstance(value, str | int | float):
            return ""
        if SECRET_KEYS & set(path):
            return f" = {_scheme_of(str(value))}***"
        if path in self._as_written:
            return f" = {self._as_written[path]!r}"
        return f" = {_without_user(value)!r}" if isinstance(value, str) else f" = {str(value).lower()}"


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


def _scheme_of(url: str) -> str:
    found = re.match(r"\w+://", url)
    return found[0] if found else ""


def _without_user(text: str) -> str:
    """Hide what stands before an @: most likely somebody's name and password."""
    return re.sub(r"^(\w+://)?.*@", r"\1***@", text, flags=re.DOTALL)


EXPECTED = {
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "string_type": "text in quotes",
    "path_type": "the path of a file, in quotes",
    "tuple_type": "a list in brackets",
    "missing": "two numbers, as in [640, 384]",
    "too_long": "two numbers, as in [640, 384]",
    "greater_than_equal": "at least {ge}",
    "less_than_equal": "at most {le}",
    "multiple_of": "a multiple of {multiple_of}",
    "too_short": "at least {min_length} characters",
    "string_too_short": "at least {min_length} characters",
    "string_too_long": "at most {max_length} characters",
    "literal_error": "{expected}",
    "value_error": "{error}",
}
TABLE_TYPES = frozenset({"model_type", "model_attributes_type", "dict_type"})


def _expected(detail: ErrorDetails, path: Path_) -> str:
    """Say in plain words what would have been right."""
    if detail["type"] in TABLE_TYPES:
        table = ".".join(path) if path != ("cameras",) else "cameras.front"
        return f"a table: write [{table}] on a line of its own and its keys below"
    if detail["type"] == "string_pattern_mismatch":
        return PATTERNS[detail["ctx"]["pattern"]]
    wording = EXPECTED.get(detail["type"])
    return wording.format(**detail.get("ctx", {})) if wording else detail["msg"]


def _hint(path: Path_) -> str:
    """Say how a missing key may be given, where it is not plain."""
    if path[-1] in CAMERA_SECRETS:
        return f': give {path[-1]} = "rtsp://…" or {path[-1]}_file'
    if path in {("model",), ("model", "file")}:
        return ': give file = "/path/to/model.onnx" in [model]'
    return ""


def _did_you_mean(path: Path_) -> str:
    """Suggest the nearest known key, or all of them."""
    known = _known_keys(path[:-1])
    close = difflib.get_close_matches(path[-1].lower(), known, n=1, cutoff=0.6)
    return f"; did you mean {close[0]}?" if close else f"; known here: {', '.join(known)}"


def _close_choice(detail: ErrorDetails) -> str:
    """Suggest the nearest of a closed set of words."""
    choices = re.findall(r"'([^']+)'", str(detail.get("ctx", {}).get("expected", "")))
    close = difflib.get_close_matches(str(detail["input"]), choices, n=1, cutoff=0.6)
    return f"; did you mean {close[0]}?" if close else ""


def _known_keys(path: Path_) -> list[str]:
    """Every key that may stand in the table at ``path``."""
    keys = sorted(_known_fields(path))
    return keys + [f"{key}_file" for key in keys if key in SECRET_KEYS]


def _known_fields(path: Path_) -> Mapping[str, FieldInfo]:
    """Every setting that may stand in the table at ``path``; none where no such table is known."""
    if path == ("cameras",):
        return {}
    model: type[BaseModel] = Settings
    if path[:1] == ("cameras",):
        model, path = CameraSettings, path[2:]
    for part in path:
        field = model.model_fields.get(part)
        kind = field.annotation if field else None
        if not (isinstance(kind, type) and issubclass(kind, BaseModel)):
            return {}
        model = kind
    return model.model_fields
