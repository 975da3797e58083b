"""The catalogue for a person and for a program to read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import TextIO

    from edged.models.known import KnownModel

_OTHER_MODELS = """\
edged models pull NAME   gets one of these, and puts it in place only if it works; --from a mirror or a file
edged models check FILE  says what any ONNX file is, whether edged can use it, and how fast it is here

Any detector that Ultralytics exports works too: on a machine that has it,
  yolo export model=yolo11n.pt format=onnx imgsz=416
and give the file in the configuration: [model] file = "…". Mind the licence: models and weights of
Ultralytics are AGPL-3.0 unless you bought another licence; that is why none comes with edged."""


def show_models(models: Sequence[KnownModel], stream: TextIO) -> None:
    """Write to ``stream`` what there is to know of ``models``, where they are, and how to bring others."""
    console = Console(file=stream, highlight=False, soft_wrap=True)
    for model in models:
        console.print(f"[bold]{model.name}[/]" + ("   [green]installed[/]" if model.file.is_file() else ""))
        for key, value in _facts(model):
            console.print(f"  {key:<9}{value}", markup=False)
        console.print()
    console.print(_OTHER_MODELS, markup=False)


def _facts(model: KnownModel) -> Iterator[tuple[str, str]]:
    yield "for", model.made_for
    yield "classes", model.classes
    yield "input", f"{model.input_size}, {model.preprocessing}"
    yield "licence", model.licence
    if model.url is not None:
        size = f" (about {model.rough_mb:g} MB)" if model.rough_mb is not None else ""
        yield "from", f"{model.url}{size}"
    if model.file.is_file():
        yield "file", f"{model.file} ({model.file.stat().st_size / 1e6:.1f} MB)"


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
