"""The output layouts of YOLO exports, and how each is read.

``decode`` gives boxes in pixels of the model's input. It looks at scores first and decodes the few boxes that
matter: decoding all of them costs ten times as much.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np

from edged.detect.letterbox import ULTRALYTICS_INPUT, YOLOX_INPUT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edged.core.types import Size
    from edged.detect.letterbox import Preprocess

Strides = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Candidates:
    """Boxes before suppression, as columns; ``x1, y1, x2, y2`` in pixels of the model's input."""

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    class_ids: NDArray[np.intp]

    def select(self, rows: NDArray[Any]) -> Candidates:
        """Only these rows, in this order."""
        return Candidates(self.boxes[rows], self.scores[rows], self.class_ids[rows])


class Layout(Protocol):
    """How one family of exports lays out what it found."""

    name: ClassVar[str]
    preprocess: ClassVar[Preprocess]
    needs_suppression: ClassVar[bool]

    def decode(self, output: NDArray[Any], min_score: float) -> Candidates:
        """Everything that scores at least ``min_score`` in the only output of the model, batch of one."""


def cells(model_input: Size, strides: Strides) -> int:
    """How many cells the grids of all ``strides`` have together."""
    return sum((model_input.width // stride) * (model_input.height // stride) for stride in strides)


def grid(model_input: Size, strides: Strides) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Top-left of each cell in cells (n x 2), and the stride of each (n x 1), in the order of the rows."""
    corners, sizes = [], []
    for stride in strides:
        rows, columns = np.mgrid[: model_input.height // stride, : model_input.width // stride]
        corners.append(np.stack((columns.ravel(), rows.ravel()), axis=1))
        sizes.append(np.full((columns.size, 1), stride))
    return np.concatenate(corners).astype(np.float32), np.concatenate(sizes).astype(np.float32)


def _corners(centres: NDArray[np.float32], sizes: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.concatenate((centres - sizes / 2, centres + sizes / 2), axis=1)


@dataclass(frozen=True, slots=True)
class _Scored:
    rows: NDArray[np.intp]
    values: NDArray[np.float32]  # the rows themselves
    scores: NDArray[np.float32]
    class_ids: NDArray[np.intp]


def _by_objectness(table: NDArray[Any], min_score: float) -> _Scored:
    """Rows of ``box, objectness, classes…`` whose objectness times best class reaches ``min_score``."""
    rows = np.flatnonzero(table[:, 4].astype(np.float32, copy=False) >= min_score)
    values = table[rows].astype(np.float32)
    class_ids = values[:, 5:].argmax(axis=1)
    scores = values[:, 4] * values[np.arange(len(values)), 5 + class_ids]
    good = scores >= min_score
    return _Scored(rows[good], values[good], scores[good], class_ids[good])


class YoloxRaw:
    """YOLOX as its plain export gives it: offsets in a cell and logarithms of sizes."""

    name: ClassVar[str] = "yolox-raw"
    preprocess: ClassVar[Preprocess] = YOLOX_INPUT
    needs_suppression: ClassVar[bool] = True

    def __init__(self, model_input: Size, strides: Strides) -> None:
        self._corners, self._strides = grid(model_input, strides)

    def decode(self, output: NDArray[Any], min_score: float) -> Candidates:
        """Everything that scores at least ``min_score``."""
        found = _by_objectness(output[0], min_score)
        strides = self._strides[found.rows]
        centres = (found.values[:, :2] + self._corners[found.rows]) * strides
        with np.errstate(over="ignore"):  # an infinite size is dropped with all that is not finite
            sizes = np.exp(found.values[:, 2:4]) * strides
        return Candidates(_corners(centres, sizes), found.scores, found.class_ids)


class YoloxDecoded:
    """YOLOX exported with ``--decode_in_inference``: the same shape, boxes already in pixels."""

    name: ClassVar[str] = "yolox-decoded"
    preprocess: ClassVar[Preprocess] = YOLOX_INPUT
    needs_suppression: ClassVar[bool] = True

    def decode(self, output: NDArray[Any], min_score: float) -> Candidates:
        """Everything that scores at least ``min_score``."""
        found = _by_objectness(output[0], min_score)
        boxes = _corners(found.values[:, :2], found.values[:, 2:4])
        return Candidates(boxes, found.scores, found.class_ids)


class YoloV5(YoloxDecoded):
    """YOLOv5 and v7: rows as decoded YOLOX has them, three anchors per cell, other pixels in."""

    name: ClassVar[str] = "yolov5"
    preprocess: ClassVar[Preprocess] = ULTRALYTICS_INPUT


class YoloV8:
    """YOLOv8, v9 and 11: a column per cell, classes without objectness."""

    name: ClassVar[str] = "yolov8"
    preprocess: ClassVar[Preprocess] = ULTRALYTICS_INPUT
    needs_suppression: ClassVar[bool] = True

    def decode(self, output: NDArray[Any], min_score: float) -> Candidates:
        """Everything that scores at least ``min_score``."""
        table = output[0].astype(np.float32, copy=False)
        columns = np.flatnonzero(table[4:].max(axis=0) >= min_score)
        values = table[:, columns].T
        class_ids = values[:, 4:].argmax(axis=1)
        scores = values[np.arange(len(values)), 4 + class_ids]
        return Candidates(_corners(values[:, :2], values[:, 2:4]), scores, class_ids)


class EndToEnd:
    """YOLOv10, YOLO26 and ``nms=True`` exports: rows of ``x1, y1, x2, y2, score, class``, sorted out."""

    name: ClassVar[str] = "end-to-end"
    preprocess: ClassVar[Preprocess] = ULTRALYTICS_INPUT
    needs_suppression: ClassVar[bool] = False

    def decode(self, output: NDArray[Any], min_score: float) -> Candidates:
        """Everything that scores at least ``min_score``."""
        table = output[0]
        rows = table[table[:, 4] >= min_score].astype(np.float32)
        return Candidates(rows[:, :4], rows[:, 4], rows[:, 5].astype(np.intp))
