"""The catalogue: models that edged knows by name, where they come from and what they ask for."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path

from edged.core.folders import state_folder
from edged.core.types import Size

_YOLOX_RELEASE = "https://github.com/Megvii-BaseDetection/YOLOX/releases/download/0.1.1rc0"
_YOLOX_INPUT = "BGR, 0..255, padded with 114 at the right and the bottom"
_COCO = "COCO 80: person, bicycle, car, …"
_PACKAGE = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class KnownModel:
    """What there is to know of a model before its file is here."""

    name: str
    title: str
    licence: str
    input_size: Size
    preprocessing: str
    classes: str
    made_for: str
    url: str | None = None  # where its makers publish it; None where it comes with edged
    rough_mb: float | None = None  # for the reader only: nothing is verified against it
    sha256: str | None = None  # only ever computed from a file in hand
    bundled: Path | None = None

    @property
    def file(self) -> Path:
        """Where it is, or where a pull puts it."""
        return self.bundled or state_folder() / "models" / f"{self.name}.onnx"


KNOWN = (
    KnownModel(
        name="edged-demo",
        title="The model of the demo",
        licence="Apache-2.0",
        input_size=Size(384, 224),
        preprocessing=_YOLOX_INPUT,
        classes="2: person, car",
        made_for="knows the demo scene only; of no use on a real camera",
        bundled=_PACKAGE / "demo" / "data" / "edged-demo.onnx",
    ),
    KnownModel(
        name="yolox-nano",
        title="YOLOX-Nano",
        licence="Apache-2.0",
        input_size=Size(416, 416),
        preprocessing=_YOLOX_INPUT,
        classes=_COCO,
        made_for="real cameras on a small box: the one to begin with",
        url=f"{_YOLOX_RELEASE}/yolox_nano.onnx",
        rough_mb=3.7,
    ),
    KnownModel(
        name="yolox-tiny",
        title="YOLOX-Tiny",
        licence="Apache-2.0",
        input_size=Size(416, 416),
        preprocessing=_YOLOX_INPUT,
        classes=_COCO,
        made_for="real cameras: sees more than Nano at about six times the work",
        url=f"{_YOLOX_RELEASE}/yolox_tiny.onnx",
        rough_mb=20,
    ),
)


def known_model(name: str) -> KnownModel:
    """The model of that name; a LookupError says which there are."""
    for model in KNOWN:
        if model.name == name.lower():
            return model
    names = [model.name for model in KNOWN]
    close = difflib.get_close_matches(name.lower(), names, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(names)}"
    msg = f"no model is called {name!r}: {hint}"
    raise LookupError(msg)


def pullable_model(name: str) -> KnownModel:
    """The model of that name, if it is one to be fetched; else a LookupError says why it is not."""
    model = known_model(name)
    if model.url is None:
        msg = f"{model.name} comes with edged: there is nothing to pull"
        raise LookupError(msg)
    return model
