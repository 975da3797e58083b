"""What the network should have said, and how far off it was."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - its usual name

from models.dataset import CLEAR
from models.network import LABELS, cells, decode_boxes

REACH = 1.3  # cells from the middle of a box that answer for it
SIDES_PX = {
    8: (0.0, 44.0),
    16: (30.0, 90.0),
    32: (64.0, 1e9),
}  # mean side of the boxes that a grid answers for
LEAST_SIDE_PX = 4.0
BEST = 4  # of the cells around a box speak up; the others learn to be silent, so that few duplicates arise
BOX_WEIGHT = 5.0


@dataclass(frozen=True, slots=True)
class Losses:
    """Mean loss per answering cell."""

    boxes: Tensor
    objectness: Tensor
    classes: Tensor

    @property
    def total(self) -> Tensor:
        """What training makes small."""
        return BOX_WEIGHT * self.boxes + self.objectness + self.classes


class Criterion:
    """Compares raw output with boxes; a cell answers for the box whose middle is nearest."""

    def __init__(self) -> None:
        self._places, self._strides = cells()
        self._middles = (self._places + 0.5) * self._strides
        smallest = torch.tensor([SIDES_PX[int(s)][0] for s in self._strides[:, 0]])
        largest = torch.tensor([SIDES_PX[int(s)][1] for s in self._strides[:, 0]])
        self._sides = smallest, largest

    def __call__(self, raw: Tensor, truth: Tensor) -> Losses:
        """``raw`` is batch x cells x 7, ``truth`` batch x rows x 6 as in ``Samples``."""
        answers, ignored = self._assign(truth)
        chosen = answers >= 0
        count = chosen.sum().clamp(min=1)
        target = torch.gather(truth, 1, answers.clamp(min=0)[..., None].expand(-1, -1, 6))[chosen]
        boxes = decode_boxes(raw[..., :4], self._places, self._strides)[chosen]
        overlap, penalty = _giou(boxes, target[:, :4])
        quality = overlap.detach().clamp(min=0.0)
        classes = F.one_hot(target[:, 4].long(), len(LABELS)) * quality[:, None]
        best = self._best(chosen, answers, quality, rows=truth.shape[1])
        objectness = F.binary_cross_entropy_with_logits(raw[..., 4], best.float(), reduction="none")
        objectness = objectness * (chosen | ~ignored)
        return Losses(
            boxes=(1 - penalty).sum() / count,
            objectness=objectness.sum() / best.sum().clamp(min=1),
            classes=F.binary_cross_entropy_with_logits(raw[..., 5:][chosen], classes, reduction="sum")
            / count,
        )

    @staticmethod
    def _best(chosen: Tensor, answers: Tensor, quality: Tensor, rows: int) -> Tensor:
        """Those of the answering cells whose boxes fit best, ``BEST`` for each row of the truth."""
        batch, cell = chosen.nonzero(as_tuple=True)
        row = answers[chosen]
        table = torch.zeros(chosen.shape[0], rows, chosen.shape[1])
        table[batch, row, cell] = quality
        enough = table.topk(BEST, dim=2).values[..., -1]
        best = torch.zeros_like(chosen)
        best[batch, cell] = (quality > 0) & (quality >= enough[batch, row])
        return best

    def _assign(self, truth: Tensor) -> tuple[Tensor, Tensor]:
        """For each cell the row that it answers for or -1, and whether what it says is not judged."""
        sides = (truth[..., 2:4] - truth[..., :2]).clamp(min=0)
        real = truth[..., 4] >= 0
        clear = real & (truth[..., 5] >= CLEAR) & (sides.min(dim=-1).values >= LEAST_SIDE_PX)
        middle = (truth[..., :2] + truth[..., 2:4]) / 2
        offset = self._middles[None, :, None] - middle[:, None]  # batch x cells x rows x 2
        distance = (offset.abs() / self._strides[None, :, None]).max(dim=-1).values
        mean_side = sides.prod(dim=-1).sqrt()[:, None]
        fits = (mean_side >= self._sides[0][None, :, None]) & (mean_side < self._sides[1][None, :, None])
        distance = distance.masked_fill(~(fits & clear[:, None] & (distance < REACH)), torch.inf)
        nearest, row = distance.min(dim=-1)
        inside = (offset.abs() < sides[:, None] / 2).all(dim=-1)
        ignored = (inside & (real & ~clear)[:, None]).any(dim=-1)
        return torch.where(nearest.isfinite(), row, -1), ignored


def _giou(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Overlap of paired boxes, and the generalised overlap that also pulls boxes apart together."""
    low, high = torch.maximum(a[:, :2], b[:, :2]), torch.minimum(a[:, 2:], b[:, 2:])
    shared = (high - low).clamp(min=0).prod(dim=1)
    union = (a[:, 2:] - a[:, :2]).prod(dim=1) + (b[:, 2:] - b[:, :2]).prod(dim=1) - shared + 1e-6
    hull = (torch.maximum(a[:, 2:], b[:, 2:]) - torch.minimum(a[:, :2], b[:, :2])).prod(dim=1) + 1e-6
    overlap = shared / union
    return overlap, overlap - (hull - union) / hull
