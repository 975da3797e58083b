from __future__ import annotations

from typing import Any

import pytest

from edged.control.patch import changes, patched

OLD = {"a": 1, "b": {"c": 2, "d": 3}, "list": [1, 2], "gone": 5, "null": None}


@pytest.mark.parametrize(
    ("new", "patch"),
    [
        (OLD, {}),
        ({**OLD, "a": 2}, {"a": 2}),
        ({**OLD, "b": {"c": 2, "d": 4}}, {"b": {"d": 4}}),
        ({**OLD, "list": [1]}, {"list": [1]}),
        ({**OLD, "b": None}, {"b": None}),
        ({**OLD, "a": {"x": 1}}, {"a": {"x": 1}}),
        ({key: value for key, value in OLD.items() if key != "gone"}, {"gone": None}),
        ({key: value for key, value in OLD.items() if key != "null"}, {}),
        ({**OLD, "more": {"x": {"y": 1}}}, {"more": {"x": {"y": 1}}}),
    ],
)
def test_a_patch_says_only_what_has_changed(new: dict[str, Any], patch: dict[str, Any]) -> None:
    assert changes(OLD, new) == patch
    assert without_null(patched(OLD, patch)) == without_null(new)


def test_what_is_patched_stays_as_it_is() -> None:
    old = {"b": {"c": 1}}
    assert patched(old, {"b": {"c": 2}}) == {"b": {"c": 2}}
    assert old == {"b": {"c": 1}}


def without_null(value: dict[str, Any]) -> dict[str, Any]:
    return {
        key: without_null(each) if isinstance(each, dict) else each
        for key, each in value.items()
        if each is not None
    }
