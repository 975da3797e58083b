"""The demo's scene: a yard or a street with people and cars, drawn from a seed, with exact truth.

    python -m edged.demo.scene --kind street --seconds 60 --seed 7 --out street.mp4

writes ``street.mp4`` and ``street.mot.txt`` (the format is described in ``edged.demo.clip``).
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import numpy as np
from rich.progress import Progress

from edged.core.types import Size
from edged.demo.clip import h264_writer, mot_line
from edged.demo.render import Renderer, TruthBox
from edged.demo.world import Kind, build_world

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from edged.core.types import Bgr

__all__ = ["Kind", "SceneSpec", "TruthBox", "render", "write_clip"]

DEFAULT_CRF = 27
MOST_CRF = 51
SIDES_PX = (64, 4096)
MOST_ACTORS = 30


@dataclass(frozen=True, slots=True)
class SceneSpec:
    """Everything that decides a scene: equal specs give equal pixels and equal truth.

    A scene of 30 s or more ends as it begins, so that it can be played in a loop.
    """

    kind: Kind = "yard"
    size: Size = Size(960, 540)  # noqa: RUF009 - frozen
    fps: int = 25
    seconds: float = 36.0
    people: int = 4  # at most, at any moment
    cars: int = 2
    seed: int = 1

    def __post_init__(self) -> None:
        """Refuse what cannot be drawn or encoded."""
        for name, value, least, most in (
            ("width", self.size.width, *SIDES_PX),
            ("height", self.size.height, *SIDES_PX),
            ("fps", self.fps, 1, 60),
            ("seconds", self.seconds, 0.1, 86400),
            ("people", self.people, 0, MOST_ACTORS),
            ("cars", self.cars, 0, MOST_ACTORS),
            ("seed", self.seed, 0, 2**63 - 1),
        ):
            if not least <= value <= most:
                text = f"{name} is {value}, but must be {least} to {most}"
                raise ValueError(text)
        if self.size.width % 2 or self.size.height % 2:
            text = f"size is {self.size}, but H.264 needs even numbers"
            raise ValueError(text)
        if self.kind not in get_args(Kind):
            text = f"kind is {self.kind!r}, but must be one of {', '.join(get_args(Kind))}"
            raise ValueError(text)

    @property
    def frame_count(self) -> int:
        """How many pictures the scene has."""
        return max(1, round(self.seconds * self.fps))


def renderer(spec: SceneSpec) -> Renderer:
    """The scene at any moment, for those who do not want every frame."""
    rng = np.random.default_rng(spec.seed)
    return Renderer(
        build_world(spec.kind, spec.size, spec.seconds, people=spec.people, cars=spec.cars, rng=rng), rng
    )


def render(spec: SceneSpec) -> Iterator[tuple[Bgr, list[TruthBox]]]:
    """Every frame with everybody who is in it, also those who are hidden just now."""
    drawn = renderer(spec)
    for number in range(spec.frame_count):
        yield drawn.frame(number / spec.fps)


def _tell_nobody(done: int, total: int) -> None:
    """Ignore progress."""


def write_clip(
    spec: SceneSpec,
    path_mp4: Path,
    path_truth: Path,
    progress: Callable[[int, int], None] = _tell_nobody,
    crf: int = DEFAULT_CRF,
) -> None:
    """Render the scene into a clip and its truth; ``progress`` hears (frames done, frames in all)."""
    lines: list[str] = []
    with h264_writer(path_mp4, spec.size, spec.fps, crf) as append:
        for number, (picture, boxes) in enumerate(render(spec), start=1):
            append(picture)
            lines.extend(mot_line(number, box) for box in boxes)
            progress(number, spec.frame_count)
    path_truth.write_text("".join(f"{line}\n" for line in lines), "ascii")


def main(argv: list[str] | None = None) -> int:
    """Write a clip from the command line; 0 when it is there."""
    arguments = _parser().parse_args(argv)
    out: Path = arguments.out
    try:
        spec = SceneSpec(
            kind=arguments.kind,
            size=arguments.size,
            fps=arguments.fps,
            seconds=arguments.seconds,
            people=arguments.people,
            cars=arguments.cars,
            seed=arguments.seed,
        )
        with Progress() as bar:
            task = bar.add_task(f"{spec.kind} {spec.size}", total=spec.frame_count)
            truth = out.with_suffix(".mot.txt")
            write_clip(spec, out, truth, lambda done, _: bar.update(task, completed=done), arguments.crf)
    except ValueError as error:
        sys.stderr.write(f"scene: {error}\n")
        return 2
    except OSError as error:
        sys.stderr.write(f"scene: cannot write {out}: {error.strerror or error}\n")
        return 1
    except KeyboardInterrupt:
        out.unlink(missing_ok=True)  # without its end it is no clip
        sys.stderr.write("scene: stopped, nothing is written\n")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    spec = SceneSpec()
    parser = argparse.ArgumentParser(
        prog="python -m edged.demo.scene", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--kind", choices=get_args(Kind), default=spec.kind)
    parser.add_argument("--seconds", type=float, default=spec.seconds, help="length (default %(default)s)")
    parser.add_argument("--size", type=_size, default=spec.size, metavar="WxH", help="default %(default)s")
    parser.add_argument("--fps", type=int, default=spec.fps, help="default %(default)s")
    parser.add_argument(
        "--people", type=int, default=spec.people, help="at most at a time (default %(default)s)"
    )
    parser.add_argument("--cars", type=int, default=spec.cars, help="at most at a time (default %(default)s)")
    parser.add_argument(
        "--seed", type=int, default=spec.seed, help="another seed, another scene (default %(default)s)"
    )
    parser.add_argument(
        "--crf", type=_crf, default=DEFAULT_CRF, help="0..51, less is better and larger (default %(default)s)"
    )
    parser.add_argument(
        "--out", type=Path, default=Path("scene.mp4"), help="MP4 to write (default %(default)s)"
    )
    return parser


def _size(text: str) -> Size:
    width, cross, height = text.lower().partition("x")
    if not (cross and width.isdecimal() and height.isdecimal()):
        message = f"{text!r} is no size; write it like 960x540"
        raise argparse.ArgumentTypeError(message)
    return Size(int(width), int(height))


def _crf(text: str) -> int:
    if not (text.isdecimal() and int(text) <= MOST_CRF):
        message = f"{text!r} is not a number from 0 to {MOST_CRF}"
        raise argparse.ArgumentTypeError(message)
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
