from __future__ import annotations

import pytest

from edged.core import errors
from edged.core.errors import CaptureError, CaptureFault, ConfigError, EdgedError


def test_every_error_is_in_the_one_tree_and_in_the_picture_of_it() -> None:
    own = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, Exception)]
    assert len(own) > 5
    for each in own:
        assert issubclass(each, EdgedError)
        assert each.__name__ in (errors.__doc__ or "")


def test_a_config_error_reads_as_one_line_for_each_problem() -> None:
    error = ConfigError(["a: wrong", "b: wrong, too"])
    assert str(error) == "a: wrong\nb: wrong, too"
    assert error.problems == ["a: wrong", "b: wrong, too"]


@pytest.mark.parametrize("fault", CaptureFault)
def test_a_capture_error_says_of_what_kind_it_is(fault: CaptureFault) -> None:
    error = CaptureError("front: gone", fault)
    assert str(error) == "front: gone"
    assert error.fault is fault


def test_a_capture_error_is_unreachable_unless_said_otherwise() -> None:
    assert CaptureError("front: gone").fault is CaptureFault.UNREACHABLE
