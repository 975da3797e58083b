"""Pictures to learn from: scenes of many seeds through H.264 and a letterbox, rendered once and kept.

Every sample is what the daemon would feed to the model: encoded as a camera would, decoded, scaled, padded.
"""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import av
import cv2
import numpy as np
import torch
from torch.utils.data import Dataset

from edged.core.types import Size
from edged.demo.scene import SceneSpec, renderer
from models.network import INPUT_HEIGHT, INPUT_WIDTH, LABELS, PAD

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.random import Generator
    from numpy.typing import NDArray

    from edged.core.types import Bgr
    from edged.demo.render import TruthBox

FRAMES_PER_SCENE = 30
BOXES_MOST = 32  # rows kept for a frame; unused ones have class -1
SIZES = (Size(640, 360), Size(640, 360), Size(960, 540), Size(480, 270), Size(512, 384))
CLEAR = 0.35  # from this visibility on, somebody has to be found
FIRST_HELD_OUT_SEED = 1_000_000  # training never uses these


@dataclass(frozen=True, slots=True)
class Samples:
    """Pictures ``n x H x W x 3`` and boxes ``n x BOXES_MOST x 6``: x1, y1, x2, y2, class, visibility."""

    pictures: NDArray[np.uint8]
    boxes: NDArray[np.float32]


def letterbox(picture: Bgr) -> tuple[Bgr, float]:
    """The picture at the top left of the input, and how much it was scaled."""
    height, width = picture.shape[:2]
    scale = min(INPUT_WIDTH / width, INPUT_HEIGHT / height)
    canvas = np.full((INPUT_HEIGHT, INPUT_WIDTH, 3), PAD, np.uint8)
    wide, high = round(width * scale), round(height * scale)
    canvas[:high, :wide] = cv2.resize(picture, (wide, high), interpolation=cv2.INTER_LINEAR)
    return canvas, scale


def through_h264(pictures: list[Bgr], crf: int, fps: int = 5) -> list[Bgr]:
    """The pictures as they come out of a camera's encoder and our decoder."""
    height, width = pictures[0].shape[:2]
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
    encoder.framerate, encoder.time_base = Fraction(fps), Fraction(1, fps)
    encoder.max_b_frames, encoder.thread_count = 0, 1
    encoder.options = {"crf": str(crf), "preset": "veryfast", "bf": "0"}
    decoder = av.CodecContext.create("h264", "r")
    decoder.thread_count = 1
    packets = [
        packet for p in pictures for packet in encoder.encode(av.VideoFrame.from_ndarray(p, format="bgr24"))
    ]
    packets += encoder.encode(None)
    frames = [frame for packet in packets for frame in decoder.decode(packet)]
    frames += decoder.decode(None)
    return [np.asarray(frame.to_ndarray(format="bgr24"), np.uint8) for frame in frames]


def random_spec(seed: int, size: Size | None = None) -> SceneSpec:
    """A scene whose kind, size and crowd follow from the seed."""
    rng = np.random.default_rng([seed, 1])
    return SceneSpec(
        kind="yard" if seed % 2 else "street",
        size=size or SIZES[rng.integers(len(SIZES))],
        seconds=36.0,
        people=int(rng.integers(2, 8)),
        cars=int(rng.integers(1, 5)),
        seed=seed,
    )


def scene_samples(seed: int) -> Samples:
    """The samples of one scene."""
    cv2.setNumThreads(1)
    rng = np.random.default_rng([seed, 2])
    spec = random_spec(seed)
    drawn = renderer(spec)
    start_s, step_s = rng.uniform(0, spec.seconds), rng.uniform(0.6, 1.2)
    frames = [drawn.frame(start_s + n * step_s) for n in range(FRAMES_PER_SCENE)]
    coded = through_h264([picture for picture, _ in frames], crf=int(rng.integers(20, 35)))
    pictures = np.empty((len(frames), INPUT_HEIGHT, INPUT_WIDTH, 3), np.uint8)
    boxes = np.full((len(frames), BOXES_MOST, 6), -1, np.float32)
    for n, (picture, (_, truth)) in enumerate(zip(coded, frames, strict=True)):
        pictures[n], scale = letterbox(picture)
        for row, box in enumerate(truth[:BOXES_MOST]):
            boxes[n, row] = box_row(box, scale)
    return Samples(pictures, boxes)


def box_row(box: TruthBox, scale: float) -> tuple[float, ...]:
    """x1, y1, x2, y2 in pixels of the input, class, visibility."""
    x1, y1 = box.left_px * scale, box.top_px * scale
    x2, y2 = x1 + box.width_px * scale, y1 + box.height_px * scale
    return x1, y1, x2, y2, float(LABELS.index(box.label)), box.visibility


def cached_samples(folder: Path, scenes: int, workers: int, progress: Callable[[int, int], None]) -> Samples:
    """The samples of seeds 1..scenes, rendered now or taken from ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    pictures_file, boxes_file = folder / f"pictures-{scenes}.npy", folder / f"boxes-{scenes}.npy"
    if not boxes_file.exists():
        shape = (scenes * FRAMES_PER_SCENE, INPUT_HEIGHT, INPUT_WIDTH, 3)
        pictures = np.lib.format.open_memmap(pictures_file, "w+", np.uint8, shape)
        boxes = np.empty((shape[0], BOXES_MOST, 6), np.float32)
        with ProcessPoolExecutor(workers) as pool:
            for n, part in enumerate(pool.map(scene_samples, range(1, scenes + 1))):
                rows = slice(n * FRAMES_PER_SCENE, (n + 1) * FRAMES_PER_SCENE)
                pictures[rows], boxes[rows] = part.pictures, part.boxes
                progress(n + 1, scenes)
        pictures.flush()
        np.save(boxes_file, boxes)  # last: its being there says that all is
    return Samples(np.load(pictures_file, mmap_mode="r"), np.load(boxes_file))


class Augmented(Dataset[tuple[torch.Tensor, torch.Tensor]]):
    """Samples as a training epoch sees them: flipped, moved, zoomed, relit, blurred, compressed again."""

    def __init__(self, samples: Samples, seed: int) -> None:
        self._samples = samples
        self._seed = seed

    def __len__(self) -> int:
        return len(self._samples.pictures)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        rng = np.random.default_rng([self._seed, index])
        picture, boxes = np.array(self._samples.pictures[index]), self._samples.boxes[index].copy()
        if rng.random() < 0.5:
            picture, boxes = _flip(picture, boxes)
        if rng.random() < 0.6:
            picture, boxes = _zoom(picture, boxes, rng)
        picture = _degrade(_relight(picture, rng), rng)
        return torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1))), torch.from_numpy(boxes)


def _flip(picture: Bgr, boxes: NDArray[np.float32]) -> tuple[Bgr, NDArray[np.float32]]:
    boxes[:, [0, 2]] = INPUT_WIDTH - boxes[:, [2, 0]]
    return np.ascontiguousarray(picture[:, ::-1]), boxes


def _zoom(picture: Bgr, boxes: NDArray[np.float32], rng: Generator) -> tuple[Bgr, NDArray[np.float32]]:
    scale = rng.uniform(0.8, 1.3)
    shift = rng.uniform(-0.5, 0.5, 2) * abs(1 - scale) * (INPUT_WIDTH, INPUT_HEIGHT)
    middle = (1 - scale) / 2 * np.array([INPUT_WIDTH, INPUT_HEIGHT]) + shift
    matrix = np.array([[scale, 0, middle[0]], [0, scale, middle[1]]])
    moved = cv2.warpAffine(picture, matrix, (INPUT_WIDTH, INPUT_HEIGHT), borderValue=(PAD, PAD, PAD))
    whole = boxes[:, :4] * scale + np.tile(middle, 2)
    cut = np.clip(whole, 0, np.tile([INPUT_WIDTH, INPUT_HEIGHT], 2))
    kept = np.prod(cut[:, 2:] - cut[:, :2], axis=1) / np.maximum(
        np.prod(whole[:, 2:] - whole[:, :2], axis=1), 1e-6
    )
    boxes[:, :4] = cut
    boxes[:, 5] *= np.clip(kept, 0, 1)
    return np.asarray(moved, np.uint8), boxes


def _relight(picture: Bgr, rng: Generator) -> Bgr:
    gamma, gain = rng.uniform(0.75, 1.35), rng.uniform(0.75, 1.25) * rng.uniform(0.94, 1.06, 3)
    tones = 255 * np.power(np.arange(256) / 255, gamma)[:, None] * gain + rng.uniform(-12, 12)
    table = np.clip(tones, 0, 255).astype(np.uint8).reshape(1, 256, 3)
    return np.asarray(cv2.LUT(picture, table), np.uint8)


def _degrade(picture: Bgr, rng: Generator) -> Bgr:
    if rng.random() < 0.25:
        picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.3, 0.9)), np.uint8)
    if rng.random() < 0.25:
        _, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(40, 90))])
        picture = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)
    return picture
