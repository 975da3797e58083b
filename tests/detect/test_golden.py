"""Real models on real photos, against a plain reference that knows nothing of edged's way of decoding.

The reference decodes every row of the output, filters afterwards and suppresses with a double loop.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import onnxruntime
import pytest

from edged.core.errors import ModelError
from edged.core.types import Size
from edged.detect.model import ModelOptions, load_model
from tests.detect.synthetic import ArrayPicture, grid_of

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from edged.core.types import Bgr

IMAGES = ("bus", "mot17_02_000001", "mot17_04_000001", "mot17_05_000001", "street", "zidane")
TWINS = ("yolov8n_640_int8", "yolo26n_640_int8", "yolov5n_dynamic")  # of others: see two photos
LAYOUTS = {
    "yolox_nano_416": "yolox-raw",
    "yolox_nano_640": "yolox-raw",
    "yolov5n_640": "yolov5",
    "yolov5n_640_fp16": "yolov5",
    "yolov5n_dynamic": "yolov5",
    "yolov8n_640": "yolov8",
    "yolov8n_640_int8": "yolov8",
    "yolo26n_640": "end-to-end",
    "yolo26n_640_int8": "end-to-end",
}
MIN_SCORE = 0.25
IOU = 0.5


@dataclass(frozen=True)
class Found:
    boxes: NDArray[np.float64]
    scores: NDArray[np.float64]
    class_ids: NDArray[np.intp]


def reference(session: Any, layout: str, image: Bgr, side: int) -> Found:
    height, width = image.shape[:2]
    ratio = min(side / width, side / height)
    scaled = cv2.resize(image, (round(width * ratio), round(height * ratio))).astype(np.float32)
    canvas: NDArray[Any] = np.full((side, side, 3), 114, np.float32)
    left = top = 0
    if layout != "yolox-raw":
        left, top = (side - scaled.shape[1]) // 2, (side - scaled.shape[0]) // 2
    canvas[top : top + scaled.shape[0], left : left + scaled.shape[1]] = scaled
    if layout != "yolox-raw":
        canvas = canvas[:, :, ::-1] / 255
    entry = session.get_inputs()[0]
    dtype = np.float16 if "float16" in entry.type else np.float32
    blob = np.ascontiguousarray(canvas.transpose(2, 0, 1)[np.newaxis], dtype=dtype)
    output = session.run(None, {entry.name: blob})[0][0].astype(np.float64)
    found = decode(output, layout, side)
    boxes = (found.boxes - (left, top, left, top)) / ratio
    boxes = np.clip(boxes, 0, (width, height, width, height))
    return Found(boxes, found.scores, found.class_ids)


def decode(output: NDArray[np.float64], layout: str, side: int) -> Found:
    if layout == "end-to-end":
        rows = output[output[:, 4] >= MIN_SCORE]
        return Found(rows[:, :4], rows[:, 4], rows[:, 5].astype(np.intp))
    if layout == "yolov8":
        table, classes = output.T, output[4:].T
    else:
        table, classes = output, output[:, 5:] * output[:, 4:5]
    centre, size = table[:, :2].copy(), table[:, 2:4].copy()
    if layout == "yolox-raw":
        cells = grid_of(Size(side, side))
        centre = (centre - 0.5) * cells[:, 2:] + cells[:, :2]
        size = np.exp(size) * cells[:, 2:]
    boxes = np.hstack((centre - size / 2, centre + size / 2))
    scores, class_ids = classes.max(axis=1), classes.argmax(axis=1)
    return suppressed(boxes, scores, class_ids)


def suppressed(boxes: NDArray[np.float64], scores: NDArray[np.float64], class_ids: NDArray[np.intp]) -> Found:
    kept: list[int] = []
    for row in np.argsort(-scores):
        if scores[row] < MIN_SCORE:
            break
        if all(class_ids[row] != class_ids[other] or iou(boxes[row], boxes[other]) <= IOU for other in kept):
            kept.append(int(row))
    return Found(boxes[kept], scores[kept], class_ids[kept])


def iou(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    inter = np.maximum(0, np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])).prod()
    return float(inter / ((a[2:] - a[:2]).prod() + (b[2:] - b[:2]).prod() - inter))


def photo(test_data: Path, name: str) -> Bgr:
    image = cv2.imread(str(test_data / "images" / f"{name}.jpg"))
    assert image is not None
    return image.astype(np.uint8, copy=False)


def plain_session(path: Path) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


@pytest.mark.parametrize("name", LAYOUTS)
def test_boxes_are_those_of_the_reference(name: str, test_data: Path) -> None:
    path = test_data / "models" / f"{name}.onnx"
    detector = load_model(ModelOptions(path))
    assert detector.layout == LAYOUTS[name]
    assert len(detector.labels) == 80
    session = plain_session(path)
    total = 0
    for image_name in IMAGES[:2] if name in TWINS else IMAGES:
        image = photo(test_data, image_name)
        expected = reference(session, LAYOUTS[name], image, detector.input_size.width)
        found = detector.detect(ArrayPicture(image), min_score=MIN_SCORE, iou_threshold=IOU)
        assert found.class_ids.tolist() == expected.class_ids.tolist()
        np.testing.assert_allclose(found.scores, expected.scores, atol=0.01)
        np.testing.assert_allclose(found.boxes_px, expected.boxes, atol=2)
        total += len(found)
    assert total > 3


@pytest.mark.parametrize(("name", "people"), [("yolox_nano_416", 4), ("yolov8n_640", 4), ("yolo26n_640", 4)])
def test_the_people_at_the_bus_are_found(name: str, people: int, test_data: Path) -> None:
    detector = load_model(ModelOptions(test_data / "models" / f"{name}.onnx"))
    image = photo(test_data, "bus")
    found = detector.detect(
        ArrayPicture(image), min_score=MIN_SCORE, iou_threshold=IOU, labels=frozenset({"person"})
    )
    assert len(found) == people


def test_an_embedding_is_refused_by_name(test_data: Path) -> None:
    path = test_data / "models" / "osnet_x0_25_msmt17.onnx"
    with pytest.raises(
        ModelError, match=r"osnet_x0_25_msmt17\.onnx: not a detector.* 1x512 .*batchx3x256x128"
    ):
        load_model(ModelOptions(path))
