from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime
import pytest

from edged.core.errors import ModelError
from edged.core.types import Detections, Size
from edged.detect.model import Detector, ModelOptions, load_model
from edged.detect.session import PROVIDERS, OnnxSession
from tests.detect.synthetic import (
    BLUE,
    NAMES,
    RED,
    WIDE,
    YOLOV5,
    YOLOV8,
    YOLOX_DECODED,
    YOLOX_RAW,
    ArrayPicture,
    colour_model,
    constant_model,
    grid_of,
    squares,
)

if TYPE_CHECKING:
    from pathlib import Path

FAMILIES = {
    "yolox-raw": YOLOX_RAW,
    "yolox-decoded": YOLOX_DECODED,
    "yolov5": YOLOV5,
    "yolov8": YOLOV8,
}


def find(detector: Detector, picture: ArrayPicture, **changed: Any) -> Detections:
    wanted: dict[str, Any] = {"min_score": 0.5, "iou_threshold": 0.5, "labels": None, **changed}
    return detector.detect(picture, **wanted)


def seen(found: Detections) -> set[tuple[str, tuple[float, ...]]]:
    return {
        (found.labels[class_id], tuple(box))
        for class_id, box in zip(found.class_ids, found.boxes_px.round(1).tolist(), strict=True)
    }


def load(path: Path, **options: Any) -> Detector:
    return load_model(ModelOptions(path, **options))


def refusal(path: Path, **options: Any) -> str:
    with pytest.raises(ModelError) as caught:
        load(path, **options)
    text = str(caught.value)
    assert str(path) in text
    assert "\n" not in text
    return text


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@pytest.mark.parametrize("name", FAMILIES)
def test_each_layout_is_recognised_and_finds_colours_where_they_are(
    name: str, dtype: type[Any], tmp_path: Path
) -> None:
    family = FAMILIES[name]
    detector = load(colour_model(tmp_path / "m.onnx", family, dtype=dtype))
    assert (detector.layout, detector.input_size, detector.labels) == (name, WIDE, ("red", "blue"))
    assert detector.provider == "cpu"
    assert detector.input_type == np.dtype(dtype).name
    # Half the size in the input; wide pictures have 24 px of grey above where they are centred.
    top = 16 if name.startswith("yolov") else 64
    picture = squares(Size(832, 416), ((128, top, 192, top + 64), RED), ((512, top, 576, top + 64), BLUE))
    expected = {("red", (128, top, 192, top + 64)), ("blue", (512, top, 576, top + 64))}
    assert seen(find(detector, picture)) == expected
    assert seen(find(detector, picture, labels=frozenset({"blue", "green"}))) == {
        ("blue", (512, top, 576, top + 64))
    }


def test_pictures_of_different_shapes_do_not_leave_traces_in_each_other(tmp_path: Path) -> None:
    detector = load(colour_model(tmp_path / "m.onnx", YOLOX_RAW))
    wide = squares(Size(832, 512), ((0, 448, 832, 512), RED))
    flat = squares(Size(832, 128), ((0, 0, 64, 64), BLUE))
    assert len(find(detector, wide)) == 13
    assert seen(find(detector, flat)) == {("blue", (0, 0, 64, 64))}
    assert len(find(detector, wide)) == 13


def test_threads_do_not_write_into_each_others_input(tmp_path: Path) -> None:
    detector = load(colour_model(tmp_path / "m.onnx", YOLOX_RAW))
    boxes = [(32 * n, 32, 32 * n + 32, 64) for n in range(8)]
    pictures = [squares(WIDE, (box, RED)) for box in boxes]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda picture: seen(find(detector, picture)), pictures * 25))
    assert found == [{("red", box)} for box in boxes] * 25


def test_boxes_are_clipped_to_the_frame(tmp_path: Path) -> None:
    detector = load(colour_model(tmp_path / "m.onnx", YOLOX_RAW))
    picture = squares(Size(416, 250), ((384, 224, 416, 250), RED))
    assert seen(find(detector, picture)) == {("red", (384, 224, 416, 250))}


@pytest.mark.parametrize("size", [Size(416, 256), Size(320, 320), Size(640, 384)])
def test_open_axes_take_the_size_that_is_wanted(size: Size, tmp_path: Path) -> None:
    path = colour_model(tmp_path / "m.onnx", YOLOX_RAW, None)
    detector = load(path, input_size=size)
    assert detector.input_size == size
    assert seen(find(detector, squares(size, ((64, 32, 96, 64), RED)))) == {("red", (64, 32, 96, 64))}


def test_open_axes_without_a_wanted_size_take_what_the_model_says_or_640(tmp_path: Path) -> None:
    assert load(colour_model(tmp_path / "a.onnx", YOLOX_RAW, None)).input_size == Size(640, 640)
    metadata = {**NAMES, "imgsz": "[256, 416]"}
    assert load(colour_model(tmp_path / "b.onnx", YOLOX_RAW, None, metadata=metadata)).input_size == Size(
        416, 256
    )
    metadata = {**NAMES, "imgsz": "large"}
    assert load(colour_model(tmp_path / "c.onnx", YOLOX_RAW, None, metadata=metadata)).input_size == Size(
        640, 640
    )


def test_an_input_size_that_cannot_be_is_refused(tmp_path: Path) -> None:
    fixed = colour_model(tmp_path / "fixed.onnx", YOLOX_RAW)
    assert "fixed at 416x256" in refusal(fixed, input_size=Size(640, 640))
    assert load(fixed, input_size=WIDE).input_size == WIDE
    assert "multiples of 32" in refusal(
        colour_model(tmp_path / "o.onnx", YOLOX_RAW, None), input_size=Size(400, 256)
    )


def test_end_to_end_rows_need_no_suppression_and_come_best_first(tmp_path: Path) -> None:
    rows = np.zeros((1, 300, 6))
    rows[0, :4] = [
        (100, 50, 200, 150, 0.6, 1),
        (100, 50, 200, 150, 0.9, 0),
        (101, 50, 200, 150, 0.8, 0),
        (10, 10, 20, 20, 0.3, 0),
    ]
    detector = load(constant_model(tmp_path / "m.onnx", rows))
    found = find(detector, squares(Size(832, 512)))
    assert detector.layout == "end-to-end"
    assert found.scores.tolist() == pytest.approx([0.9, 0.8, 0.6])
    assert found.class_ids.tolist() == [0, 0, 1]
    assert found.boxes_px[0].tolist() == pytest.approx([200, 100, 400, 300])


def test_one_class_yolox_is_not_taken_for_end_to_end(tmp_path: Path) -> None:
    table = np.zeros((1, len(grid_of(WIDE)), 6))
    table[0, :, :2] = 0.5
    detector = load(constant_model(tmp_path / "m.onnx", table, metadata={"names": "['person']"}))
    assert (detector.layout, detector.labels) == ("yolox-raw", ("person",))


def test_rows_of_infinite_size_are_left_out(tmp_path: Path) -> None:
    table = np.zeros((1, len(grid_of(WIDE)), 7))
    table[0, :, :2] = 0.5
    table[0, 7, 2:] = (500, 500, 1, 1, 0)
    table[0, 9, 2:] = (0, 0, 1, 1, 0)
    assert len(find(load(constant_model(tmp_path / "m.onnx", table)), squares(Size(416, 256)))) == 1


def yolo_table(columns: int, *, decoded: bool, anchors: int = 1) -> Any:
    cells = grid_of(WIDE, anchors=anchors)
    table = np.zeros((1, len(cells), columns))
    table[0, :, :2] = cells[:, :2] if decoded else 0.5
    return table


def names(count: int) -> dict[str, str]:
    return {"names": str({n: f"thing {n}" for n in range(count)})}


@pytest.mark.parametrize("count", [1, 2, 3, 80, 365])
def test_any_number_of_classes(count: int, tmp_path: Path) -> None:
    table = yolo_table(5 + count, decoded=True)
    table[0, 100, 2:5] = 40, 20, 1
    table[0, 100, 4 + count] = 0.75
    found = find(load(constant_model(tmp_path / "m.onnx", table, metadata=names(count))), squares(WIDE))
    assert found.class_ids.tolist() == [count - 1]
    assert found.scores.tolist() == pytest.approx([0.75])


def test_names_come_from_the_labels_file_the_metadata_or_are_coco(tmp_path: Path) -> None:
    labels_file = tmp_path / "labels.txt"
    labels_file.write_text("rot\nblau\n")
    path = colour_model(tmp_path / "m.onnx", YOLOX_RAW)
    assert load(path, labels_file=labels_file).labels == ("rot", "blau")
    unnamed = constant_model(tmp_path / "coco.onnx", yolo_table(85, decoded=False), metadata={})
    assert load(unnamed).labels[:3] == ("person", "bicycle", "car")
    unnamed = constant_model(tmp_path / "two.onnx", yolo_table(7, decoded=False), metadata={})
    assert "2 classes and does not name them: set labels_file" in refusal(unnamed)
    assert load(unnamed, labels_file=labels_file).labels == ("rot", "blau")
    assert "2 classes but 3 names" in refusal(
        constant_model(tmp_path / "x.onnx", yolo_table(7, decoded=False), metadata=names(3))
    )


def test_what_is_not_understood_is_refused_by_name(tmp_path: Path) -> None:
    n = iter(range(100))

    def model(*tables: Any, **options: Any) -> str:
        return refusal(constant_model(tmp_path / f"{next(n)}.onnx", *tables, **options))

    raw, decoded = yolo_table(7, decoded=False), yolo_table(7, decoded=True)
    logits = raw.copy()
    logits[..., 4:] = -7.5
    assert "without its sigmoid" in model(logits)
    assert "box centres are neither pixels" in model(decoded / 416)
    assert "is that of yolov5 but box centres are offsets" in model(yolo_table(7, decoded=False, anchors=3))
    ones = decoded.copy()
    ones[..., 4] = 1
    assert "YOLOv6" in model(ones)
    assert "transposed" in model(yolo_table(6, decoded=True))
    assert "NaN" in model(np.where(raw == 0.5, np.nan, raw))
    assert "output 1x512 is not one table" in model(np.zeros((1, 512)))
    assert "2 outputs" in model(decoded, np.zeros((1, 32, 64, 104)))
    assert "1x123x45 is no known layout for an input of 416x256" in model(np.zeros((1, 123, 45)))
    assert "1x2184x5 is no known layout" in model(yolo_table(5, decoded=True))
    assert "1x4x2184 is no known layout" in model(np.zeros((1, 4, 2184)))
    assert "task 'segment'" in model(decoded, metadata={**NAMES, "task": "segment"})
    assert "neither float" in model(decoded, dtype=np.uint8)
    assert "not 1 x 3 x height x width" in model(decoded, shape=[1, 256, 416, 3])
    assert "not 1 x 3 x height x width" in model(decoded, shape=[1, 3])
    assert "not 1 x 3 x height x width" in model(decoded, shape=[4, 3, 256, 416])
    rows = np.zeros((1, 300, 6))
    rows[0, 0, 5] = 0.25
    assert "sixth column" in model(rows)
    rows[0, 0, 5] = 7
    assert "more classes than the 2 names" in model(rows)


def test_end_to_end_rows_need_names(tmp_path: Path) -> None:
    path = constant_model(tmp_path / "m.onnx", np.zeros((1, 300, 6)), metadata={})
    assert "set labels_file" in refusal(path)
    labels_file = tmp_path / "labels.txt"
    labels_file.write_text("red\nblue\n")
    assert load(path, labels_file=labels_file).labels == ("red", "blue")


def test_the_refusal_says_what_was_seen(tmp_path: Path) -> None:
    text = refusal(constant_model(tmp_path / "m.onnx", np.zeros((1, 512))))
    assert "seen: input images 1x3x256x416 tensor(float), output " in text


def test_files_that_are_no_models(tmp_path: Path) -> None:
    assert "no such model file" in refusal(tmp_path / "none.onnx")
    assert "no such model file" in refusal(tmp_path)
    whole = colour_model(tmp_path / "m.onnx", YOLOX_RAW).read_bytes()
    for content in (whole[: len(whole) // 2], b"", b"GIF89a" * 100, b"<html>Not Found</html>"):
        broken = tmp_path / "broken.onnx"
        broken.write_bytes(content)
        text = refusal(broken)
        assert "onnxruntime cannot use this file" in text
        assert "ONNXRuntimeError" not in text
        assert text.count(str(broken)) == 1


def claim_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        onnxruntime,
        "get_available_providers",
        lambda: ["CUDAExecutionProvider", "CPUExecutionProvider"],
    )


@pytest.mark.filterwarnings("ignore:Specified provider")
def test_a_provider_that_does_not_start_is_said_and_the_cpu_takes_over(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim_cuda(monkeypatch)
    detector = load(colour_model(tmp_path / "m.onnx", YOLOX_RAW), providers=("cuda", "cpu"))
    assert detector.provider == "cpu"
    assert "m.onnx: not on cuda: onnxruntime has it but could not start it" in caplog.text


def test_a_provider_that_fails_at_warm_up_is_said_and_the_cpu_takes_over(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PROVIDERS, "cuda", "CPUExecutionProvider")
    run = OnnxSession.run

    def fail_on_cuda(session: OnnxSession, blob: Any) -> list[Any]:
        return run(session, blob if session.provider != "cuda" else blob[:, :, :-1])

    monkeypatch.setattr(OnnxSession, "run", fail_on_cuda)
    detector = load(colour_model(tmp_path / "m.onnx", YOLOX_RAW), providers=("cuda",))
    assert detector.provider == "cpu"
    assert "m.onnx: not on cuda: inference on cuda failed: " in caplog.text
    assert len(caplog.records) == 1


def test_a_provider_that_is_not_there_is_said_once_and_the_cpu_takes_over(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = colour_model(tmp_path / "m.onnx", YOLOX_RAW)
    with caplog.at_level(logging.INFO):
        detector = load(path, providers=("tensorrt", "cuda", "cpu", "openvino"))
    assert detector.provider == "cpu"
    assert [record.getMessage() for record in caplog.records] == [
        "m.onnx: not on tensorrt: the installed onnxruntime does not have it",
        "m.onnx: not on cuda: the installed onnxruntime does not have it",
    ]
