"""Putting a picture of any shape into the fixed input of a model, and boxes back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from edged.core.types import Size

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

    from edged.core.types import Picture

PAD = 114  # the grey that every YOLO is trained with


@dataclass(frozen=True, slots=True)
class Preprocess:
    """How a family of models wants its pixels."""

    is_centred: bool  # else at the top-left
    channels: tuple[int, int, int]  # order of the planes, as indexes into blue, green, red
    gain: float  # what a byte is multiplied with


YOLOX_INPUT = Preprocess(is_centred=False, channels=(0, 1, 2), gain=1.0)
ULTRALYTICS_INPUT = Preprocess(is_centred=True, channels=(2, 1, 0), gain=1 / 255)


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a frame lies in the model's input."""

    frame: Size
    scaled: Size
    left_px: int
    top_px: int

    def to_frame(self, boxes: NDArray[np.float32]) -> NDArray[np.float32]:
        """Boxes in pixels of the frame, clipped to it, from boxes in pixels of the input."""
        to_frame = (self.frame.width / self.scaled.width, self.frame.height / self.scaled.height)
        offset = np.array((self.left_px, self.top_px) * 2, np.float32)
        limit = np.array((self.frame.width, self.frame.height) * 2, np.float32)
        mapped = (boxes - offset) * np.array(to_frame * 2, np.float32)
        return np.clip(mapped, np.float32(0), limit, out=mapped)


def place(frame: Size, model_input: Size, preprocess: Preprocess) -> Placement:
    """Scale ``frame`` to fit and put it where the model expects it."""
    ratio = min(model_input.width / frame.width, model_input.height / frame.height)
    scaled = Size(max(1, round(frame.width * ratio)), max(1, round(frame.height * ratio)))
    if not preprocess.is_centred:
        return Placement(frame, scaled, 0, 0)
    return Placement(
        frame, scaled, (model_input.width - scaled.width) // 2, (model_input.height - scaled.height) // 2
    )


class Letterbox:
    """One preallocated model input that pictures are written into; each thread has its own."""

    def __init__(self, model_input: Size, preprocess: Preprocess, dtype: DTypeLike) -> None:
        self._model_input = model_input
        self._preprocess = preprocess
        self._blob = np.empty((1, 3, model_input.height, model_input.width), dtype)
        # A table of the 256 answers: arithmetic in half precision would take forty times as long.
        self._values = (np.arange(256) * preprocess.gain).astype(dtype)
        self._placement: Placement | None = None
        self._bytes: list[NDArray[np.uint8]] = []
        self._planes: list[NDArray[Any]] = []

    def fill(self, picture: Picture) -> tuple[NDArray[Any], Placement]:
        """The model's input with ``picture`` in it (valid until the next call), and where it lies there."""
        if self._placement is None or self._placement.frame != picture.size:
            self._placement = self._prepare(picture.size)
        cv2.split(picture.bgr(self._placement.scaled), self._bytes)
        for plane, channel in zip(self._planes, self._preprocess.channels, strict=True):
            cv2.LUT(self._bytes[channel], self._values, plane)
        return self._blob, self._placement

    def _prepare(self, frame: Size) -> Placement:
        placement = place(frame, self._model_input, self._preprocess)
        rows = slice(placement.top_px, placement.top_px + placement.scaled.height)
        columns = slice(placement.left_px, placement.left_px + placement.scaled.width)
        self._blob.fill(self._values[PAD])
        self._planes = [self._blob[0, channel, rows, columns] for channel in range(3)]
        shape = (placement.scaled.height, placement.scaled.width)
        self._bytes = [np.empty(shape, np.uint8) for _ in range(3)]
        return placement
