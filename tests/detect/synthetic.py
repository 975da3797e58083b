"""Small ONNX models made on the spot, which see red and blue squares, and pictures of such."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from edged.core.types import Size

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from edged.core.types import Bgr

STRIDES = (8, 16, 32)
WIDE = Size(416, 256)
NAMES = {"names": "{0: 'red', 1: 'blue'}"}
RED, BLUE = (0, 0, 255), (255, 0, 0)

_TYPES = {np.float32: TensorProto.FLOAT, np.float16: TensorProto.FLOAT16, np.uint8: TensorProto.UINT8}
_SURE = 10.0  # before the sigmoid


class ArrayPicture:
    """A picture that is in memory already."""

    def __init__(self, array: Bgr) -> None:
        self._array = array
        self.size = Size(array.shape[1], array.shape[0])

    def bgr(self, size: Size | None = None) -> Bgr:
        if size is None:
            return self._array
        return cv2.resize(self._array, (size.width, size.height)).astype(np.uint8, copy=False)

    def luma(self) -> NDArray[np.uint8]:
        return cv2.cvtColor(self._array, cv2.COLOR_BGR2GRAY).astype(np.uint8, copy=False)


def squares(size: Size, *boxes: tuple[tuple[int, int, int, int], tuple[int, int, int]]) -> ArrayPicture:
    """A black picture with coloured rectangles on it."""
    array = np.zeros((size.height, size.width, 3), np.uint8)
    for (x1, y1, x2, y2), colour in boxes:
        array[y1:y2, x1:x2] = colour
    return ArrayPicture(array)


def grid_of(model_input: Size, strides: tuple[int, ...] = STRIDES, anchors: int = 1) -> NDArray[np.float32]:
    """Centre x, centre y and stride of each row, in pixels; owes nothing to the code under test."""
    rows = []
    for stride in strides:
        level = [
            ((x + 0.5) * stride, (y + 0.5) * stride, stride)
            for y in range(model_input.height // stride)
            for x in range(model_input.width // stride)
        ]
        rows += level * anchors
    return np.array(rows, np.float32)


@dataclass(frozen=True)
class Family:
    """What makes one family of exports different from the next, for ``colour_model``."""

    is_bgr_bytes: bool  # else RGB, 0..1
    has_objectness: bool
    is_decoded: bool
    is_channel_first: bool
    anchors: int = 1


YOLOX_RAW = Family(is_bgr_bytes=True, has_objectness=True, is_decoded=False, is_channel_first=False)
YOLOX_DECODED = Family(is_bgr_bytes=True, has_objectness=True, is_decoded=True, is_channel_first=False)
YOLOV5 = Family(is_bgr_bytes=False, has_objectness=True, is_decoded=True, is_channel_first=False, anchors=3)
YOLOV8 = Family(is_bgr_bytes=False, has_objectness=False, is_decoded=True, is_channel_first=True)


def colour_model(
    path: Path,
    family: Family,
    model_input: Size | None = WIDE,
    *,
    dtype: type[Any] = np.float32,
    metadata: dict[str, str] | None = None,
) -> Path:
    """A working detector: cells of 32 pixels that are all red or all blue are found, each as its own box.

    ``model_input`` None leaves batch, height and width open.
    """
    graph = _Graph(dtype)
    levels = [
        graph.add("Transpose", [_level(graph, family, stride)], perm=[0, 2, 1])
        for stride in STRIDES
        for _ in range(family.anchors)
    ]
    table = graph.add("Concat", levels, axis=1)
    if family.is_decoded:
        assert model_input is not None
        table = graph.add("Add", [table, graph.constant(_decoded_boxes(family, model_input))])
    if family.is_channel_first:
        table = graph.add("Transpose", [table], perm=[0, 2, 1])
    sides: list[Any] = ["batch", 3, "height", "width"]
    if model_input is not None:
        sides = [1, 3, model_input.height, model_input.width]
    return graph.save(path, sides, [table], NAMES if metadata is None else metadata)


def constant_model(
    path: Path,
    *tables: NDArray[Any],
    model_input: Size = WIDE,
    shape: list[Any] | None = None,
    dtype: type[Any] = np.float32,
    metadata: dict[str, str] | None = None,
) -> Path:
    """A model that answers with ``tables`` whatever it is shown."""
    graph = _Graph(dtype)
    images = graph.add("Cast", ["images"], to=TensorProto.FLOAT) if dtype is np.uint8 else "images"
    number = np.float32 if dtype is np.uint8 else dtype
    nothing = graph.add(
        "Mul", [graph.add("ReduceMax", [images], keepdims=0), graph.constant(np.zeros((), number))]
    )
    outputs = [graph.add("Add", [graph.constant(table.astype(number)), nothing]) for table in tables]
    sides = shape or [1, 3, model_input.height, model_input.width]
    return graph.save(path, sides, outputs, NAMES if metadata is None else metadata)


def slow_model(path: Path) -> Path:
    """A small file that onnxruntime optimises for half a minute and more: it multiplies its constants out."""
    graph = _Graph(np.float32)
    side = graph.constant(np.array([3000, 3000]), np.int64)
    product = graph.add("Expand", [graph.constant(np.full((1, 1), 1e-4)), side])
    for _ in range(60):
        product = graph.add("MatMul", [product, product])
    nothing = graph.add("ReduceMax", [product], keepdims=0)
    return graph.save(path, [1, 3, 32, 32], [graph.add("Add", ["images", nothing])], NAMES)


def _level(graph: _Graph, family: Family, stride: int) -> str:
    """Boxes and scores of one grid, ``1 x columns x cells``."""
    pooled = graph.add("AveragePool", ["images"], kernel_shape=[stride, stride], strides=[stride, stride])
    steep = (1 if family.is_bgr_bytes else 255) * 40 / 255
    red_plane, blue_plane = (2, 0) if family.is_bgr_bytes else (0, 2)
    scores = 2 + family.has_objectness
    weights = np.zeros((scores, 3, 1, 1))
    biases = np.full(scores, _SURE if stride == STRIDES[-1] else -_SURE)
    for row, (own, other) in enumerate(((red_plane, blue_plane), (blue_plane, red_plane)), scores - 2):
        weights[row, own], weights[row, other], biases[row] = steep, -steep, -20
        if not family.has_objectness and stride != STRIDES[-1]:
            biases[row] = -60
    scored = graph.add("Conv", [pooled, graph.constant(weights), graph.constant(biases)])
    scored = graph.add("Sigmoid", [scored])
    nowhere, offset = np.zeros((4, 3, 1, 1)), np.full(4, 0.0 if family.is_decoded else 0.5)
    if not family.is_decoded:
        offset[2:] = 0.0  # the logarithm of one cell
    boxes = graph.add("Conv", [pooled, graph.constant(nowhere), graph.constant(offset)])
    both = graph.add("Concat", [boxes, scored], axis=1)
    return graph.add("Reshape", [both, graph.constant(np.array([1, 4 + scores, -1]), np.int64)])


def _decoded_boxes(family: Family, model_input: Size) -> NDArray[np.float32]:
    cells = grid_of(model_input, anchors=family.anchors)
    table = np.zeros((1, len(cells), 6 + family.has_objectness), np.float32)
    table[0, :, :2] = cells[:, :2]
    table[0, :, 2:4] = cells[:, 2:]
    return table


class _Graph:
    def __init__(self, dtype: type[Any]) -> None:
        self._dtype = dtype
        self._nodes: list[Any] = []
        self._constants: list[Any] = []

    def constant(self, array: NDArray[Any], dtype: type[Any] | None = None) -> str:
        name = f"constant{len(self._constants)}"
        number = dtype or (np.float32 if self._dtype is np.uint8 else self._dtype)
        self._constants.append(numpy_helper.from_array(np.asarray(array).astype(number), name))
        return name

    def add(self, operator: str, inputs: list[str], **attributes: Any) -> str:
        name = f"{operator.lower()}{len(self._nodes)}"
        self._nodes.append(helper.make_node(operator, inputs, [name], **attributes))
        return name

    def save(self, path: Path, sides: list[Any], outputs: list[str], metadata: dict[str, str]) -> Path:
        out_type = TensorProto.FLOAT if self._dtype is np.uint8 else _TYPES[self._dtype]
        graph = helper.make_graph(
            self._nodes,
            "synthetic",
            [helper.make_tensor_value_info("images", _TYPES[self._dtype], sides)],
            [helper.make_tensor_value_info(name, out_type, None) for name in outputs],
            self._constants,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        helper.set_model_props(model, metadata)
        onnx.save(model, str(path))
        return path
