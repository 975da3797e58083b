"""Puts the people and cars into the place, frame by frame, and knows exactly what can be seen of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import cv2
import numpy as np

from edged.demo.backdrop import paint_backdrop
from edged.demo.figures import (
    SHIFT,
    Sprite,
    blend,
    car_patches,
    car_shadow,
    paint,
    person_patches,
    person_shadow,
)
from edged.demo.looks import PersonLooks

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from edged.core.types import Bgr
    from edged.demo.world import Actor, Pose, World

Label = Literal["person", "car"]

SOLID = 128  # alpha from which a pixel belongs to somebody
SMALLEST_PX = 6  # of somebody who stands in the frame with the tip of a shoe there is no truth
NOISE_MARGIN_PX = 64


@dataclass(frozen=True, slots=True)
class TruthBox:
    """Where one person or car is in one frame.

    The box is that of the whole figure, also where something hides it, cut off at the edge of the frame;
    ``visibility`` is the share of the figure's pixels that can be seen, of all on both sides of that edge.
    """

    track_id: int
    label: Label
    left_px: int
    top_px: int
    width_px: int
    height_px: int
    visibility: float


class Renderer:
    """Draws any moment of a world; the same moment twice differs only in the sensor's noise."""

    def __init__(self, world: World, rng: Generator) -> None:
        self._world = world
        self._backdrop = paint_backdrop(world, rng)
        self._sway = rng.uniform(0, 2 * np.pi, 2)
        self._noise = _SensorNoise(world, rng)

    def frame(self, time_s: float) -> tuple[Bgr, list[TruthBox]]:
        """The picture at ``time_s`` and everybody in it, nearest last."""
        world = self._world
        picture = self._backdrop.picture.copy()
        present = [(a, p) for a in world.actors if (p := a.pose(time_s, world.period_s)) is not None]
        _darken(picture, self._shadows(present), world.sun.depth)
        drawn = [(p.z_m, _Figure(a, self._sprite(a, p))) for a, p in present]
        stack = drawn + [(layer.depth_m, layer) for layer in self._backdrop.layers]
        owners = np.zeros(picture.shape[:2], np.uint16)
        for _, item in sorted(stack, key=lambda entry: -entry[0]):
            blend(picture, item.sprite)
            _claim(owners, item.sprite, item.actor.number if isinstance(item, _Figure) else 0)
        figures = [figure for _, figure in sorted(drawn, key=lambda entry: -entry[0])]
        truth = [box for figure in figures if (box := self._truth(figure, owners, time_s)) is not None]
        return self._noise.over(self._light(picture, time_s)), truth

    def _sprite(self, actor: Actor, pose: Pose) -> Sprite:
        view, sun = self._world.view, self._world.sun
        if isinstance(actor.looks, PersonLooks):
            return paint(person_patches(actor.looks, pose, view, sun))
        return paint(car_patches(actor.looks, pose, view, sun))

    def _shadows(self, present: list[tuple[Actor, Pose]]) -> NDArray[np.uint8]:
        """Where the sun does not reach, at half size: soft edges come with the enlarging."""
        view, sun = self._world.view, self._world.sun
        mask = np.zeros((view.size.height // 2, view.size.width // 2), np.uint8)
        for actor, pose in present:
            if isinstance(actor.looks, PersonLooks):
                outlines = person_shadow(actor.looks, pose, view, sun)
            else:
                outlines = car_shadow(actor.looks, pose, view, sun)
            for outline in outlines:
                cv2.fillConvexPoly(
                    mask, np.round(outline * (1 << SHIFT) / 2).astype(np.int32), 255.0, cv2.LINE_AA, SHIFT
                )
        return np.asarray(cv2.blur(mask, (3, 3)), np.uint8)

    def _truth(self, figure: _Figure, owners: NDArray[np.uint16], time_s: float) -> TruthBox | None:
        height, width = owners.shape
        sprite, actor = figure.sprite, figure.actor
        solid = sprite.bgra[..., 3] >= SOLID
        rows, columns = (
            np.flatnonzero(solid.any(axis=1)) + sprite.top,
            np.flatnonzero(solid.any(axis=0)) + sprite.left,
        )
        left, right = max(int(columns[0]), 0), min(int(columns[-1]) + 1, width)
        top, bottom = max(int(rows[0]), 0), min(int(rows[-1]) + 1, height)
        if right - left < SMALLEST_PX or bottom - top < SMALLEST_PX:
            return None
        seen = np.count_nonzero(owners[top:bottom, left:right] == actor.number)
        # Whoever is still here when the period begins again came before the first frame: another visit.
        came_before = not actor.stays and time_s % self._world.period_s < actor.start_s
        return TruthBox(
            track_id=actor.number + (len(self._world.actors) if came_before else 0),
            label="person" if isinstance(actor.looks, PersonLooks) else "car",
            left_px=left,
            top_px=top,
            width_px=right - left,
            height_px=bottom - top,
            visibility=round(int(seen) / int(np.count_nonzero(solid)), 3),
        )

    def _light(self, picture: Bgr, time_s: float) -> Bgr:
        """Clouds pass and the light turns a little warmer and back, once in a period."""
        turn = 2 * np.pi * time_s / self._world.period_s
        gain = 1.0 + 0.05 * np.sin(turn + self._sway[0]) + 0.025 * np.sin(3 * turn + self._sway[1])
        warm = 0.025 * (self._world.sun.warmth + np.sin(turn + self._sway[1]))
        tones = np.arange(256.0)[:, None] * gain * np.array([1 - warm, 1.0, 1 + warm])
        table = np.clip(np.round(tones), 0, 255).astype(np.uint8).reshape(1, 256, 3)
        return np.asarray(cv2.LUT(picture, table), np.uint8)


@dataclass(frozen=True, slots=True)
class _Figure:
    actor: Actor
    sprite: Sprite


def _darken(picture: Bgr, mask: NDArray[np.uint8], strength: float) -> None:
    """Take light away where the half-size mask says so, in place."""
    left, top, width, height = (2 * v for v in cv2.boundingRect(mask))
    if width == 0:
        return
    rows, columns = slice(top, top + height), slice(left, left + width)
    region = picture[rows, columns]
    soft = cv2.resize(
        mask[top // 2 : (top + height) // 2, left // 2 : (left + width) // 2], region.shape[1::-1]
    )
    keep = cv2.LUT(soft, np.round(255 - np.arange(256) * strength).astype(np.uint8))
    region[:] = cv2.multiply(region, cv2.merge([keep] * 3), scale=1 / 255)


def _claim(owners: NDArray[np.uint16], sprite: Sprite, number: int) -> None:
    """Note whose pixels these are now."""
    height, width = owners.shape
    x1, y1 = max(sprite.left, 0), max(sprite.top, 0)
    x2, y2 = min(sprite.left + sprite.bgra.shape[1], width), min(sprite.top + sprite.bgra.shape[0], height)
    if x1 < x2 and y1 < y2:
        alpha = sprite.bgra[y1 - sprite.top : y2 - sprite.top, x1 - sprite.left : x2 - sprite.left, 3]
        owners[y1:y2, x1:x2][alpha >= SOLID] = number


class _SensorNoise:
    """Grain that differs from frame to frame: one larger field, looked at through a window that jumps."""

    def __init__(self, world: World, rng: Generator) -> None:
        size = world.view.size
        shape = (size.height + NOISE_MARGIN_PX, size.width + NOISE_MARGIN_PX, 3)
        field = rng.standard_normal(shape, np.float32) * rng.uniform(1.0, 2.4)
        self._more = np.clip(np.round(field), 0, 255).astype(np.uint8)
        self._less = np.clip(np.round(-field), 0, 255).astype(np.uint8)
        self._rng = rng

    def over(self, picture: Bgr) -> Bgr:
        """The picture with the grain of the next frame."""
        y, x = self._rng.integers(0, NOISE_MARGIN_PX, 2)
        window = slice(y, y + picture.shape[0]), slice(x, x + picture.shape[1])
        return np.asarray(cv2.subtract(cv2.add(picture, self._more[window]), self._less[window]), np.uint8)
