"""etc/edged.toml against the schema: every key stands there, with its real default and range."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args, get_origin

import annotated_types
import pytest
import tomli
from pydantic import BaseModel, TypeAdapter

from edged.config import CameraSettings, LineSettings, Settings, ZoneSettings, load_text
from edged.config.settings import SECRET_KEYS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic.fields import FieldInfo

REFERENCE = Path(__file__).parents[2] / "etc" / "edged.toml"
TEXT = REFERENCE.read_text(encoding="utf-8")
LINE = re.compile(r"(?P<off># )?(?P<key>\w+) = (?P<value>\"[^\"]*\"|\[.*\]|\S+) *(?:# *(?P<text>.*))?")
# The file has to say something for these where the schema has none: what the default comes to.
EXAMPLES = {
    "box.id": "default: the name of the host",
    "mqtt.port": "default: 1883, with tls 8883",
    "mqtt.username": "default: none",
    "mqtt.password": "default: none",
    "mqtt.client_id": "default: edged-<box id>",
    "mqtt.base_topic": "default: edged/<box id>",
    "mqtt.ca_file": "default: the authorities",
    "mqtt.cert_file": "default: none",
    "mqtt.key_file": "default: none",
    "model.labels_file": "default: the names in the model",
    "model.input_size": "default: what the model has",
    "track.track_activation_threshold": "default: the confidence",
    "http.token": "default: none",
    "http.cert_file": "default: none",
    "http.key_file": "default: none",
    "webrtc.addresses": "default: every one",
    "webrtc.udp_ports": "default: any port",
    "webrtc.stun_server": "default: none",
    "webrtc.turn_server": "default: none",
    "webrtc.turn_username": "default: none",
    "webrtc.turn_password": "default: none",
    "cameras.front.name": "default: the id",
    "cameras.front.detect_url": "default: url",
    "cameras.front.area": "default: none",
    "cameras.front.zones.porch.labels": "default: everything",
    "cameras.front.lines.gate.labels": "default: everything",
}
REQUIRED = {
    "model.file",
    "cameras.front.url",
    "cameras.front.zones.porch.polygon",
    "cameras.front.lines.gate.start",
    "cameras.front.lines.gate.end",
}


class Line:
    """One key of the reference: how it is set and what is said of it."""

    def __init__(self, value: str, text: str, *, is_live: bool) -> None:
        self.value = tomli.loads(f"value = {value}")["value"]
        self.text = text
        self.is_live = is_live


def documented() -> dict[str, Line]:
    """Every key of the file by its path, whether it is live or commented out."""
    lines: dict[str, Line] = {}
    section = ""
    for line in TEXT.splitlines():
        if found := re.match(r"(?:# )?\[([\w.]+)\](?: |$)", line):
            section = found[1]
        elif section and (found := LINE.fullmatch(line)):
            key = found["key"]
            name = key.removesuffix("_file") if key.removesuffix("_file") in SECRET_KEYS else key
            lines[f"{section}.{name}"] = Line(found["value"], found["text"] or "", is_live=not found["off"])
    return lines


def schema() -> Iterator[tuple[str, FieldInfo]]:
    """Every key that the daemon understands, by its path."""
    for section, field in Settings.model_fields.items():
        if section != "cameras":
            assert isinstance(field.annotation, type)
            assert issubclass(field.annotation, BaseModel)
            yield from ((f"{section}.{key}", each) for key, each in field.annotation.model_fields.items())
    for key, each in CameraSettings.model_fields.items():
        # detect and track have the same keys as the sections of these names
        if key not in {"detect", "track", "zones", "lines"}:
            yield f"cameras.front.{key}", each
    yield from ((f"cameras.front.zones.porch.{key}", each) for key, each in ZoneSettings.model_fields.items())
    yield from ((f"cameras.front.lines.gate.{key}", each) for key, each in LineSettings.model_fields.items())


DOCUMENTED = documented()
SCHEMA = dict(schema())
OVERRIDES = {"cameras.front.detect.fps", "cameras.front.track.lost_track_buffer_s"}


def test_every_key_stands_in_the_reference_and_no_other() -> None:
    assert DOCUMENTED.keys() - OVERRIDES == SCHEMA.keys()


def test_the_detect_and_track_sections_of_a_camera_are_shown() -> None:
    assert DOCUMENTED.keys() >= OVERRIDES


@pytest.mark.parametrize("path", sorted(SCHEMA.keys() - EXAMPLES.keys() - REQUIRED))
def test_the_value_shown_is_the_default(path: str) -> None:
    default = SCHEMA[path].get_default(call_default_factory=True, validated_data={})
    shown = DOCUMENTED[path].value
    assert type(default)(shown) == default
    if DOCUMENTED[path].is_live:
        assert f'default: "{default}"' in DOCUMENTED[path].text


@pytest.mark.parametrize("path", sorted(EXAMPLES))
def test_an_example_is_told_from_a_default(path: str) -> None:
    assert EXAMPLES[path] in DOCUMENTED[path].text
    assert not SCHEMA[path].default or SCHEMA[path].default_factory


@pytest.mark.parametrize("path", sorted(SCHEMA))
def test_the_range_shown_is_the_range(path: str) -> None:
    field = SCHEMA[path]
    text = DOCUMENTED[path].text
    low, high = (f"{bound:.10g}" if bound is not None else None for bound in bounds(field))
    if low is not None and high is not None:
        assert re.search(rf"\b{re.escape(low)} to {re.escape(high)}\b", text), f"{path}: {low} to {high}"
    elif high is not None:
        assert re.search(rf"\bat most {high}\b", commented(path)), f"{path}: at most {high}"
    elif low is not None:
        assert re.search(rf"\bat least {low}\b", text), f"{path}: at least {low}"


@pytest.mark.parametrize("path", sorted(SCHEMA))
def test_every_choice_is_shown(path: str) -> None:
    for choice in choices(SCHEMA[path].annotation):
        assert f'"{choice}"' in DOCUMENTED[path].text
    if SCHEMA[path].annotation is bool:
        assert DOCUMENTED[path].text.startswith("true or false")


def test_the_file_as_it_is_needs_only_its_model(tmp_path: Path) -> None:
    settings = load_text(with_files(TEXT, tmp_path), tmp_path / "edged.toml", {})
    assert settings.cameras.keys() == {"front"}
    written = settings.model_dump(exclude_unset=True, exclude={"cameras"})
    assert {f"{section}.{key}" for section, keys in written.items() for key in keys} == {
        "mqtt.host",
        "model.file",
    }


def test_everything_uncommented_is_a_valid_configuration(tmp_path: Path) -> None:
    text = re.sub(r"^# (?=\w+ = |\[cameras)", "", TEXT, flags=re.MULTILINE)
    text = text.replace("tls = false ", "tls = true ")  # which the certificates need
    for section, key in (
        ("mqtt", "password_file"),
        ("http", "token_file"),
        ("webrtc", "turn_password_file"),
    ):
        assert f"\n{key} = " in text, section
    settings = load_text(with_files(text, tmp_path), tmp_path / "edged.toml", {})
    for path, line in DOCUMENTED.items():
        section, _, key = path.rpartition(".")
        if key in SECRET_KEYS or key.endswith("file") or key == "tls":
            continue
        value: Any = settings
        for part in section.split("."):
            value = value[part] if isinstance(value, dict) else getattr(value, part)
        value = getattr(value, key)
        assert as_toml(value) == line.value, path


def as_toml(value: Any) -> Any:
    """Tuples as the lists that they are written as."""
    return [as_toml(each) for each in value] if isinstance(value, tuple) else value


def commented(path: str) -> str:
    """What is said of a key after its value or in the lines above it."""
    above = TEXT.partition(f"# {path.rpartition('.')[2]} = ")[0].rpartition("\n[")[2]
    return above + DOCUMENTED[path].text


def with_files(text: str, folder: Path) -> str:
    """Write every file that the reference names, and let the model stand among them."""
    for name in (
        "model.onnx",
        "mqtt-password",
        "ca.pem",
        "client.pem",
        "client.key",
        "http.pem",
        "http.key",
        "turn-password",
        "labels.txt",
    ):
        (folder / name).write_text("something")
    (folder / "http-token").write_text("0123456789abcdef")
    return re.sub(r'(?m)^file = ".*"', 'file = "model.onnx"', text)


def bounds(field: FieldInfo) -> tuple[float | None, float | None]:
    """The smallest and largest value, length for a text, that the schema takes."""
    low: Any = None
    high: Any = None
    for constraint in constraints(field):
        low = getattr(constraint, "ge", getattr(constraint, "min_length", low))
        high = getattr(constraint, "le", getattr(constraint, "max_length", high))
    return low, high


def constraints(field: FieldInfo) -> Iterator[Any]:
    """What limits a field itself or the members of a list."""
    pending: list[Any] = [*field.metadata, field.annotation]
    while pending:
        each = pending.pop()
        if isinstance(each, annotated_types.GroupedMetadata):
            pending += list(each)
        elif get_origin(each) is Annotated:
            pending += [*each.__metadata__, *get_args(each)]
        elif hasattr(each, "metadata"):
            pending += each.metadata
        elif get_origin(each) is not None:
            pending += get_args(each)
        else:
            yield each


def choices(annotation: Any) -> list[str]:
    """The words of a closed set, also where a list is made of them."""
    if get_origin(annotation) is Literal:
        return list(get_args(annotation))
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return list(annotation)
    return [word for each in get_args(annotation) if each is not ... for word in choices(each)]


def test_the_helpers_see_what_they_are_for() -> None:
    """A test of the tests: without it a change of pydantic could make them see nothing."""
    assert bounds(SCHEMA["detect.fps"]) == (0.1, 30.0)
    assert bounds(SCHEMA["mqtt.port"]) == (1, 65535)
    assert bounds(SCHEMA["model.input_size"]) == (32, 4096)
    assert bounds(SCHEMA["track.track_activation_threshold"]) == (0.01, 1.0)
    assert bounds(SCHEMA["box.id"]) == (None, 64)
    assert choices(SCHEMA["model.providers"].annotation) == ["cpu", "openvino", "cuda", "tensorrt"]
    assert choices(SCHEMA["cameras.front.quality"].annotation) == ["auto", "low", "medium", "high"]
    assert TypeAdapter(bool).validate_python(SCHEMA["mqtt.tls"].default) is False
