"""The words in which a person is told what is wrong with a configuration; never with a secret in them."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING

from edged.config.settings import CAMERA_SECRETS, PATTERNS, SECRET_KEYS, fields_at

if TYPE_CHECKING:
    import tomli
    from pydantic_core import ErrorDetails

    KeyPath = tuple[str, ...]

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
    "missing": "two numbers, as in {example}",
    "too_long": "two numbers, as in {example}",
    "greater_than_equal": "at least {ge}",
    "less_than_equal": "at most {le}",
    "multiple_of": "a multiple of {multiple_of}",
    "too_short": "at least {min_length} characters",
    "string_too_short": "at least one character",
    "string_too_long": "at most {max_length} characters",
    "literal_error": "{expected}",
    "enum": "{expected}",
    "value_error": "{error}",
}
TABLE_TYPES = frozenset({"model_type", "model_attributes_type", "dict_type"})


def not_toml(text: str, error: tomli.TOMLDecodeError) -> str:
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


def key_path(detail: ErrorDetails) -> KeyPath:
    """Name the key that one of pydantic's findings is about, without its place in a list."""
    loc = detail["loc"][:-1] if _is_about_id(detail) else detail["loc"]
    return tuple(str(part) for part in loc if not isinstance(part, int))


def describe(detail: ErrorDetails, path: KeyPath, written: object) -> str:
    """Say what is wrong with the key at ``path``, where ``written`` stands, to follow on the name of it."""
    if detail["type"] == "missing" and len(path) == len(detail["loc"]):
        return f": missing{_hint(path)}"
    if detail["type"] == "extra_forbidden":
        return f": unknown key{_did_you_mean(path)}"
    if _is_about_id(detail):
        return ": expected an id of letters, digits, _ and -, at most 64 of them"
    if detail["type"] == "path_not_file":
        return f"{_shown(path, written)}: no such file"
    return f"{_shown(path, written)}: expected {_expected(detail, path)}{_close_choice(detail)}"


def _is_about_id(detail: ErrorDetails) -> bool:
    return detail["loc"][-1:] == ("[key]",)


def _shown(path: KeyPath, value: object) -> str:
    """Return `` = value`` for the message; of a secret no more than its being there."""
    if not isinstance(value, str | int | float):
        return ""
    if SECRET_KEYS & set(path):
        return f" = {_scheme_of(str(value))}***"
    return f" = {_without_user(value)!r}" if isinstance(value, str) else f" = {str(value).lower()}"


def _scheme_of(url: str) -> str:
    found = re.match(r"\w+://", url)
    return found[0] if found else ""


def _without_user(text: str) -> str:
    """Hide what stands before an @: most likely somebody's name and password."""
    return re.sub(r"^(\w+://)?.*@", r"\1***@", text, flags=re.DOTALL)


def _expected(detail: ErrorDetails, path: KeyPath) -> str:
    """Say in plain words what would have been right."""
    if detail["type"] in TABLE_TYPES:
        table = ".".join(path) if path != ("cameras",) else "cameras.front"
        return f"a table: write [{table}] on a line of its own and its keys below"
    if detail["type"] == "string_pattern_mismatch":
        return PATTERNS[detail["ctx"]["pattern"]]
    wording = EXPECTED.get(detail["type"])
    example = "[640, 384]" if path[0] == "model" else "[0.25, 0.75]"
    return wording.format(example=example, **detail.get("ctx", {})) if wording else detail["msg"]


def _hint(path: KeyPath) -> str:
    """Say how a missing key may be given, where it is not plain."""
    if path[-1] in CAMERA_SECRETS:
        return f': give {path[-1]} = "rtsp://…" or {path[-1]}_file'
    if path in {("model",), ("model", "file")}:
        return ': give file = "/path/to/model.onnx" in [model]'
    return ""


def _did_you_mean(path: KeyPath) -> str:
    """Suggest the nearest known key, or all of them."""
    known = _known_keys(path[:-1])
    close = difflib.get_close_matches(path[-1].lower(), known, n=1, cutoff=0.6)
    return f"; did you mean {close[0]}?" if close else f"; known here: {', '.join(known)}"


def _close_choice(detail: ErrorDetails) -> str:
    """Suggest the nearest of a closed set of words."""
    choices = re.findall(r"'([^']+)'", str(detail.get("ctx", {}).get("expected", "")))
    close = difflib.get_close_matches(str(detail["input"]), choices, n=1, cutoff=0.6)
    return f"; did you mean {close[0]}?" if close else ""


def _known_keys(path: KeyPath) -> list[str]:
    """Every key that may stand in the table at ``path``."""
    keys = sorted(fields_at(path))
    return keys + [f"{key}_file" for key in keys if key in SECRET_KEYS]
