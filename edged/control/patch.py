"""What has changed between two JSON objects, as a merge patch (RFC 7396): null takes a key away."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]


def changes(old: Json, new: Json) -> Json:
    """Return the patch that makes ``new`` of ``old``, for readers to whom null and absent are the same."""
    patch: Json = {key: None for key in old.keys() - new.keys() if old[key] is not None}
    for key, value in new.items():
        before = old.get(key)
        if isinstance(value, dict) and isinstance(before, dict):
            if inner := changes(before, value):
                patch[key] = inner
        elif value != before:
            patch[key] = value
    return patch


def patched(old: Json, patch: Json) -> Json:
    """Return ``old`` with ``patch`` applied; ``old`` stays as it is."""
    new = dict(old)
    for key, value in patch.items():
        if value is None:
            new.pop(key, None)
        elif isinstance(value, dict):
            before = new.get(key)
            new[key] = patched(before if isinstance(before, dict) else {}, value)
        else:
            new[key] = value
    return new
