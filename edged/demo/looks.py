"""What people and cars look like: sizes, shapes, colours, drawn by lot."""

# ruff: noqa: PLR2004 - each number is how common something is

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from edged.demo.optics import shade

if TYPE_CHECKING:
    from numpy.random import Generator

    from edged.demo.optics import Colour

# Blue, green, red: muted cloth rather than pure colours.
SKIN: tuple[Colour, ...] = ((150, 180, 226), (118, 152, 204), (84, 118, 172), (52, 78, 120), (140, 172, 214))
HAIR: tuple[Colour, ...] = (
    (28, 28, 34),
    (36, 56, 84),
    (70, 110, 150),
    (92, 96, 104),
    (150, 190, 214),
    (30, 40, 96),
)
TOPS: tuple[Colour, ...] = (
    (168, 96, 52), (66, 64, 178), (206, 206, 210), (58, 52, 50), (70, 150, 196), (96, 132, 70),
    (120, 62, 120), (72, 112, 210), (180, 150, 96), (126, 130, 138), (66, 92, 60), (90, 176, 222),
)  # fmt: skip
TROUSERS: tuple[Colour, ...] = (
    (102, 68, 44), (52, 46, 44), (84, 84, 90), (110, 140, 160), (70, 60, 40), (128, 98, 70), (60, 78, 92),
)  # fmt: skip
SHOES: tuple[Colour, ...] = ((40, 40, 44), (220, 220, 224), (44, 66, 104), (60, 60, 170))
PAINTS: tuple[Colour, ...] = (
    (52, 44, 176), (160, 92, 40), (218, 218, 220), (58, 56, 56), (150, 150, 154), (92, 112, 62),
    (60, 150, 206), (126, 70, 50), (196, 178, 140), (78, 66, 120), (66, 176, 214), (110, 110, 116),
)  # fmt: skip

Legs = Literal["trousers", "shorts", "skirt"]


@dataclass(frozen=True, slots=True)
class PersonLooks:
    """A person's size, clothes and gait."""

    height_m: float
    girth: float  # 1 is ordinary
    skin: Colour
    hair: Colour
    long_hair: bool
    hat: Colour | None
    top: Colour
    short_sleeves: bool
    legs: Legs
    trousers: Colour
    shoes: Colour
    bag: Colour | None
    swing: float
    phase: float

    @classmethod
    def draw(cls, rng: Generator) -> PersonLooks:
        """Somebody."""
        legs: tuple[Legs, ...] = ("trousers", "trousers", "trousers", "shorts", "skirt")
        return cls(
            height_m=float(rng.choice([rng.uniform(1.55, 1.92), rng.uniform(1.25, 1.5)], p=[0.88, 0.12])),
            girth=rng.uniform(0.88, 1.22),
            skin=_pick(SKIN, rng),
            hair=_pick(HAIR, rng),
            long_hair=bool(rng.random() < 0.35),
            hat=_pick(TOPS, rng) if rng.random() < 0.2 else None,
            top=_pick(TOPS, rng),
            short_sleeves=bool(rng.random() < 0.4),
            legs=legs[rng.integers(len(legs))],
            trousers=_pick(TROUSERS, rng),
            shoes=_pick(SHOES, rng),
            bag=_pick(TOPS, rng) if rng.random() < 0.35 else None,
            swing=rng.uniform(0.85, 1.15),
            phase=rng.uniform(0, 1),
        )


@dataclass(frozen=True, slots=True)
class CarShape:
    """Side view of a car: convex outlines, lengths as shares of the length, heights in metres."""

    length_m: float
    body: tuple[tuple[float, float], ...]
    cabin: tuple[tuple[float, float], ...]
    split: tuple[float, ...]  # where the side windows are divided, as shares of their length


_BODY = ((-0.5, 0.27), (-0.5, 0.74), (-0.475, 0.93), (0.2, 0.95), (0.44, 0.80), (0.5, 0.64), (0.5, 0.27))
_TALL = ((-0.5, 0.27), (-0.5, 0.9), (-0.495, 1.04), (0.3, 1.06), (0.46, 0.86), (0.5, 0.68), (0.5, 0.27))
CAR_SHAPES = (
    CarShape(3.9, _BODY, ((-0.475, 0.93), (-0.40, 1.43), (0.02, 1.46), (0.24, 0.95)), (0.5,)),  # hatchback
    CarShape(4.5, _BODY, ((-0.36, 0.93), (-0.22, 1.38), (0.04, 1.41), (0.24, 0.95)), (0.48,)),  # saloon
    CarShape(4.6, _BODY, ((-0.48, 0.93), (-0.43, 1.42), (0.04, 1.45), (0.23, 0.95)), (0.36, 0.68)),  # estate
    CarShape(
        4.4, _TALL, ((-0.49, 1.04), (-0.44, 1.66), (0.06, 1.69), (0.24, 1.06)), (0.34, 0.68)
    ),  # off-roader
    CarShape(4.7, _TALL, ((-0.495, 1.04), (-0.485, 1.9), (0.2, 1.92), (0.36, 1.03)), (0.72,)),  # van
)


@dataclass(frozen=True, slots=True)
class CarLooks:
    """A car's shape and paint."""

    shape: CarShape
    width_m: float
    paint: Colour
    rims: Colour
    glass: Colour

    @property
    def height_m(self) -> float:
        """Top of the roof."""
        return max(y for _, y in self.shape.cabin)

    @classmethod
    def draw(cls, rng: Generator) -> CarLooks:
        """Some car."""
        return cls(
            shape=CAR_SHAPES[rng.integers(len(CAR_SHAPES))],
            width_m=rng.uniform(1.68, 1.86),
            paint=_pick(PAINTS, rng),
            rims=shade((170, 168, 165), rng.uniform(0.6, 1.15)),
            glass=shade((92, 78, 66), rng.uniform(0.7, 1.2)),
        )


def _pick(colours: tuple[Colour, ...], rng: Generator) -> Colour:
    """One of the colours, a little brighter or darker."""
    return shade(colours[rng.integers(len(colours))], rng.uniform(0.85, 1.15))
