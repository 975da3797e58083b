"""Trains the demo's model on the CPU and exports it.

python -m models.train                 # about 25 minutes on two cores
python -m models.train --resume        # goes on after Ctrl-C, which loses nothing but the epoch it cuts
python -m models.train --export-only   # writes the ONNX file from the last checkpoint
"""

from __future__ import annotations

import argparse
import math
import signal
import sys
import warnings
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnx
import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torch.utils.data import DataLoader

from models.dataset import Augmented, Samples, cached_samples
from models.loss import Criterion
from models.network import INPUT_HEIGHT, INPUT_WIDTH, LABELS, STRIDES, Conv, EdgedDemo, Exported

BUNDLED_MODEL = Path(__file__).resolve().parents[1] / "edged" / "demo" / "data" / "edged-demo.onnx"
OPSET = 17
BATCH = 32
TOP_RATE = 3e-3
WARM_UP_STEPS = 150
METADATA = {
    "names": str(dict(enumerate(LABELS))),
    "layout": "yolox",
    "stride": str(max(STRIDES)),
    "task": "detect",
    "author": "the edged project",
    "license": "Apache-2.0",
    "description": "Knows the demo scene only; of no use on real cameras",
}


@dataclass
class Run:
    """A training that can be put on disk and taken up again."""

    network: EdgedDemo
    average: EdgedDemo  # of the weights of the last few hundred steps: what is exported
    optimizer: torch.optim.Optimizer
    steps: int = 0
    epoch: int = 0

    @classmethod
    def fresh(cls) -> Run:
        """A run that has seen nothing."""
        torch.manual_seed(1)
        network = EdgedDemo().to(memory_format=torch.channels_last)  # a quarter faster on a CPU
        optimizer = torch.optim.AdamW(network.parameters(), lr=TOP_RATE, weight_decay=0.02)
        return cls(network, deepcopy(network).eval(), optimizer)

    def save(self, path: Path) -> None:
        """Write everything needed to go on."""
        part = path.with_suffix(".part")
        torch.save(
            {
                "network": self.network.state_dict(),
                "average": self.average.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "steps": self.steps,
                "epoch": self.epoch,
            },
            part,
        )
        part.replace(path)

    def load(self, path: Path) -> None:
        """Go on from what ``save`` wrote."""
        state: dict[str, Any] = torch.load(path, weights_only=True)
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.steps, self.epoch = state["steps"], state["epoch"]

    def follow(self) -> None:
        """Let the average follow the network."""
        keep = min(0.995, (1 + self.steps) / (10 + self.steps))
        with torch.no_grad():
            for mine, its in zip(
                self.average.state_dict().values(), self.network.state_dict().values(), strict=True
            ):
                if mine.is_floating_point():
                    mine.lerp_(its, 1 - keep)
                else:
                    mine.copy_(its)


def train_epoch(run: Run, samples: Samples, steps_in_all: int, progress: Progress) -> None:
    """See every sample once."""
    loader = DataLoader(
        Augmented(samples, seed=run.epoch),
        batch_size=BATCH,
        shuffle=True,
        drop_last=True,
        num_workers=1,
        generator=torch.Generator().manual_seed(run.epoch),
    )
    criterion = Criterion()
    run.network.train()
    task = progress.add_task(f"epoch {run.epoch + 1}", total=len(loader))
    for pictures, truth in loader:
        for group in run.optimizer.param_groups:
            group["lr"] = _rate(run.steps, steps_in_all)
        images = pictures.float().contiguous(memory_format=torch.channels_last)
        losses = criterion(run.network(images), truth)
        run.optimizer.zero_grad()
        losses.total.backward()
        nn.utils.clip_grad_norm_(run.network.parameters(), 10.0)
        run.optimizer.step()
        run.steps += 1
        run.follow()
        parts = losses.boxes.item(), losses.objectness.item(), losses.classes.item()
        text = "box {:.3f} obj {:.3f} cls {:.3f}".format(*parts)
        progress.update(task, advance=1, description=f"epoch {run.epoch + 1}  {text}")


def _rate(step: int, steps_in_all: int) -> float:
    """Warm up, then a half cosine down to a fiftieth."""
    if step < WARM_UP_STEPS:
        return TOP_RATE * (step + 1) / WARM_UP_STEPS
    done = min(1.0, (step - WARM_UP_STEPS) / max(1, steps_in_all - WARM_UP_STEPS))
    return TOP_RATE * (0.02 + 0.98 * (1 + math.cos(math.pi * done)) / 2)


def export(network: EdgedDemo, path: Path) -> None:
    """Write the network as ONNX: normalisation folded in, static input, metadata."""
    fused = deepcopy(network).eval()
    for module in fused.modules():
        if isinstance(module, Conv):
            module[0] = fuse_conv_bn_eval(module[0], module[1])
            module[1] = nn.Identity()
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # the classic exporter says that it is one; it needs no further package
        torch.onnx.export(
            Exported(fused),
            (torch.zeros(1, 3, INPUT_HEIGHT, INPUT_WIDTH),),
            str(path),
            input_names=["images"],
            output_names=["output"],
            opset_version=OPSET,
            dynamo=False,
        )
    model = onnx.load(path)
    onnx.helper.set_model_props(model, METADATA)
    model.producer_name, model.doc_string = "edged", METADATA["description"]
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)


def main(argv: list[str] | None = None) -> int:
    """Render, train, export; 0 when the model is there."""
    arguments = _parser().parse_args(argv)
    console = Console()
    for polite in (signal.SIGINT, signal.SIGTERM):  # also where a shell starts us with Ctrl-C ignored
        signal.signal(polite, signal.default_int_handler)
    torch.set_num_threads(arguments.threads)
    run, checkpoint = Run.fresh(), arguments.work / "checkpoint.pt"
    if arguments.resume or arguments.export_only:
        if not checkpoint.exists():
            console.print(f"train: no checkpoint in {arguments.work}; start without --resume", style="red")
            return 1
        run.load(checkpoint)
    if not arguments.export_only:
        columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
        with Progress(*columns, console=console) as progress:
            finished = _train(run, arguments, checkpoint, progress)
        if not finished:
            console.print("stopped; go on with --resume")
            return 1
    export(run.average, arguments.out)
    console.print(f"{arguments.out}: {arguments.out.stat().st_size / 1e6:.2f} MB after {run.epoch} epochs")
    return 0


def _train(run: Run, arguments: argparse.Namespace, checkpoint: Path, progress: Progress) -> bool:
    """Run the epochs that are left; False when the user stopped it."""
    try:
        task = progress.add_task("scenes rendered", total=arguments.scenes)
        samples = cached_samples(
            arguments.work,
            arguments.scenes,
            arguments.threads,
            lambda done, _: progress.update(task, completed=done),
        )
        steps_in_all = arguments.epochs * (len(samples.pictures) // BATCH)
        while run.epoch < arguments.epochs:
            train_epoch(run, samples, steps_in_all, progress)
            run.epoch += 1
            run.save(checkpoint)
            progress.console.print(f"epoch {run.epoch} of {arguments.epochs} is in {checkpoint}")
    except KeyboardInterrupt:
        if checkpoint.parent.exists():
            run.save(checkpoint)
        return False
    return True


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m models.train", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--scenes", type=_count, default=100, help="seeds to render (default %(default)s)")
    parser.add_argument("--epochs", type=_count, default=10, help="default %(default)s")
    parser.add_argument("--threads", type=_count, default=2, help="default %(default)s")
    parser.add_argument(
        "--work", type=Path, default=Path("build/models"), help="cache and checkpoint (default %(default)s)"
    )
    parser.add_argument(
        "--out", type=Path, default=BUNDLED_MODEL, help="ONNX to write (default: the bundled one)"
    )
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint")
    parser.add_argument("--export-only", action="store_true", help="only write the ONNX of the checkpoint")
    return parser


def _count(text: str) -> int:
    if not (text.isdecimal() and int(text)):
        message = f"{text!r} is not a number from 1 on"
        raise argparse.ArgumentTypeError(message)
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
