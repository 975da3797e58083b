"""A model to pull and places to pull it to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.detect.synthetic import YOLOX_RAW, colour_model
from tests.models.mirror import Mirror

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def model_bytes(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A small detector, big enough to be cut in the middle of it."""
    return colour_model(tmp_path_factory.mktemp("model") / "squares.onnx", YOLOX_RAW).read_bytes()


@pytest.fixture
def mirror(model_bytes: bytes) -> Iterator[Mirror]:
    with Mirror(model_bytes) as running:
        yield running
