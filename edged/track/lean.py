"""supervision's ByteTrack without the rest of supervision.

``import supervision`` brings annotators, data sets, an HTTP client and half of SciPy: 30 MB of a small box
for one class and one function. Here both packages stand aside while just that is imported, once, when the
first tracker is made; no other module imports supervision.
"""

from __future__ import annotations

import functools
import sys
from contextlib import contextmanager
from importlib.util import find_spec
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator


class Supervision(NamedTuple):
    """The two classes that tracking needs."""

    ByteTrack: Any
    Detections: Any


@functools.cache
def import_supervision() -> Supervision:
    """Import as little as possible; where that cannot be, as after a change over there, all of it."""
    try:
        return _import_the_least()
    except (ImportError, AttributeError):
        import supervision

        return Supervision(supervision.ByteTrack, supervision.Detections)


def _import_the_least() -> Supervision:
    with _hollow("supervision"), _hollow("scipy.optimize") as optimize:
        from scipy.optimize import _lsap

        optimize.__dict__.setdefault("linear_sum_assignment", _lsap.linear_sum_assignment)
        from supervision.detection.core import Detections
        from supervision.tracker.byte_tracker.core import ByteTrack

        return Supervision(ByteTrack, Detections)


@contextmanager
def _hollow(name: str) -> Iterator[ModuleType]:
    """Let modules of the package ``name`` be imported without it; later it can be had whole."""
    if name in sys.modules:
        yield sys.modules[name]
        return
    spec = find_spec(name)
    if spec is None or spec.submodule_search_locations is None:
        raise ModuleNotFoundError(name=name)
    package = ModuleType(name)
    package.__path__ = list(spec.submodule_search_locations)
    sys.modules[name] = package
    try:
        yield package
    finally:
        del sys.modules[name]
