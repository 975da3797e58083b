"""Which YOLO an ONNX file is: by what it says of itself and by what comes out of it, not by shape alone.

Several families share shapes: YOLOX raw and decoded, or with one class and end-to-end rows. So the model
is run once on a made-up picture, and the numbers decide.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from edged.core.errors import ModelError
from edged.core.types import Size
from edged.detect.labels import labels_for
from edged.detect.layouts import EndToEnd, YoloV5, YoloV8, YoloxDecoded, YoloxRaw, cells, grid
from edged.detect.session import FLOATS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from edged.detect.layouts import Layout, Strides
    from edged.detect.session import Signature, Tensor

DEFAULT_INPUT = Size(640, 640)
STRIDE = 32  # sides of the input are multiples of the coarsest grid of every family

_STRIDES: tuple[Strides, ...] = ((8, 16, 32), (8, 16, 32, 64), (4, 8, 16, 32))  # usual, P6, P2
_ANCHORS_V5 = 3
_SCORE_SLACK = 0.01  # half precision and int8 step a little over 1
_WALKS = 0.9  # correlation of box centres with their cells; measured: decoded > 0.99, raw < 0.3
_STAYS = 0.6
_MOST_OFFSET = 16.0  # cells
_END_TO_END_COLUMNS = 6


class Centres(Enum):
    """What the first two numbers of each row are."""

    PIXELS = "pixels of the input"
    OFFSETS = "offsets from a cell"
    OTHER = "neither pixels nor offsets from cells"


@dataclass(frozen=True, slots=True)
class Probe:
    """What a model says of itself, and what it made of the made-up picture."""

    signature: Signature
    model_input: Size
    output: NDArray[np.float32]
    known_labels: tuple[str, ...] | None


def image_input(signature: Signature) -> Tensor:
    """The one input of the model, if it takes pictures as every YOLO does."""
    task = signature.metadata.get("task", "detect")
    if task != "detect":
        msg = f"it is made for the task {task!r} and edged needs 'detect'"
        raise refused(msg, signature)
    if len(signature.inputs) != 1:
        msg = f"{len(signature.inputs)} inputs where a detector has one"
        raise refused(msg, signature)
    tensor = signature.inputs[0]
    if tensor.type not in FLOATS:
        msg = "the input is neither float nor float16"
        raise refused(msg, signature)
    batch, channels = (*tensor.shape, None, None)[:2]
    if len(tensor.shape) != 4 or not _is_or_varies(batch, 1) or not _is_or_varies(channels, 3):  # noqa: PLR2004
        msg = "the input is not 1 x 3 x height x width"
        raise refused(msg, signature)
    return tensor


def input_size(tensor: Tensor, metadata: Mapping[str, str], wanted: Size | None) -> Size:
    """The model's own size; where that varies ``wanted``, else what it was made with, or 640x640."""
    height, width = tensor.shape[2:]
    if isinstance(height, int) and isinstance(width, int):
        own = Size(width, height)
        if wanted not in (None, own):
            msg = f"the input is fixed at {own}: remove input_size = {wanted} or export it anew"
            raise ModelError(msg)
        return own
    size = wanted or _metadata_size(metadata) or DEFAULT_INPUT
    if size.width % STRIDE or size.height % STRIDE or size.width < STRIDE or size.height < STRIDE:
        msg = f"input_size {size}: both sides must be multiples of {STRIDE}"
        raise ModelError(msg)
    return size


def probe_blob(model_input: Size, dtype: type[np.floating[Any]]) -> NDArray[Any]:
    """A made-up picture, 0..1: soft coloured blots, the same at every start."""
    blots = np.random.default_rng(1).random((8, 8, 3), np.float32)
    picture = cv2.resize(blots, (model_input.width, model_input.height), interpolation=cv2.INTER_LINEAR)
    return np.ascontiguousarray(picture.transpose(2, 0, 1)[np.newaxis], dtype)


def recognise(probe: Probe) -> tuple[Layout, tuple[str, ...]]:
    """The layout that explains ``probe`` and the names of its classes; refuses what none explains."""
    _, rows, columns = probe.output.shape
    for strides in _STRIDES:
        count = cells(probe.model_input, strides)
        if columns == count and rows > 4:  # noqa: PLR2004 - the box comes before the classes
            return _yolov8(probe, strides)
        if rows == _ANCHORS_V5 * count and columns > 5:  # noqa: PLR2004 - box and objectness
            return _yolov5(probe, strides)
        if rows == count and columns > 5:  # noqa: PLR2004 - box and objectness
            return _yolox(probe, strides)
    if columns == _END_TO_END_COLUMNS:
        return _end_to_end(probe)
    msg = f"the output {shape_text(probe.output)} is no known layout for an input of {probe.model_input}"
    raise refused(msg, probe.signature)


def only_table(signature: Signature, outputs: list[Any]) -> NDArray[np.float32]:
    """The one output, if it is a finite table of a batch of one."""
    if len(outputs) != 1:
        msg = f"{len(outputs)} outputs where a detector has one"
        raise refused(msg, signature)
    (output,) = outputs
    if not isinstance(output, np.ndarray):
        msg = "the output is no tensor"
        raise refused(msg, signature)
    if output.ndim != 3 or output.shape[0] != 1:  # noqa: PLR2004 - batch, rows, columns
        msg = f"the output {shape_text(output)} is not one table of boxes"
        raise refused(msg, signature)
    if not np.isfinite(output).all():
        msg = "it answers with NaN or infinity"
        raise refused(msg, signature)
    return output.astype(np.float32)


def _yolov8(probe: Probe, strides: Strides) -> tuple[Layout, tuple[str, ...]]:
    table = probe.output[0].T
    labels = labels_for(probe.known_labels, table.shape[1] - 4)
    _check_scores(probe, table[:, 4:])
    _check_pixels(probe, YoloV8.name, _centres(table, probe.model_input, strides, anchors=1))
    return YoloV8(), labels


def _yolov5(probe: Probe, strides: Strides) -> tuple[Layout, tuple[str, ...]]:
    table = probe.output[0]
    labels = labels_for(probe.known_labels, table.shape[1] - 5)
    _check_scores(probe, table[:, 4:])
    _check_pixels(probe, YoloV5.name, _centres(table, probe.model_input, strides, anchors=_ANCHORS_V5))
    return YoloV5(), labels


def _yolox(probe: Probe, strides: Strides) -> tuple[Layout, tuple[str, ...]]:
    table = probe.output[0]
    centres = _centres(table, probe.model_input, strides, anchors=1)
    names = len(probe.known_labels or ())
    if centres is Centres.PIXELS and names and table.shape[1] == 4 + names:
        msg = "this is YOLOv8 with its output transposed: export it anew without that"
        raise refused(msg, probe.signature)
    labels = labels_for(probe.known_labels, table.shape[1] - 5)
    _check_scores(probe, table[:, 4:])
    if (table[:, 4] == 1).all():
        msg = "the objectness is 1 everywhere as in YOLOv6, which edged does not know"
        raise refused(msg, probe.signature)
    if centres is Centres.OFFSETS:
        return YoloxRaw(probe.model_input, strides), labels
    _check_pixels(probe, YoloxDecoded.name, centres)
    return YoloxDecoded(), labels


def _end_to_end(probe: Probe) -> tuple[Layout, tuple[str, ...]]:
    scores, class_ids = probe.output[0, :, 4], probe.output[0, :, 5]
    _check_scores(probe, scores)
    if (class_ids != np.round(class_ids)).any() or (class_ids < 0).any():
        msg = "the sixth column of its rows is not a class"
        raise refused(msg, probe.signature)
    if probe.known_labels is None:
        msg = "the model does not name its classes and its rows do not tell how many: set labels_file"
        raise ModelError(msg)
    if class_ids.max(initial=0) >= len(probe.known_labels):
        msg = f"it knows more classes than the {len(probe.known_labels)} names given: set labels_file"
        raise refused(msg, probe.signature)
    return EndToEnd(), probe.known_labels


def _check_scores(probe: Probe, scores: NDArray[np.float32]) -> None:
    low, high = float(scores.min(initial=0)), float(scores.max(initial=0))
    if low < -_SCORE_SLACK or high > 1 + _SCORE_SLACK:
        msg = f"scores reach from {low:.3g} to {high:.3g} instead of 0 to 1: exported without its sigmoid"
        raise refused(msg, probe.signature)


def _check_pixels(probe: Probe, name: str, centres: Centres) -> None:
    if centres is not Centres.PIXELS:
        msg = f"the shape is that of {name} but box centres are {centres.value}"
        raise refused(msg, probe.signature)


def _centres(table: NDArray[np.float32], model_input: Size, strides: Strides, anchors: int) -> Centres:
    """Whether box centres walk over the grid with their cells, or stay near zero as offsets do."""
    levels = [grid(model_input, (stride,)) for stride in strides]
    cell_px = np.concatenate([np.tile((corner + 0.5) * side, (anchors, 1)) for corner, side in levels])
    pairs = [_line(cell_px[:, axis], table[:, axis]) for axis in (0, 1)]
    if all(correlation > _WALKS and 0.5 < slope < 2 for correlation, slope in pairs):  # noqa: PLR2004 - about 1
        return Centres.PIXELS
    stays = all(abs(correlation) < _STAYS for correlation, _ in pairs)
    if stays and np.abs(table[:, :2]).max() < _MOST_OFFSET:
        return Centres.OFFSETS
    return Centres.OTHER


def _line(x: NDArray[np.float32], y: NDArray[np.float32]) -> tuple[float, float]:
    """Correlation of ``y`` with ``x``, and the slope of the line through them."""
    covariance = np.cov(x, y)
    spread = float(np.sqrt(covariance[0, 0] * covariance[1, 1]))
    if spread < 1e-6:  # noqa: PLR2004 - a constant
        return 0.0, 0.0
    return float(covariance[0, 1]) / spread, float(covariance[0, 1] / covariance[0, 0])


def _metadata_size(metadata: Mapping[str, str]) -> Size | None:
    try:
        height, width = ast.literal_eval(metadata["imgsz"])
        return Size(int(width), int(height))
    except (KeyError, ValueError, TypeError, SyntaxError):
        return None


def _is_or_varies(side: int | str | None, number: int) -> bool:
    return side == number or not isinstance(side, int)


def shape_text(array: NDArray[Any]) -> str:
    """Sides with an x between them."""
    return "x".join(map(str, array.shape))


def refused(why: str, signature: Signature) -> ModelError:
    """The error that says why this is no detector we know, and what was seen."""
    return ModelError(f"not a detector edged knows: {why} (seen: {signature})")
