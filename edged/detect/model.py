"""A detector: one model, loaded, understood and warmed up, ready for any number of threads."""

from __future__ import annotations

import itertools
import logging
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edged.core.errors import ModelError
from edged.core.types import Detections
from edged.detect.labels import known_labels
from edged.detect.letterbox import Letterbox
from edged.detect.nms import best_first, suppress
from edged.detect.recognise import Probe, image_input, input_size, only_table, probe_blob, recognise
from edged.detect.session import FLOATS, OnnxSession, ProviderError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Any

    from numpy.typing import NDArray

    from edged.core.types import Picture, Size
    from edged.detect.layouts import Candidates, Layout

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ModelOptions:
    """Which model to load, and how."""

    path: Path
    labels_file: Path | None = None
    input_size: Size | None = None  # only for models that leave it open
    providers: tuple[str, ...] = ("cpu",)  # best first; where none works it is the CPU


class Detector:
    """Finds things in pictures; any number of threads may ask at once."""

    def __init__(
        self, path: Path, session: OnnxSession, model_input: Size, layout: Layout, labels: tuple[str, ...]
    ) -> None:
        self.name = path.name
        self.input_size = model_input
        self.labels = labels
        self._session = session
        self._layout = layout
        self.dtype = FLOATS[session.signature.inputs[0].type]
        self._scratch = threading.local()

    @property
    def layout(self) -> str:
        """Name of the output layout."""
        return self._layout.name

    @property
    def provider(self) -> str:
        """Short name of the execution provider in use."""
        return self._session.provider

    @property
    def metadata(self) -> Mapping[str, str]:
        """What the file says of itself."""
        return self._session.signature.metadata

    @property
    def input_type(self) -> str:
        """Type of the numbers that go in."""
        return np.dtype(self.dtype).name

    def detect(
        self,
        picture: Picture,
        *,
        min_score: float,
        iou_threshold: float,
        labels: frozenset[str] | None = None,
    ) -> Detections:
        """What is in ``picture`` with at least ``min_score``; of ``labels`` only, where they are given."""
        letterbox = self._letterbox()
        blob, placement = letterbox.fill(picture)
        candidates = self._layout.decode(self.infer(blob), min_score)
        candidates = best_first(self._wanted(candidates, labels))
        if self._layout.needs_suppression:
            candidates = suppress(candidates, iou_threshold)
        boxes = placement.to_frame(candidates.boxes)
        visible = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
        return Detections(
            boxes[visible], candidates.scores[visible], candidates.class_ids[visible], self.labels
        )

    def infer(self, blob: NDArray[Any]) -> NDArray[Any]:
        """The bare output of the model."""
        output: NDArray[Any] = self._session.run(blob)[0]
        return output

    def _letterbox(self) -> Letterbox:
        letterbox: Letterbox | None = getattr(self._scratch, "letterbox", None)
        if letterbox is None:
            letterbox = Letterbox(self.input_size, self._layout.preprocess, self.dtype)
            self._scratch.letterbox = letterbox
        return letterbox

    def _wanted(self, candidates: Candidates, labels: frozenset[str] | None) -> Candidates:
        good = np.isfinite(candidates.boxes).all(axis=1)
        good &= (candidates.class_ids >= 0) & (candidates.class_ids < len(self.labels))
        if labels is not None:
            is_wanted = np.array([label in labels for label in self.labels])
            good[good] = is_wanted[candidates.class_ids[good]]
        return candidates.select(np.flatnonzero(good))


def load_model(options: ModelOptions) -> Detector:
    """Open, recognise and warm up; a ModelError names the file and what is wrong with it."""
    if not options.path.is_file():
        msg = f"{options.path}: no such model file"
        raise ModelError(msg)
    try:
        for provider in itertools.takewhile(lambda name: name != "cpu", options.providers):
            try:
                return _load(options, provider)
            except ProviderError as error:
                _logger.warning("%s: not on %s: %s", options.path.name, provider, error)
        return _load(options, "cpu")
    except ProviderError as error:
        msg = f"{options.path}: onnxruntime cannot use this file: {error}"
        raise ModelError(msg) from error
    except ModelError as error:
        msg = f"{options.path}: {error}"
        raise ModelError(msg) from error


def _load(options: ModelOptions, provider: str) -> Detector:
    session = OnnxSession(options.path, provider)
    signature = session.signature
    tensor = image_input(signature)
    size = input_size(tensor, signature.metadata, options.input_size)
    blob = probe_blob(size, FLOATS[tensor.type])
    output = only_table(signature, session.run(blob))
    labels = known_labels(signature.metadata, options.labels_file)
    layout, labels = recognise(Probe(signature, size, output, labels))
    return Detector(options.path, session, size, layout, labels)
