"""The demo's network: a very small YOLO, anchor-free, with a decoupled head and the output of YOLOX."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

LABELS = ("person", "car")
STRIDES = (8, 16, 32)
INPUT_WIDTH, INPUT_HEIGHT = 384, 224
CALIBRATION = 0.6  # of the scores
PAD = 114  # grey of the letterbox; the picture sits at the top left of it


class Conv(nn.Sequential):
    """Convolution, normalisation, ReLU (which onnxruntime folds into the convolution for free)."""

    def __init__(self, before: int, after: int, kernel: int = 3, stride: int = 1) -> None:
        super().__init__(
            nn.Conv2d(before, after, kernel, stride, kernel // 2, bias=False),
            nn.BatchNorm2d(after),
            nn.ReLU(inplace=True),
        )


class Residual(nn.Module):
    """Squeeze, look around, add."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(Conv(width, width // 2, 1), Conv(width // 2, width))

    def forward(self, x: Tensor) -> Tensor:
        """Refine without changing the shape."""
        return x + cast(Tensor, self.body(x))


class Head(nn.Module):
    """What is here and where, on one grid: box, objectness and classes from two branches."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.boxes = nn.Sequential(Conv(width, width), nn.Conv2d(width, 5, 1))
        self.classes = nn.Sequential(Conv(width, width), nn.Conv2d(width, len(LABELS), 1))
        rare = (
            -4.6
        )  # sigmoid of it is 1 %: nearly all cells are empty, and training should not start by learning that
        nn.init.constant_(cast(Tensor, self.boxes[1].bias)[4:], rare)

    def forward(self, x: Tensor) -> Tensor:
        """``N x 7 x H x W``: offset x, y, log width, height in cells, objectness and classes as logits."""
        return torch.cat([self.boxes(x), self.classes(x)], dim=1)


class EdgedDemo(nn.Module):
    """A backbone of five halvings, a top-down neck and three heads."""

    def __init__(self) -> None:
        super().__init__()
        self.to_4 = nn.Sequential(Conv(3, 16, stride=2), Conv(16, 16, stride=2))
        self.to_8 = nn.Sequential(Conv(16, 32, stride=2), Residual(32), Residual(32))
        self.to_16 = nn.Sequential(Conv(32, 64, stride=2), Residual(64), Residual(64))
        self.to_32 = nn.Sequential(Conv(64, 96, stride=2), Residual(96), Residual(96))
        neck = 32
        self.lateral = nn.ModuleList([Conv(width, neck, 1) for width in (32, 64, 96)])
        self.smooth = nn.ModuleList([Conv(neck, neck) for _ in STRIDES])
        self.heads = nn.ModuleList([Head(neck) for _ in STRIDES])

    def forward(self, images: Tensor) -> Tensor:
        """``N x cells x 7`` with objectness and classes as logits; finest grid first."""
        at_8 = self.to_8(self.to_4(images / 255.0))
        at_16 = self.to_16(at_8)
        at_32 = self.to_32(at_16)
        up: Tensor | None = None
        grids: list[Tensor] = []
        for level in (2, 1, 0):
            x = self.lateral[level]((at_8, at_16, at_32)[level])
            if up is not None:
                x = x + nn.functional.interpolate(up, scale_factor=2.0, mode="nearest")
            up = self.smooth[level](x)
            grids.insert(0, self.heads[level](up).flatten(2))
        return torch.cat(grids, dim=2).transpose(1, 2)


class Exported(nn.Module):
    """The network as the daemon runs it: objectness and classes are probabilities, as in plain YOLOX.

    Trained against the quality of the boxes, both stay low where the network is right. ``CALIBRATION`` raises
    them until a threshold of 0.4, the daemon's default, suits them.
    """

    def __init__(self, network: EdgedDemo) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        """BGR 0..255 in, raw grid out."""
        raw = self.network(images)
        return torch.cat([raw[..., :4], raw[..., 4:].sigmoid() ** CALIBRATION], dim=2)


def cells() -> tuple[Tensor, Tensor]:
    """Column and row of every cell (``cells x 2``) and its stride (``cells x 1``), in output order."""
    places, strides = [], []
    for stride in STRIDES:
        rows, columns = torch.meshgrid(
            torch.arange(INPUT_HEIGHT // stride), torch.arange(INPUT_WIDTH // stride), indexing="ij"
        )
        places.append(torch.stack([columns, rows], dim=2).reshape(-1, 2))
        strides.append(torch.full((rows.numel(), 1), stride))
    return torch.cat(places).float(), torch.cat(strides).float()


def decode_boxes(raw: Tensor, places: Tensor, strides: Tensor) -> Tensor:
    """Boxes x1, y1, x2, y2 in pixels of the input from ``... x cells x 4`` raw numbers."""
    centre = (raw[..., :2] + places) * strides
    half = raw[..., 2:4].clamp(max=8.0).exp() * strides / 2
    return torch.cat([centre - half, centre + half], dim=-1)
