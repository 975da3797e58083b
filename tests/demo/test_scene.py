from __future__ import annotations

import ast
from dataclasses import replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import av
import cv2
import numpy as np
import onnx
import onnxruntime as ort
import pytest

from edged.core.types import Size
from edged.demo.clip import LEAST_VISIBLE, mot_line, read_truth
from edged.demo.render import TruthBox
from edged.demo.scene import Kind, SceneSpec, main, render, renderer, write_clip

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edged.core.types import Bgr

DATA = Path(str(files("edged.demo").joinpath("data")))
MODEL = DATA / "edged-demo.onnx"
CLIPS: tuple[Kind, ...] = ("yard", "street")
SMALL = SceneSpec(kind="yard", size=Size(320, 180), fps=5, seconds=2.0, people=4, cars=2, seed=11)


@cache
def frames(spec: SceneSpec) -> list[tuple[Bgr, list[TruthBox]]]:
    return list(render(spec))


# -- the generator


@pytest.mark.parametrize("kind", CLIPS)
def test_equal_specs_give_equal_pixels_and_truth(kind: Kind) -> None:
    spec = replace(SMALL, kind=kind, seconds=0.6)

    once, again = list(render(spec)), list(render(spec))

    assert len(once) == spec.frame_count == 3
    assert all(np.array_equal(a[0], b[0]) for a, b in zip(once, again, strict=True))
    assert [boxes for _, boxes in once] == [boxes for _, boxes in again]
    assert any(boxes for _, boxes in once)


def test_another_seed_gives_another_scene() -> None:
    assert not np.array_equal(frames(SMALL)[0][0], next(render(replace(SMALL, seed=12)))[0])


def test_no_more_actors_than_asked_for() -> None:
    drawn = renderer(replace(SMALL, seconds=60.0, people=2, cars=1, seed=4))
    for time_s in range(0, 60, 3):
        labels = [box.label for box in drawn.frame(time_s)[1]]
        assert labels.count("person") <= 2
        assert labels.count("car") <= 1


def test_truth_boxes_lie_inside_the_frame() -> None:
    for _, boxes in frames(SMALL):
        for box in boxes:
            assert 0 <= box.left_px < box.left_px + box.width_px <= SMALL.size.width
            assert 0 <= box.top_px < box.top_px + box.height_px <= SMALL.size.height
            assert 0.0 <= box.visibility <= 1.0


@pytest.mark.parametrize("kind", CLIPS)
def test_truth_boxes_hug_what_is_drawn(kind: Kind) -> None:
    spec = replace(SMALL, kind=kind, size=Size(640, 360), people=3, cars=1, seconds=30.0)
    drawn = renderer(spec)
    empty = np.median([drawn.frame(t)[0] for t in range(0, 30, 3)], axis=0)
    checked = 0
    for time_s in (1.5, 7.5, 13.5, 19.5):
        picture, boxes = drawn.frame(time_s)
        changed = np.abs(picture.astype(int) - empty).max(axis=2) > 40
        for box in boxes:
            if box.visibility < 0.95 or box.height_px < 20:
                continue
            inside = changed[
                box.top_px : box.top_px + box.height_px, box.left_px : box.left_px + box.width_px
            ]
            if inside.mean() < 0.15:
                continue  # stands long enough to have become part of the median
            # No side has room to spare: a person or car is seen within a seventh of the box from each edge.
            rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
            assert rows[0] <= 2 + box.height_px / 7
            assert rows[-1] >= box.height_px - 3 - box.height_px / 7
            assert columns[0] <= 2 + box.width_px / 7
            assert columns[-1] >= box.width_px - 3 - box.width_px / 7
            checked += 1
    assert checked >= 4


def test_ids_stay_with_their_owners() -> None:
    spec = replace(SMALL, fps=10, seconds=4.0)
    labels: dict[int, str] = {}
    last: dict[int, tuple[int, TruthBox]] = {}
    followed = 0
    for number, (_, boxes) in enumerate(frames(spec)):
        assert len({box.track_id for box in boxes}) == len(boxes)
        for box in boxes:
            assert labels.setdefault(box.track_id, box.label) == box.label
            seen_at, before = last.get(box.track_id, (-1, box))
            if seen_at == number - 1 and min(before.left_px, box.left_px) > 0:
                followed += 1
                assert abs(box.left_px - before.left_px) < 0.5 * max(box.width_px, before.width_px)
                assert abs(box.top_px - before.top_px) < 0.2 * max(box.height_px, before.height_px)
            last[box.track_id] = number, box
    assert followed > 50


def test_a_scene_ends_as_it_begins() -> None:
    drawn = renderer(replace(SMALL, seconds=30.0))
    begin, end = drawn.frame(0.0), drawn.frame(30.0)

    assert [replace(box, track_id=0) for box in begin[1]] == [replace(box, track_id=0) for box in end[1]]
    assert np.abs(begin[0].astype(int) - end[0]).mean() < 5.0  # only the noise differs


def test_whoever_is_hidden_is_less_visible() -> None:
    """Sooner or later somebody passes behind a post: visible, less visible, visible again."""
    drawn = renderer(replace(SMALL, people=5, seconds=40.0, seed=3))
    history: dict[int, list[float]] = {}
    for step in range(100):
        for box in drawn.frame(step * 0.4)[1]:
            if box.label == "person" and 0 < box.left_px < SMALL.size.width - box.width_px:
                history.setdefault(box.track_id, []).append(box.visibility)
        if any(seen[0] == 1.0 == seen[-1] and min(seen) < 0.6 for seen in history.values()):
            return
    pytest.fail(f"nobody was hidden in 40 s: {history}")


# -- clips and their truth


def test_truth_survives_the_way_through_the_file(tmp_path: Path) -> None:
    write_clip(SMALL, tmp_path / "a.mp4", tmp_path / "a.mot.txt")

    truth = read_truth(tmp_path / "a.mot.txt")

    assert [truth.get(n, []) for n in range(1, SMALL.frame_count + 1)] == [
        boxes for _, boxes in frames(SMALL)
    ]


def test_hardly_visible_ones_are_not_to_be_considered() -> None:
    box = TruthBox(
        track_id=7, label="car", left_px=1, top_px=2, width_px=30, height_px=40, visibility=LEAST_VISIBLE
    )

    assert mot_line(5, box) == "5,7,1,2,30,40,1,3,0.300"
    assert mot_line(5, replace(box, visibility=0.29)) == "5,7,1,2,30,40,0,3,0.290"


@pytest.mark.parametrize("name", CLIPS)
def test_shipped_clips_look_like_a_camera(name: str) -> None:
    with av.open(str(DATA / f"{name}.mp4")) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.name == "h264"
        assert stream.pix_fmt == "yuv420p"
        assert not stream.codec_context.has_b_frames
        rate = float(stream.average_rate or 0)
        packets = [packet for packet in container.demux(stream) if packet.size]
    keys = [n for n, packet in enumerate(packets) if packet.is_keyframe]

    assert all(packet.pts == packet.dts for packet in packets)
    assert 20 <= rate <= 25
    assert 30 <= len(packets) / rate <= 40
    assert max(np.diff([*keys, len(packets)])) <= 2 * rate
    assert max(read_truth(DATA / f"{name}.mot.txt")) == len(packets)


def test_shipped_clips_are_small() -> None:
    assert sum(path.stat().st_size for path in DATA.iterdir() if path.suffix in {".mp4", ".txt"}) <= 3_000_000


# -- the command line


def test_command_line_writes_clip_and_truth(tmp_path: Path) -> None:
    out = tmp_path / "short.mp4"

    assert main(["--seconds", "0.4", "--fps", "5", "--size", "160x90", "--seed", "2", "--out", str(out)]) == 0

    with av.open(str(out)) as container:
        assert sum(1 for _ in container.decode(video=0)) == 2
    assert out.with_suffix(".mot.txt").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--size", "161x90"], "scene: size is 161x90, but H.264 needs even numbers\n"),
        (["--fps", "0"], "scene: fps is 0, but must be 1 to 60\n"),
    ],
)
def test_command_line_says_what_is_wrong(
    arguments: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*arguments, "--out", str(tmp_path / "x.mp4")]) == 2
    assert capsys.readouterr().err == said


def test_command_line_names_the_file_it_cannot_write(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "missing" / "x.mp4"

    assert main(["--seconds", "0.2", "--fps", "5", "--size", "160x90", "--out", str(out)]) == 1
    assert capsys.readouterr().err == f"scene: cannot write {out}: No such file or directory\n"


# -- the model


def test_model_says_what_it_is() -> None:
    assert MODEL.stat().st_size <= 1_500_000
    model = onnx.load(MODEL)
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    names = ast.literal_eval(metadata["names"])

    assert names == {0: "person", 1: "car"}
    assert (metadata["layout"], metadata["task"], metadata["license"]) == ("yolox", "detect", "Apache-2.0")
    assert "demo scene only" in metadata["description"]
    assert model.opset_import[0].version >= 13
    session = ort.InferenceSession(str(MODEL), providers=["CPUExecutionProvider"])
    _, channels, height, width = session.get_inputs()[0].shape
    assert channels == 3
    assert height % 32 == width % 32 == 0
    cells = sum(height // stride * (width // stride) for stride in (8, 16, 32))
    assert session.get_outputs()[0].shape == [1, cells, 7]


def detect(session: ort.InferenceSession, picture: Bgr) -> list[tuple[str, NDArray[np.float64]]]:
    """The plain way of YOLOX: label and x1, y1, x2, y2 in pixels of the picture."""
    height, width = session.get_inputs()[0].shape[2:]
    scale = min(width / picture.shape[1], height / picture.shape[0])
    small = cv2.resize(picture, None, fx=scale, fy=scale)
    canvas = np.full((height, width, 3), 114, np.uint8)
    canvas[: small.shape[0], : small.shape[1]] = small
    raw = session.run(None, {"images": canvas.transpose(2, 0, 1)[None].astype(np.float32)})[0][0]
    places, strides = [], []
    for stride in (8, 16, 32):
        rows, columns = np.mgrid[: height // stride, : width // stride]
        places.append(np.stack([columns.ravel(), rows.ravel()], axis=1))
        strides.append(np.full((rows.size, 1), stride))
    grid, step = np.concatenate(places), np.concatenate(strides)
    side = np.exp(raw[:, 2:4]) * step
    corner = (raw[:, :2] + grid) * step - side / 2
    boxes = np.concatenate([corner, side], axis=1) / scale
    scores = raw[:, 4:5] * raw[:, 5:]
    labels = scores.argmax(axis=1)
    kept = cv2.dnn.NMSBoxesBatched(boxes.tolist(), scores.max(axis=1).tolist(), labels.tolist(), 0.35, 0.5)
    return [
        (("person", "car")[labels[n]], np.concatenate([boxes[n, :2], boxes[n, :2] + boxes[n, 2:]]))
        for n in kept
    ]


def overlap(a: NDArray[np.float64], box: TruthBox) -> float:
    b = np.array([box.left_px, box.top_px, box.left_px + box.width_px, box.top_px + box.height_px])
    shared = np.prod(np.clip(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0, None))
    return float(shared / (np.prod(a[2:] - a[:2]) + np.prod(b[2:] - b[:2]) - shared))


@pytest.mark.parametrize("kind", CLIPS)
def test_model_finds_people_and_cars_of_a_scene_it_never_saw(kind: Kind) -> None:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(str(MODEL), options, providers=["CPUExecutionProvider"])
    drawn = renderer(SceneSpec(kind=kind, people=6, cars=2, seed=2_000_003))
    wanted = found = claimed = wrong = 0
    for time_s in range(0, 36, 3):
        picture, boxes = drawn.frame(time_s)
        detections = detect(session, picture)
        clear = [box for box in boxes if box.visibility >= 0.5]
        wanted += len(clear)
        found += sum(any(label == b.label and overlap(d, b) > 0.5 for label, d in detections) for b in clear)
        claimed += len(detections)
        wrong += sum(
            not any(label == b.label and overlap(d, b) > 0.4 for b in boxes) for label, d in detections
        )

    assert wanted > 20
    assert found >= 0.85 * wanted
    assert wrong <= 0.15 * claimed
