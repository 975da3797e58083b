"""What the classes of a model are called."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from edged.core.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# fmt: off
COCO_80 = (
    "person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat",
    "traffic light", "fire hydrant", "stop sign", "parking meter", "bench", "bird", "cat", "dog", "horse",
    "sheep", "cow", "elephant", "bear", "zebra", "giraffe", "backpack", "umbrella", "handbag", "tie",
    "suitcase", "frisbee", "skis", "snowboard", "sports ball", "kite", "baseball bat", "baseball glove",
    "skateboard", "surfboard", "tennis racket", "bottle", "wine glass", "cup", "fork", "knife", "spoon",
    "bowl", "banana", "apple", "sandwich", "orange", "broccoli", "carrot", "hot dog", "pizza", "donut",
    "cake", "chair", "couch", "potted plant", "bed", "dining table", "toilet", "tv", "laptop", "mouse",
    "remote", "keyboard", "cell phone", "microwave", "oven", "toaster", "sink", "refrigerator", "book",
    "clock", "vase", "scissors", "teddy bear", "hair drier", "toothbrush",
)
# fmt: on


def known_labels(metadata: Mapping[str, str], labels_file: Path | None) -> tuple[str, ...] | None:
    """The names of all classes as the labels file, else the model, gives them; None if neither does."""
    if labels_file is not None:
        return read_labels_file(labels_file)
    if "names" in metadata:
        return parse_names(metadata["names"])
    return None


def read_labels_file(path: Path) -> tuple[str, ...]:
    """One name per line, in the order of the class ids."""
    try:
        lines = path.read_text(encoding="utf-8").rstrip().splitlines()
    except OSError as error:
        msg = f"{path}: cannot read the labels file: {error.strerror}"
        raise ModelError(msg) from error
    except UnicodeDecodeError as error:
        msg = f"{path}: the labels file is not UTF-8 text with one name per line"
        raise ModelError(msg) from error
    labels = tuple(line.strip() for line in lines)
    if not labels or not all(labels):
        msg = f"{path}: the labels file must have one name on every line, for class 0, 1, 2 …"
        raise ModelError(msg)
    return labels


def parse_names(text: str) -> tuple[str, ...]:
    """Names from the metadata entry ``names``: ``{0: 'person', …}`` or ``['person', …]``."""
    try:
        names = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        names = None
    if isinstance(names, dict) and sorted(names, key=str) == sorted(range(len(names)), key=str):
        names = [names[class_id] for class_id in range(len(names))]
    if isinstance(names, list | tuple) and names and all(isinstance(name, str) for name in names):
        return tuple(names)
    msg = f"its metadata 'names' is no list of class names: {text[:60]!r}; set labels_file"
    raise ModelError(msg)


def labels_for(known: tuple[str, ...] | None, class_count: int) -> tuple[str, ...]:
    """Exactly ``class_count`` names, or an error that says what is missing."""
    if known is None and class_count == len(COCO_80):
        return COCO_80
    if known is None:
        msg = f"the model has {class_count} classes and does not name them: set labels_file"
        raise ModelError(msg)
    if len(known) != class_count:
        msg = f"the model has {class_count} classes but {len(known)} names are given for them"
        raise ModelError(msg)
    return known
