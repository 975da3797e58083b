from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from edged.core.errors import ModelError
from edged.detect.labels import COCO_80, known_labels, labels_for, parse_names, read_labels_file

if TYPE_CHECKING:
    from pathlib import Path


def test_names_are_read_in_every_form_that_exports_use() -> None:
    assert parse_names("{0: 'person', 1: 'car'}") == ("person", "car")
    assert parse_names("{1: 'car', 0: 'person'}") == ("person", "car")
    assert parse_names("['person', 'car']") == ("person", "car")
    assert parse_names('["person", "car"]') == ("person", "car")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "person",
        "{}",
        "[]",
        "{0: 'a', 2: 'b'}",
        "{'a': 0}",
        "[1, 2]",
        "{0: 1}",
        "7",
        "__import__('os')",
        "[" * 9000,
    ],
)
def test_names_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(ModelError, match="set labels_file"):
        parse_names(text)


def test_a_labels_file_goes_before_the_metadata(tmp_path: Path) -> None:
    file = tmp_path / "labels.txt"
    file.write_text("Katze\n Hund \nweißer Bär\n\n", encoding="utf-8")
    expected = ("Katze", "Hund", "weißer Bär")
    assert known_labels({"names": "nonsense"}, file) == expected
    assert known_labels({"names": "['a']"}, None) == ("a",)
    assert known_labels({}, None) is None


@pytest.mark.parametrize("content", [b"", b"\n\n", b"a\n\nb\n", b"\xff\xfe\x00"])
def test_labels_files_that_cannot_be_are_refused(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "labels.txt"
    file.write_bytes(content)
    with pytest.raises(ModelError, match=str(file)):
        read_labels_file(file)


def test_a_missing_labels_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"none\.txt: cannot read the labels file: No such file"):
        read_labels_file(tmp_path / "none.txt")


def test_eighty_unnamed_classes_are_coco() -> None:
    assert labels_for(None, 80) == COCO_80
    assert len(set(COCO_80)) == 80
    assert (COCO_80[0], COCO_80[2], COCO_80[79]) == ("person", "car", "toothbrush")
