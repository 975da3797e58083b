"""The catalogue for a person and for a program to read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TextIO

    from edged.models.known import KnownModel

_NARROWEST = 100
_OTHER_MODELS = """\
edged models pull NAME   gets one of these, verified
edged models check FILE  says what any ONNX file is, whether edged can use it, and how fast it is here

Any detector that Ultralytics exports works too: on a machine that has it,
  yolo export model=yolo11n.pt format=onnx imgsz=416
and give the file in the configuration: [model] file = "…". Mind the licence: models and weights of
Ultralytics are AGPL-3.0 unless you bought another licence; that is why none comes with edged."""


def show_models(models: Sequence[KnownModel], stream: TextIO) -> None:
    """Write a table of ``models`` to ``stream``, where they are, and how to bring others."""
    console = Console(file=stream)
    if not console.is_terminal:
        console.width = max(console.width, _NARROWEST)  # a pipe has no width: 80 would tear the table
    table = Table("name", "licence", "input", "size", "classes", "for", "installed", box=None, pad_edge=False)
    for model in models:
        table.add_row(
            f"[bold]{model.name}[/]",
            model.licence,
            str(model.input_size),
            _size(model),
            model.classes,
            model.made_for,
            "[green]yes[/]" if model.file.is_file() else "no",
        )
    console.print(table)
    lines = [f"{model.name} is at {model.file}" for model in models if model.file.is_file()]
    for line in ["", *lines, *([""] if lines else []), *_OTHER_MODELS.splitlines()]:
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def models_json(models: Sequence[KnownModel]) -> list[dict[str, object]]:
    """The catalogue for a program to read; ``file`` is null where the model is not installed."""
    return [
        {
            "name": model.name,
            "title": model.title,
            "licence": model.licence,
            "input": {"width": model.input_size.width, "height": model.input_size.height},
            "preprocessing": model.preprocessing,
            "classes": model.classes,
            "for": model.made_for,
            "url": model.url,
            "sha256": model.sha256,
            "file": str(model.file) if model.file.is_file() else None,
        }
        for model in models
    ]


def _size(model: KnownModel) -> str:
    if model.file.is_file():
        return f"{model.file.stat().st_size / 1e6:.1f} MB"
    return "" if model.rough_mb is None else f"about {model.rough_mb:g} MB"
