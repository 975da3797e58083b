"""Paints what stands still: sky, houses, ground, plants, and the posts that people pass behind."""

# ruff: noqa: PLR2004 - a painting is made of proportions

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edged.core.types import Size
from edged.demo.figures import Sprite
from edged.demo.optics import shade

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from edged.core.types import Bgr
    from edged.demo.optics import Colour, Sun, View
    from edged.demo.world import Post, World

    Plane = NDArray[np.float32]
    Span = tuple[float, float]

FINER = 2  # painted so many times larger, then averaged: that is the antialiasing
BLOTS = 240  # of foliage to a crown
WALLS: tuple[Colour, ...] = (
    (176, 204, 222), (150, 172, 206), (196, 206, 210), (128, 150, 186),
    (188, 198, 186), (160, 186, 214), (206, 214, 220),
)  # fmt: skip
ROOFS: tuple[Colour, ...] = ((64, 74, 128), (84, 84, 92), (70, 86, 110), (58, 64, 96))
DOORS: tuple[Colour, ...] = ((96, 72, 40), (52, 66, 96), (60, 84, 50), (70, 60, 120), (90, 88, 86))
LEAVES: tuple[Colour, ...] = ((62, 112, 74), (54, 104, 84), (70, 124, 96), (48, 92, 66))


@dataclass(frozen=True, slots=True)
class Layer:
    """Something in front of which and behind which people pass."""

    sprite: Sprite
    depth_m: float


@dataclass(frozen=True, slots=True)
class Backdrop:
    """The picture without anybody, and the parts of it that can hide somebody."""

    picture: Bgr
    layers: tuple[Layer, ...]


def paint_backdrop(world: World, rng: Generator) -> Backdrop:
    """Paint the place once; every frame starts from a copy."""
    size = world.view.size
    large = Size(size.width * FINER, size.height * FINER)
    brush = _Brush(world, world.view.scaled(FINER, large), rng)
    brush.sky()
    brush.ground()
    if world.kind == "yard":
        brush.yard_buildings()
    else:
        brush.street_buildings()
    layers = []
    for post in world.ground.posts:
        brush.post_shadow(post)
        layers.append(Layer(_shrunk(brush.tree(post) if post.is_tree else brush.post(post)), post.z_m))
    picture = cv2.resize(
        np.clip(brush.canvas, 0, 255).astype(np.uint8),
        (size.width, size.height),
        interpolation=cv2.INTER_AREA,
    )
    return Backdrop(np.asarray(picture, np.uint8), tuple(layers))


def _shrunk(bgra: NDArray[np.uint8]) -> Sprite:
    """The used part of a full-size layer, averaged down."""
    height, width = bgra.shape[0] // FINER, bgra.shape[1] // FINER
    small = cv2.resize(bgra, (width, height), interpolation=cv2.INTER_AREA)
    left, top, wide, high = cv2.boundingRect(small[..., 3])
    return Sprite(left, top, np.ascontiguousarray(small[top : top + high, left : left + wide], np.uint8))


class _Brush:
    """A canvas in float and the tools of this place."""

    def __init__(self, world: World, view: View, rng: Generator) -> None:
        self._world = world
        self._view = view
        self._rng = rng
        self._sun: Sun = world.sun
        self.canvas: Plane = np.zeros((view.size.height, view.size.width, 3), np.float32)
        self._grain = _tile(rng, 256, (1, 2, 4, 8))
        self._clouds = _tile(rng, 256, (16, 32, 64))
        rows = np.arange(view.size.height, dtype=np.float32)
        self._horizon = int(view.horizon_px) + 1
        below = np.maximum(rows - view.horizon_px, 0.5)
        self._z = np.tile((view.focal_px * view.height_m / below)[:, None], (1, view.size.width)).astype(
            np.float32
        )
        columns = np.arange(view.size.width, dtype=np.float32) - view.size.width / 2
        self._x = (columns[None] * self._z / view.focal_px).astype(np.float32)

    # -- tools

    def _noise(self, tile: Plane, per_m: float, stretch: float = 1.0) -> Plane:
        """A tile laid over the ground, ``per_m`` of its cells to a metre; -1..1."""
        u, v = (
            np.mod(self._x * per_m * stretch, 256).astype(np.float32),
            np.mod(self._z * per_m, 256).astype(np.float32),
        )
        return np.asarray(cv2.remap(tile, u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP), np.float32)

    def _lay(self, where: NDArray[np.bool_], colour: Colour, texture: Plane | float) -> None:
        """Colour part of the ground, brightened by ``1 + texture``."""
        value = np.float32(1.0) + np.broadcast_to(np.asarray(texture, np.float32), where.shape)[where]
        self.canvas[where] = np.asarray(colour, np.float32) * value[:, None]

    def _darken(self, mask: Plane, strength: float) -> None:
        self.canvas *= (1 - strength * np.clip(mask, 0, 1))[..., None]

    def _xy(self, x_m: float, y_m: float, z_m: float) -> tuple[int, int]:
        x, y = self._view.project(np.array([[x_m, y_m, z_m]]))[0]
        return round(float(x)), round(float(y))

    def _board(self, span: Span, rise: Span, z_m: float, colour: Colour, fade: float = 0.0) -> None:
        """An upright rectangle that faces us; ``fade`` darkens it towards its foot."""
        left, top = self._xy(span[0], rise[1], z_m)
        right, bottom = self._xy(span[1], rise[0], z_m)
        rows = slice(max(top, 0), max(bottom, 0))
        part = self.canvas[rows, max(left, 0) : max(right, 0)]
        if part.size:
            ramp = np.linspace(1 + fade / 2, 1 - fade / 2, part.shape[0], dtype=np.float32)
            part[:] = ramp[:, None, None] * np.asarray(colour, np.float32)

    # -- sky and ground

    def sky(self) -> None:
        """A gradient with soft clouds, warmer where the sun is low."""
        rows = np.linspace(0, 1, self._horizon, dtype=np.float32)[:, None, None]
        warm = self._sun.warmth
        top = np.array([226 - 14 * warm, 178, 128 + 24 * warm], np.float32)
        low = np.array([238 - 30 * warm, 226 - 6 * warm, 206 + 36 * warm], np.float32)
        width = self._view.size.width
        self.canvas[: self._horizon] = top + (low - top) * rows
        cloud = cv2.resize(
            self._clouds[40:100, 20:240], (width, self._horizon), interpolation=cv2.INTER_CUBIC
        )
        cover = np.clip(cloud * 0.9 + 0.05, 0, 0.75)[..., None] * (0.4 + 0.6 * rows)
        self.canvas[: self._horizon] += (
            np.array([250, 248, 246], np.float32) - self.canvas[: self._horizon]
        ) * cover

    def ground(self) -> None:
        """Everything that lies flat."""
        visible = np.zeros(self._z.shape, bool)
        visible[self._horizon :] = True
        grain, blotch = self._noise(self._grain, 26), self._noise(self._clouds, 7)
        if self._world.kind == "yard":
            self._yard_ground(visible, grain, blotch)
        else:
            self._street_ground(visible, grain, blotch)
        depth = np.clip((self._z - 6) / 40, 0, 0.3)[self._horizon :, :, None]
        haze = np.array([214, 208, 200], np.float32)
        self.canvas[self._horizon :] += (haze - self.canvas[self._horizon :]) * depth

    def _grass(self, where: NDArray[np.bool_], grain: Plane, blotch: Plane) -> None:
        stripes = 0.05 * np.sign(np.sin(self._x * np.pi / 1.1 + self._z * 0.35))
        tufts = self._noise(self._grain, 60, 1.6)
        self._lay(where, (64, 132, 104), 0.12 * grain + 0.14 * tufts + 0.1 * blotch + stripes)

    def _slabs(
        self, where: NDArray[np.bool_], slab_m: tuple[float, float], colour: Colour, grain: Plane
    ) -> None:
        row = np.floor(self._z / slab_m[1])
        across = self._x / slab_m[0] + 0.5 * np.mod(row, 2)
        tone = np.mod(np.sin(np.floor(across) * 12.9898 + row * 78.233) * 43758.5453, 1.0) - 0.5
        joint_x = np.abs(np.mod(across, 1) - 0.5) > 0.5 - 0.012 / slab_m[0]
        joint_z = np.abs(np.mod(self._z / slab_m[1], 1) - 0.5) > 0.5 - 0.016 / slab_m[1]
        self._lay(where, colour, 0.1 * tone + 0.05 * grain - 0.22 * (joint_x | joint_z))

    def _asphalt(self, where: NDArray[np.bool_], grain: Plane, blotch: Plane) -> None:
        tracks = sum(np.exp(-(((self._z - lane) / 0.55) ** 2)) for lane in self._world.ground.lanes_m)
        self._lay(
            where, (112, 108, 106), 0.09 * grain + 0.07 * blotch - 0.05 * np.asarray(tracks, np.float32)
        )

    def _kerb(self, z_m: float) -> None:
        band = (self._z > z_m - 0.09) & (self._z < z_m + 0.09)
        joint = np.abs(np.mod(self._x, 1.0) - 0.5) > 0.485
        self._lay(band, (176, 180, 184), -0.2 * joint)
        self._darken(np.asarray(np.exp(-(((self._z - z_m + 0.2) / 0.12) ** 2)), np.float32) * ~band, 0.25)

    def _yard_ground(self, visible: NDArray[np.bool_], grain: Plane, blotch: Plane) -> None:
        road, far = self._world.ground.road, self._world.ground.walks[1]
        self._grass(visible, grain, blotch)
        self._slabs(visible & (self._z < road.near_m), (0.8, 0.6), (166, 178, 188), grain)
        self._asphalt(visible & (self._z > road.near_m) & (self._z < road.far_m), grain, blotch)
        self._slabs(
            visible & (self._z > far.near_m - 0.2) & (self._z < far.far_m + 0.2),
            (0.5, 0.5),
            (158, 176, 190),
            grain,
        )
        side = 1.0 if self._rng.random() < 0.5 else -1.0
        bend = 0.66 * self._z + 0.35 * np.sin(self._z * 0.7)
        self._grass(visible & (self._z < road.near_m) & (side * self._x > bend), grain, blotch)
        self._kerb(road.near_m)
        self._kerb(road.far_m)

    def _street_ground(self, visible: NDArray[np.bool_], grain: Plane, blotch: Plane) -> None:
        ground, road = self._world.ground, self._world.ground.road
        self._slabs(visible, (0.6, 0.6), (168, 174, 180), grain)
        self._asphalt(visible & (self._z > road.near_m) & (self._z < road.far_m), grain, blotch)
        middle = (ground.lanes_m[0] + ground.lanes_m[1]) / 2
        away = (
            np.full(self._x.shape, True)
            if ground.crossing_m is None
            else np.abs(self._x - ground.crossing_m) > 2.6
        )
        dash = (np.abs(self._z - middle) < 0.07) & (np.mod(self._x, 3.0) < 1.7) & away
        self._lay(dash, (222, 226, 226), 0.1 * grain)
        if ground.crossing_m is not None:
            bars = (np.abs(self._x - ground.crossing_m) < 1.55) & (np.mod(self._z - road.near_m, 0.94) > 0.47)
            self._lay(
                bars & (self._z > road.near_m + 0.3) & (self._z < road.far_m - 0.3),
                (216, 220, 220),
                0.12 * grain - 0.04 * blotch,
            )
        self._kerb(road.near_m)
        self._kerb(road.far_m)

    # -- buildings

    def yard_buildings(self) -> None:
        """Trees and a hedge behind, one long house with a garage in front."""
        z_m, rng = self._world.ground.facade_m, self._rng
        reach = self._view.half_width_m(z_m)
        for x_m in np.linspace(-reach, reach, 9):
            self._crown(
                x_m + rng.uniform(-1, 1), rng.uniform(3.2, 5.2), z_m + 6, rng.uniform(2.2, 3.2), self.canvas
            )
        for x_m in np.arange(-reach, reach, 0.55):
            self._crown(x_m, rng.uniform(0.75, 1.0), z_m + 0.3, 0.72, self.canvas)
        left = rng.uniform(-0.75, -0.45) * reach
        right = left + rng.uniform(1.0, 1.25) * reach
        wall = WALLS[rng.integers(len(WALLS))]
        self._house((left, right), rng.uniform(3.4, 4.0), wall, storeys=1)
        self._foot_shade(left, right, z_m)

    def street_buildings(self) -> None:
        """A row of houses, each its own colour, height and windows."""
        z_m, rng = self._world.ground.facade_m, self._rng
        reach = self._view.half_width_m(z_m) + 1
        for x_m in np.linspace(-reach, reach, 7):
            self._crown(x_m, 4.5, z_m + 14, rng.uniform(3, 5), self.canvas)
        x_m, last = -reach - rng.uniform(0, 3), -1
        while x_m < reach:
            width = rng.uniform(5.0, 8.0)
            choice = int(rng.integers(len(WALLS)))
            last = choice if choice != last else (choice + 1) % len(WALLS)
            self._house((x_m, x_m + width), rng.uniform(4.6, 6.2), WALLS[last], storeys=2)
            x_m += width
        self._foot_shade(-reach, reach, z_m)

    def _house(self, span: Span, eaves_m: float, wall: Colour, storeys: int) -> None:
        rng, z_m = self._rng, self._world.ground.facade_m
        x1, x2 = span
        self._roof(x1 - 0.25, x2 + 0.25, z_m, eaves_m)
        self._board((x1, x2), (0, eaves_m), z_m, shade(wall, 0.93), fade=0.1)
        self._plaster(x1, x2, eaves_m, z_m)
        self._board((x1, x2), (0, 0.45), z_m, shade(wall, 0.68))
        self._board((x1, x2), (eaves_m - 0.16, eaves_m), z_m, shade(wall, 0.7))
        for pipe in (x1 + 0.12, x2 - 0.22):
            self._board((pipe, pipe + 0.09), (0, eaves_m), z_m, shade(wall, 0.62))
        storey = eaves_m / storeys
        count = max(2, int((x2 - x1) / 1.9))
        door = int(rng.integers(count))
        for level in range(storeys):
            for n in range(count):
                middle = x1 + (n + 0.5) * (x2 - x1) / count
                if level == 0 and n == door:
                    self._door(middle, z_m, wide=1.3 if storeys == 1 else 0.55)
                else:
                    self._window(middle, (level + 0.36) * storey, 0.42 * storey, wall)

    def _plaster(self, x1: float, x2: float, eaves_m: float, z_m: float) -> None:
        left, top = self._xy(x1, eaves_m, z_m)
        right, bottom = self._xy(x2, 0, z_m)
        part = self.canvas[max(top, 0) : bottom, max(left, 0) : max(right, 0)]
        if part.size:
            stain = cv2.resize(self._clouds, part.shape[1::-1], interpolation=cv2.INTER_LINEAR)
            part *= (
                1
                + 0.05 * stain[..., None]
                + 0.015 * self._rng.standard_normal((*part.shape[:2], 1), np.float32)
            )

    def _roof(self, x1: float, x2: float, z_m: float, eaves_m: float) -> None:
        colour = ROOFS[self._rng.integers(len(ROOFS))]
        rise = self._rng.uniform(1.3, 1.9)
        for n in range(14):
            low, high = eaves_m + rise * n / 14, eaves_m + rise * (n + 1) / 14
            slip = 0.5 * n / 14
            self._board((x1 + slip, x2 - slip), (low, high), z_m, shade(colour, 0.92 + 0.014 * n), fade=0.16)

    def _window(self, x_m: float, y_m: float, high: float, wall: Colour) -> None:
        z_m, half = self._world.ground.facade_m, 0.5
        frame = shade((236, 238, 240), 0.95)
        self._board(
            (x_m - half - 0.09, x_m + half + 0.09), (y_m - 0.08, y_m + high + 0.09), z_m, shade(wall, 0.78)
        )
        self._board((x_m - half, x_m + half), (y_m, y_m + high), z_m, frame)
        glass = shade((128, 108, 92), self._rng.uniform(0.6, 1.1))
        for a, b in ((x_m - half + 0.06, x_m - 0.03), (x_m + 0.03, x_m + half - 0.06)):
            self._board((a, b), (y_m + 0.06, y_m + high - 0.06), z_m, glass, fade=0.7)
            if self._rng.random() < 0.5:
                self._board(
                    (a, b),
                    (y_m + high * 0.62, y_m + high - 0.06),
                    z_m,
                    shade((214, 220, 224), 0.85),
                    fade=0.1,
                )
        self._board((x_m - half - 0.12, x_m + half + 0.12), (y_m - 0.12, y_m - 0.03), z_m, shade(wall, 1.1))

    def _door(self, x_m: float, z_m: float, wide: float) -> None:
        colour = DOORS[self._rng.integers(len(DOORS))]
        self._board((x_m - wide - 0.1, x_m + wide + 0.1), (0, 2.35), z_m, (206, 212, 214))
        self._board((x_m - wide, x_m + wide), (0, 2.25), z_m, colour, fade=0.15)
        for n in range(5):
            y = 0.2 + n * 0.41
            self._board(
                (x_m - wide + 0.08, x_m + wide - 0.08), (y, y + 0.3), z_m, shade(colour, 1.15), fade=0.12
            )

    def _foot_shade(self, x1: float, x2: float, z_m: float) -> None:
        """The dark where a wall meets the ground."""
        near = np.exp(-np.maximum(z_m - self._z, 0) / 0.5) * (self._z < z_m)
        inside = (self._x > x1 - 0.2) & (self._x < x2 + 0.2)
        self._darken(np.asarray(near * inside, np.float32), 0.35)

    # -- plants and posts

    def _crown(self, x_m: float, y_m: float, z_m: float, radius_m: float, onto: Plane) -> None:
        """Foliage: many blots, dark ones first, bright ones towards the sun."""
        rng = self._rng
        light = np.linspace(0, 1, BLOTS)
        angle, out = rng.uniform(0, 2 * np.pi, BLOTS), np.sqrt(rng.uniform(0, 1, BLOTS)) * (1 - 0.3 * light)
        aside = out * np.cos(angle) - 0.28 * np.sign(self._sun.dx) * light
        above = 0.8 * out * np.sin(angle) + 0.3 * light
        middles = np.stack([x_m + radius_m * aside, y_m + radius_m * above, np.full(BLOTS, z_m)], axis=1)
        radii = np.maximum(radius_m * rng.uniform(0.05, 0.15, BLOTS) * self._view.px_per_m(z_m), 2)
        tones = 0.5 + 0.68 * light + rng.uniform(-0.12, 0.12, BLOTS)
        colours = np.array(LEAVES[rng.integers(len(LEAVES))]) * tones[:, None]
        places = np.round(self._view.project(middles)).astype(int).tolist()
        for place, radius, colour in zip(places, radii, colours.tolist(), strict=True):
            cv2.circle(onto, place, round(float(radius)), [*colour, 255.0][: onto.shape[2]], -1)

    def _blank(self) -> NDArray[np.uint8]:
        return np.zeros((*self.canvas.shape[:2], 4), np.uint8)

    def _column(self, onto: NDArray[np.uint8], post: Post, half: Span, rise: Span, colour: Colour) -> None:
        """A round column, narrowing upwards from ``half[0]`` to ``half[1]``, lit from the sun's side."""
        bands = 9
        side = -np.sign(self._sun.dx)
        corners = ((0, 0), (1, 0), (1, 1), (0, 1))  # foot or top, this edge of the band or the next
        for n in range(bands):
            at = -1 + 2 * n / bands, -1 + 2 * (n + 1) / bands
            middle = (at[0] + at[1]) / 2
            light = 0.82 + 0.3 * side * middle - 0.12 * middle**2
            quad = [self._xy(post.x_m + half[top] * at[edge], rise[top], post.z_m) for top, edge in corners]
            cv2.fillConvexPoly(onto, np.array(quad, np.int32), (*shade(colour, light), 255.0))

    def post(self, post: Post) -> NDArray[np.uint8]:
        """A stone gate post with a cap and a ball, or a lamp post."""
        onto = self._blank()
        if self._world.kind == "street":
            self._column(onto, post, (post.radius_m * 1.5, post.radius_m), (0.0, 0.7), (74, 78, 74))
            self._column(
                onto, post, (post.radius_m * 0.75, post.radius_m * 0.55), (0.7, post.height_m), (82, 86, 82)
            )
            self._lantern(onto, post)
            return onto
        r, top = post.radius_m, post.height_m
        self._column(onto, post, (r, r), (0.0, top), (158, 172, 182))
        for n in range(1, int(top / 0.24)):
            y = n * 0.24
            cv2.line(
                onto,
                self._xy(post.x_m - r, y, post.z_m),
                self._xy(post.x_m + r, y, post.z_m),
                (112, 124, 132, 255),
                2,
            )
        self._column(onto, post, (r * 1.22, r * 1.22), (0.0, 0.22), (140, 152, 162))
        self._column(onto, post, (r * 1.28, r * 1.28), (top, top + 0.1), (176, 186, 194))
        centre, ball = self._xy(post.x_m, top + 0.26, post.z_m), round(0.17 * self._view.px_per_m(post.z_m))
        for n in range(8):
            offset = round(-np.sign(self._sun.dx) * ball * 0.07 * n)
            middle = (centre[0] + offset, centre[1] - round(ball * 0.06 * n))
            colour = shade((168, 180, 190), 0.72 + 0.05 * n)
            cv2.circle(onto, middle, max(1, round(ball * (1 - n * 0.12))), (*colour, 255.0), -1, cv2.LINE_AA)
        return onto

    def _lantern(self, onto: NDArray[np.uint8], post: Post) -> None:
        """A glass that widens upwards, under a flat hat."""
        foot = post.height_m
        self._column(onto, post, (0.10, 0.19), (foot, foot + 0.42), (206, 226, 232))
        self._column(onto, post, (0.24, 0.05), (foot + 0.42, foot + 0.56), (70, 74, 70))

    def tree(self, post: Post) -> NDArray[np.uint8]:
        """A trunk and, over the heads of the people, its crown."""
        onto = self._blank()
        r = post.radius_m
        self._column(onto, post, (r * 1.7, r * 1.05), (0.0, 0.35), (62, 84, 104))
        self._column(onto, post, (r * 1.05, r * 0.8), (0.35, post.height_m), (66, 90, 112))
        crown: Plane = onto.astype(np.float32)
        for dx, dy, radius in ((-0.8, -0.1, 0.9), (0.8, 0.0, 0.95), (0.0, 0.5, 1.25)):
            self._crown(post.x_m + dx, post.height_m + dy, post.z_m, radius, crown)
        return crown.astype(np.uint8)

    def post_shadow(self, post: Post) -> None:
        """What the post takes of the light on the ground."""
        mask = np.zeros(self.canvas.shape[:2], np.float32)
        r = post.radius_m
        foot = np.array([[post.x_m + s * r, y, post.z_m] for s in (-1, 1) for y in (0.0, post.height_m)])
        outline = cv2.convexHull(self._view.project(self._sun.shadow(foot)).astype(np.float32))
        cv2.fillConvexPoly(mask, outline.astype(np.int32), 1.0)
        if post.is_tree:
            crown = np.array([post.x_m, post.height_m, post.z_m]) + self._rng.normal(0, 0.65, (220, 3))
            spots = self._view.project(np.maximum(self._sun.shadow(crown), (-99, 0, 3)))
            radius = round(0.16 * self._view.px_per_m(post.z_m))
            for spot in np.round(spots).astype(int).tolist():
                cv2.ellipse(mask, spot, (radius, max(1, radius // 3)), 0, 0, 360, 1.0, -1)
        self._darken(
            np.asarray(cv2.GaussianBlur(mask, (0, 0), self._view.size.width / 500), np.float32),
            self._sun.depth,
        )


def _tile(rng: Generator, side: int, cells: tuple[int, ...]) -> Plane:
    """Noise that repeats without a seam, from grains of these sizes; about -1..1."""
    total = np.zeros((side, side), np.float32)
    for cell in cells:
        coarse = rng.standard_normal((side // cell, side // cell)).astype(np.float32)
        padded = np.pad(coarse, 2, mode="wrap")
        fine = cv2.resize(padded, None, fx=cell, fy=cell, interpolation=cv2.INTER_CUBIC)
        total += fine[2 * cell : 2 * cell + side, 2 * cell : 2 * cell + side]
    return np.asarray(np.clip(total / (total.std() * 2), -1, 1), np.float32)
