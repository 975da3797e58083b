"""Who is in the scene, where and when: people and cars on paths that never collide nor hide for long.

Everything repeats after ``World.period_s``, so a clip of that length loops without a seam.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from edged.demo.looks import CarLooks, PersonLooks
from edged.demo.optics import Sun, View

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from edged.core.types import Size

Kind = Literal["yard", "street"]

SHORTEST_PERIOD_S = 30.0
STEP_S = 0.2  # in which plans are checked against each other
LONGEST_HIDDEN_S = 1.0
HIDDEN_SHARE = 0.55
TRIES = 24


@dataclass(frozen=True, slots=True)
class Pose:
    """Where somebody is at one moment."""

    x_m: float
    z_m: float
    heading_rad: float  # 0 looks to the right, pi/2 away from the camera
    walked_m: float
    speed_m_s: float


@dataclass(frozen=True, slots=True)
class Trajectory:
    """A path and its timing, as columns at moments ``STEP_S / 4`` apart."""

    x_m: NDArray[np.float64]
    z_m: NDArray[np.float64]
    heading_rad: NDArray[np.float64]
    walked_m: NDArray[np.float64]
    speed_m_s: NDArray[np.float64]

    @property
    def duration_s(self) -> float:
        """From the first to the last sample."""
        return (len(self.x_m) - 1) * STEP_S / 4

    def pose(self, time_s: float) -> Pose:
        """The pose ``time_s`` after the start."""
        at = min(max(time_s / (STEP_S / 4), 0.0), len(self.x_m) - 1.0)
        low = int(at)
        high, part = min(low + 1, len(self.x_m) - 1), at - low
        columns = (self.x_m, self.z_m, self.heading_rad, self.walked_m, self.speed_m_s)
        return Pose(*(float(c[low] + (c[high] - c[low]) * part) for c in columns))


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody who comes at ``start_s`` of every period, goes along a trajectory and leaves."""

    number: int
    looks: PersonLooks | CarLooks
    trajectory: Trajectory
    start_s: float
    stays: bool = False  # parked: always there

    def pose(self, time_s: float, period_s: float) -> Pose | None:
        """Where the actor is, or None while away."""
        if self.stays:
            return self.trajectory.pose(0.0)
        since_s = (time_s - self.start_s) % period_s
        return self.trajectory.pose(since_s) if since_s <= self.trajectory.duration_s else None


@dataclass(frozen=True, slots=True)
class Strip:
    """Ground between two depths, across the whole picture."""

    near_m: float
    far_m: float


@dataclass(frozen=True, slots=True)
class Post:
    """Something that stands still and hides what passes behind it."""

    x_m: float
    z_m: float
    radius_m: float
    height_m: float
    is_tree: bool


@dataclass(frozen=True, slots=True)
class Ground:
    """The plan of the place."""

    walks: tuple[Strip, ...]
    road: Strip
    lanes_m: tuple[float, float]  # depth of the near lane (driven to the right) and the far one
    facade_m: float
    crossing_m: float | None  # x of the zebra crossing
    posts: tuple[Post, ...]


@dataclass(frozen=True, slots=True)
class World:
    """A place, its light and everybody who ever comes."""

    kind: Kind
    view: View
    sun: Sun
    ground: Ground
    actors: tuple[Actor, ...]
    period_s: float


def build_world(kind: Kind, size: Size, seconds: float, *, people: int, cars: int, rng: Generator) -> World:
    """Draw a world by lot: at most ``people`` and ``cars`` are in it at any moment."""
    view = View(
        size=size,
        focal_px=size.width * rng.uniform(0.68, 0.76),
        horizon_px=size.height * rng.uniform(0.21, 0.26),
        height_m=rng.uniform(4.0, 4.6),
    )
    sun = Sun(
        dx=float(rng.choice([-1, 1]) * rng.uniform(0.35, 0.95)),
        dz=rng.uniform(-0.25, 0.45),
        warmth=rng.uniform(0.0, 1.0),
        depth=rng.uniform(0.3, 0.55),
    )
    ground = _yard(view, rng) if kind == "yard" else _street(view, rng)
    period_s = max(seconds, SHORTEST_PERIOD_S)
    plan = _Plan(kind, view, ground, period_s, rng)
    plan.fill(people, cars)
    return World(kind, view, sun, ground, tuple(plan.actors), period_s)


def _yard(view: View, rng: Generator) -> Ground:
    side = float(rng.choice([-1, 1]))
    gate = Post(side * rng.uniform(1.2, 2.6), 7.4, 0.2, rng.uniform(1.7, 2.1), is_tree=False)
    tree = Post(-side * rng.uniform(0.35, 0.6) * view.half_width_m(12.3), 12.4, 0.16, 4.6, is_tree=True)
    return Ground(
        walks=(Strip(8.1, 11.7), Strip(17.3, 18.7)),
        road=Strip(12.8, 16.6),
        lanes_m=(13.8, 15.5),
        facade_m=rng.uniform(19.5, 20.5),
        crossing_m=None,
        posts=(gate, tree),
    )


def _street(view: View, rng: Generator) -> Ground:
    side = float(rng.choice([-1, 1]))
    crossing_m = -side * rng.uniform(1.0, 3.5)
    lamp = Post(crossing_m + 2.6 * side, 9.3, 0.11, rng.uniform(3.9, 4.5), is_tree=False)
    tree = Post(side * rng.uniform(0.55, 0.8) * view.half_width_m(9.2), 9.2, 0.17, 4.4, is_tree=True)
    return Ground(
        walks=(Strip(7.5, 8.8), Strip(16.0, 17.3)),
        road=Strip(9.7, 15.3),
        lanes_m=(11.2, 13.8),
        facade_m=18.1,
        crossing_m=crossing_m,
        posts=(lamp, tree),
    )


class _Plan:
    """Fills a period with visits, each checked against all earlier ones before it is accepted."""

    def __init__(self, kind: Kind, view: View, ground: Ground, period_s: float, rng: Generator) -> None:
        self.actors: list[Actor] = []
        self._kind = kind
        self._view = view
        self._ground = ground
        self._period_s = period_s
        self._rng = rng
        self._steps = round(period_s / STEP_S)
        self._tracks = [_post_track(post, view, self._steps) for post in ground.posts]

    def fill(self, people: int, cars: int) -> None:
        """Plan everybody; cars first, since they cannot give way."""
        if self._kind == "yard" and cars > 0 and self._rng.random() < 0.75:  # noqa: PLR2004 - a share
            cars -= self._park()
        for _ in range(cars):
            self._fill_slot(self._car_visit, gap_s=(1.0, 6.0))
        for _ in range(people):
            self._fill_slot(self._person_visit, gap_s=(0.3, 2.5))

    def _fill_slot(self, visit: _Visit, gap_s: tuple[float, float]) -> None:
        begin_s = now_s = self._rng.uniform(0, self._period_s)
        while now_s < begin_s + self._period_s - 5.0:
            left_s = begin_s + self._period_s - now_s
            accepted = self._accept_one(visit, now_s, left_s)
            now_s += (accepted or 1.0) + self._rng.uniform(*gap_s)

    def _accept_one(self, visit: _Visit, start_s: float, left_s: float) -> float | None:
        """Try a few visits from here on; the duration of the one accepted."""
        for _ in range(TRIES):
            looks, trajectory = visit()
            if trajectory.duration_s > left_s:
                continue
            actor = Actor(len(self.actors) + 1, looks, trajectory, start_s % self._period_s)
            if self._add(actor):
                return trajectory.duration_s
        return None

    def _add(self, actor: Actor) -> bool:
        track = _actor_track(actor, self._view, self._steps, self._period_s)
        if any(_collide(track, other) for other in self._tracks):
            return False
        if any(_hides(track, other) or _hides(other, track) for other in self._tracks):
            return False
        self._tracks.append(track)
        self.actors.append(actor)
        return True

    def _park(self) -> int:
        """Leave a car on the forecourt for good; 1 if there was room."""
        for _ in range(TRIES):
            side = float(self._rng.choice([-1, 1]))
            z_m = self._rng.uniform(9.8, 10.8)
            x_m = side * (self._view.half_width_m(z_m) - self._rng.uniform(1.4, 2.6))
            heading = self._rng.uniform(0, 2 * np.pi)
            path = _constant(x_m, z_m, heading)
            if self._add(Actor(len(self.actors) + 1, CarLooks.draw(self._rng), path, 0.0, stays=True)):
                return 1
        return 0

    def _car_visit(self) -> tuple[CarLooks, Trajectory]:
        rng, yard = self._rng, self._kind == "yard"
        lane = int(rng.integers(2))
        z_m = self._ground.lanes_m[lane] + rng.uniform(-0.2, 0.2)
        edge_m = (self._view.half_width_m(z_m) + 3.2) * (1 - 2 * lane)
        bend = rng.uniform(-0.35, 0.35) if yard else 0.0
        points = np.array(
            [[-edge_m, z_m], [-edge_m / 3, z_m + bend], [edge_m / 3, z_m - bend], [edge_m, z_m]]
        )
        speed = rng.uniform(1.6, 3.0) if yard else rng.uniform(2.6, 4.6)
        stops = (
            [(rng.uniform(0.3, 0.7), rng.uniform(2.0, 5.0))] if rng.random() < (0.7 if yard else 0.35) else []
        )
        return CarLooks.draw(rng), _drive(points, speed, stops, ease_s=1.6)

    def _person_visit(self) -> tuple[PersonLooks, Trajectory]:
        rng, ground = self._rng, self._ground
        near = rng.random() < 0.65  # noqa: PLR2004 - a share
        crosses = ground.crossing_m is not None and rng.random() < 0.25  # noqa: PLR2004 - a share
        walk = ground.walks[0 if near else 1]
        enter, leave = rng.choice([-1, 1]), rng.choice([-1, 1], p=[0.3, 0.7])
        points = [self._edge(walk, enter)]
        if crosses and ground.crossing_m is not None:
            other = ground.walks[1 if near else 0]
            for strip in (walk, other):
                x_m = ground.crossing_m + rng.uniform(-0.9, 0.9)
                points.append((x_m, (strip.near_m + strip.far_m) / 2))
            points.append(self._edge(other, enter * -leave))
        else:
            for share in np.sort(rng.uniform(0.2, 0.8, rng.integers(1, 3))):
                z_m = rng.uniform(walk.near_m, walk.far_m)
                points.append((float(enter * (1 - 2 * share) * self._view.half_width_m(z_m)), z_m))
            points.append(self._edge(walk, enter * -leave))
        stops = [(rng.uniform(0.25, 0.75), rng.uniform(1.5, 4.5))] if rng.random() < 0.45 else []  # noqa: PLR2004
        return PersonLooks.draw(rng), _drive(np.array(points), rng.uniform(0.55, 0.9), stops, ease_s=0.6)

    def _edge(self, strip: Strip, side: float) -> tuple[float, float]:
        z_m = self._rng.uniform(strip.near_m, strip.far_m)
        return side * (self._view.half_width_m(z_m) + 0.6), z_m


if TYPE_CHECKING:
    from collections.abc import Callable

    _Visit = Callable[[], tuple[PersonLooks | CarLooks, Trajectory]]


def _constant(x_m: float, z_m: float, heading: float) -> Trajectory:
    one = np.ones(1)
    return Trajectory(one * x_m, one * z_m, one * heading, one * 0, one * 0)


def _drive(
    points: NDArray[np.float64], speed_m_s: float, stops: list[tuple[float, float]], ease_s: float
) -> Trajectory:
    """Follow a smooth curve through ``points``; ``stops`` are (share of the way, seconds)."""
    curve = _smooth(points)
    step_s = STEP_S / 4
    way_m = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(curve, axis=0).T))])
    pieces, done = [], 0.0
    for share, pause_s in [*stops, (1.0, 0.0)]:
        pieces.append(np.full(max(1, round((share - done) * way_m[-1] / speed_m_s / step_s)), speed_m_s))
        pieces.append(np.zeros(round(pause_s / step_s)))
        done = share
    width = max(1, round(ease_s / step_s))
    padded = np.pad(np.concatenate(pieces), (width, width), mode="edge")
    speed = np.convolve(padded, np.ones(width) / width, mode="same")[width:-width]
    walked = np.cumsum(speed) * step_s
    walked *= way_m[-1] / walked[-1]
    tangent = np.unwrap(np.arctan2(*np.gradient(curve, axis=0).T[::-1]))
    heading = np.interp(walked, way_m, tangent)
    x, z = (np.interp(walked, way_m, curve[:, axis]) for axis in (0, 1))
    return Trajectory(x, z, heading, walked, speed)


def _smooth(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """A Catmull-Rom curve through the points, 24 samples to a span."""
    padded = np.vstack([2 * points[0] - points[1], points, 2 * points[-1] - points[-2]])
    t = np.linspace(0, 1, 24, endpoint=False)[:, None]
    spans = []
    for a, b, c, d in zip(padded, padded[1:], padded[2:], padded[3:], strict=False):
        spans.append(b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a))))
    return np.vstack([*spans, points[-1:]])


@dataclass(frozen=True, slots=True)
class _Track:
    """What others must know of an actor or a post, step by step."""

    circles_m: NDArray[np.float64]  # steps x k x 2
    radius_m: float
    boxes_px: NDArray[np.float64]  # steps x 4; all columns are nan while away
    depth_m: NDArray[np.float64]  # steps
    moves: bool


def _post_track(post: Post, view: View, steps: int) -> _Track:
    half = post.radius_m
    corners = np.array([[post.x_m - half, post.height_m, post.z_m], [post.x_m + half, 0.0, post.z_m]])
    box = view.project(corners).ravel()
    circle = np.full((steps, 1, 2), (post.x_m, post.z_m))
    return _Track(circle, half, np.tile(box, (steps, 1)), np.full(steps, post.z_m), moves=False)


def _actor_track(actor: Actor, view: View, steps: int, period_s: float) -> _Track:
    way = actor.trajectory
    since_s = (np.arange(steps) * STEP_S - actor.start_s) % period_s
    present = np.full(steps, True) if actor.stays else since_s <= way.duration_s
    sample = np.minimum(since_s / (STEP_S / 4), len(way.x_m) - 1).astype(int)
    x, z, heading = (np.where(present, c[sample], np.nan) for c in (way.x_m, way.z_m, way.heading_rad))
    is_car = isinstance(actor.looks, CarLooks)
    reach = np.array([-1.45, 0.0, 1.45]) if is_car else np.zeros(1)
    circles = np.stack(
        [x[:, None] + reach * np.cos(heading)[:, None], z[:, None] + reach * np.sin(heading)[:, None]], 2
    )
    half = 0.9 + 1.3 * np.abs(np.cos(heading)) if is_car else np.full(steps, 0.24)
    high = np.stack([x - half, np.full(steps, actor.looks.height_m), z], axis=1)
    low = np.stack([x + half, np.zeros(steps), z], axis=1)
    boxes = np.concatenate([view.project(high), view.project(low)], axis=1)
    return _Track(circles, 1.0 if is_car else 0.32, boxes, z, moves=True)


def _collide(a: _Track, b: _Track) -> bool:
    gap = np.linalg.norm(a.circles_m[:, :, None] - b.circles_m[:, None], axis=-1)
    return bool(np.any(gap < a.radius_m + b.radius_m + 0.12))


def _hides(near: _Track, far: _Track) -> bool:
    """Whether ``near`` stands in front of most of ``far`` for too long."""
    if not far.moves:
        return False
    low = np.maximum(near.boxes_px[:, :2], far.boxes_px[:, :2])
    high = np.minimum(near.boxes_px[:, 2:], far.boxes_px[:, 2:])
    shared = np.prod(np.clip(high - low, 0, None), axis=1)
    own = np.prod(far.boxes_px[:, 2:] - far.boxes_px[:, :2], axis=1)
    hidden = (shared > HIDDEN_SHARE * own) & (near.depth_m < far.depth_m)  # nan compares false
    return _longest_run(hidden) * STEP_S > LONGEST_HIDDEN_S


def _longest_run(flags: NDArray[np.bool_]) -> int:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(np.int8), [0]])))
    return int(np.max(edges[1::2] - edges[::2], initial=0))
