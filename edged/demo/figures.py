"""Draws people and cars: skeletons and solids in the world, projected and filled as antialiased polygons."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edged.demo.optics import shade

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edged.core.types import Bgr
    from edged.demo.looks import CarLooks, PersonLooks
    from edged.demo.optics import Colour, Points, Sun, View
    from edged.demo.world import Pose

SHIFT = 4  # fractional bits of polygon corners
_RING = np.stack([np.cos(np.arange(14) * 2 * np.pi / 14), np.sin(np.arange(14) * 2 * np.pi / 14)], axis=1)


@dataclass(frozen=True, slots=True)
class Sprite:
    """A piece of picture with its place: premultiplied colour and alpha."""

    left: int
    top: int
    bgra: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Patch:
    """One polygon of a figure in pixels."""

    corners: Points
    colour: Colour


def paint(patches: list[Patch]) -> Sprite:
    """Fill the polygons in order into a sprite just large enough."""
    every = np.concatenate([patch.corners for patch in patches])
    left, top = (int(v) for v in np.floor(every.min(axis=0)) - 1)
    right, bottom = (int(v) for v in np.ceil(every.max(axis=0)) + 2)
    canvas = np.zeros((bottom - top, right - left, 4), np.uint8)
    for patch in patches:
        fixed = np.round((patch.corners - (left, top)) * (1 << SHIFT)).astype(np.int32)
        cv2.fillPoly(canvas, [fixed], (*patch.colour, 255.0), cv2.LINE_AA, SHIFT)
    return Sprite(left, top, canvas)


def blend(picture: Bgr, sprite: Sprite) -> None:
    """Lay a sprite over the picture in place; what sticks out is cut off."""
    height, width = picture.shape[:2]
    x1, y1 = max(sprite.left, 0), max(sprite.top, 0)
    x2 = min(sprite.left + sprite.bgra.shape[1], width)
    y2 = min(sprite.top + sprite.bgra.shape[0], height)
    if x1 >= x2 or y1 >= y2:
        return
    part = sprite.bgra[y1 - sprite.top : y2 - sprite.top, x1 - sprite.left : x2 - sprite.left]
    under = cv2.merge([255 - part[..., 3]] * 3)
    region = picture[y1:y2, x1:x2]
    region[:] = cv2.add(cv2.multiply(region, under, scale=1 / 255), part[..., :3])


@dataclass(frozen=True, slots=True)
class _Limb:
    a: NDArray[np.float64]
    b: NDArray[np.float64]
    radius_a: float
    radius_b: float
    colour: Colour


def person_patches(looks: PersonLooks, pose: Pose, view: View, sun: Sun) -> list[Patch]:
    """A walking person as polygons, back to front."""
    patches: list[Patch] = []
    towards_sun = -np.sign(sun.dx)
    for limb in _limbs(looks, pose):
        patches.extend(_limb_patches(limb, view, towards_sun))
    return patches


def person_shadow(looks: PersonLooks, pose: Pose, view: View, sun: Sun) -> list[Points]:
    """The person's shadow on the ground as pixel polygons."""
    outlines = []
    for limb in _limbs(looks, pose):
        ends = np.stack([limb.a, limb.b])
        spread = np.array([[-1, 0, 0], [1, 0, 0], [0, 0, -0.5], [0, 0, 0.5]])
        ground = sun.shadow(ends)
        cloud = np.concatenate([ground[0] + spread * limb.radius_a, ground[1] + spread * limb.radius_b])
        outlines.append(_hull(view.project(cloud)))
    return outlines


def _limbs(looks: PersonLooks, pose: Pose) -> list[_Limb]:
    """The body as tapered limbs in world coordinates, far ones first."""
    joints = _joints(looks, pose)
    h, wide = looks.height_m, looks.girth
    sleeve = looks.skin if looks.short_sleeves else looks.top
    shin = looks.trousers if looks.legs == "trousers" else looks.skin
    thigh = looks.skin if looks.legs == "skirt" else looks.trousers
    limbs: list[_Limb] = []
    for side in ("l", "r"):
        dark = 0.86 if joints[f"hip_{side}"][2] > joints["hips"][2] else 1.0
        arm = [
            _Limb(
                joints[f"elbow_{side}"],
                joints[f"hand_{side}"],
                0.026 * h * wide,
                0.02 * h,
                shade(sleeve, dark),
            ),
            _Limb(
                joints[f"hand_{side}"], joints[f"hand_{side}"], 0.024 * h, 0.024 * h, shade(looks.skin, dark)
            ),
            _Limb(
                joints[f"shoulder_{side}"],
                joints[f"elbow_{side}"],
                0.034 * h * wide,
                0.027 * h * wide,
                shade(looks.top, dark),
            ),
        ]
        leg = [
            _Limb(
                joints[f"ankle_{side}"], joints[f"toe_{side}"], 0.024 * h, 0.019 * h, shade(looks.shoes, dark)
            ),
            _Limb(
                joints[f"knee_{side}"],
                joints[f"ankle_{side}"],
                0.033 * h * wide,
                0.022 * h * wide,
                shade(shin, dark),
            ),
            _Limb(
                joints[f"hip_{side}"],
                joints[f"knee_{side}"],
                0.05 * h * wide,
                0.036 * h * wide,
                shade(thigh, dark),
            ),
        ]
        limbs += leg + arm
    limbs += _trunk(looks, joints)
    if looks.bag:
        limbs.append(_Limb(joints["bag"], joints["bag"] - (0, 0.13 * h, 0), 0.062 * h, 0.066 * h, looks.bag))
    return sorted(limbs, key=lambda limb: -float(limb.a[2] + limb.b[2]))


def _trunk(looks: PersonLooks, joints: dict[str, NDArray[np.float64]]) -> list[_Limb]:
    h, wide = looks.height_m, looks.girth
    across = joints["shoulder_l"] - joints["shoulder_r"]
    chest, hips, head = joints["chest"], joints["hips"], joints["head"]
    trunk = [
        _Limb(hips + 0.16 * across, hips - 0.16 * across, 0.062 * h * wide, 0.062 * h * wide, looks.trousers),
        _Limb(chest + 0.24 * across, hips + 0.2 * across, 0.062 * h * wide, 0.056 * h * wide, looks.top),
        _Limb(chest - 0.24 * across, hips - 0.2 * across, 0.062 * h * wide, 0.056 * h * wide, looks.top),
        _Limb(chest, head, 0.03 * h, 0.028 * h, looks.skin),
        _Limb(head, head - (0, 0.022 * h, 0), 0.056 * h, 0.047 * h, looks.skin),
        _Limb(joints["hair"], joints["hair"], 0.056 * h, 0.056 * h, looks.hat or looks.hair),
    ]
    if looks.long_hair:
        trunk.append(_Limb(joints["hair"], joints["nape"], 0.053 * h, 0.036 * h, looks.hair))
    if looks.legs == "skirt":
        knees = (joints["knee_l"] + joints["knee_r"]) / 2
        trunk.append(_Limb(hips, knees, 0.07 * h * wide, 0.105 * h * wide, looks.trousers))
    return trunk


def _joints(looks: PersonLooks, pose: Pose) -> dict[str, NDArray[np.float64]]:
    """Joints in world coordinates for this moment of the step."""
    h = looks.height_m
    turn = 2 * np.pi * (pose.walked_m / (0.78 * h) + looks.phase)
    effort = min(pose.speed_m_s / 0.65, 1.0) * looks.swing
    forward = np.array([np.cos(pose.heading_rad), 0.0, np.sin(pose.heading_rad)])
    left = np.array([-forward[2], 0.0, forward[0]])
    up = np.array([0.0, 1.0, 0.0])
    hips = np.array([pose.x_m, 0.505 * h, pose.z_m])
    joints = {"hips": hips, "chest": hips + up * 0.285 * h + forward * 0.012 * h}
    for side, sign in (("l", 1.0), ("r", -1.0)):
        swing = sign * np.sin(turn)
        thigh = 0.42 * effort * swing
        shin = thigh - effort * (0.12 + 0.7 * max(0.0, sign * np.cos(turn)))
        hip = hips + left * sign * 0.052 * h
        knee = hip + 0.235 * h * (forward * np.sin(thigh) - up * np.cos(thigh))
        ankle = knee + 0.235 * h * (forward * np.sin(shin) - up * np.cos(shin))
        arm, bend = -0.5 * effort * swing, 0.25 + 0.25 * effort
        shoulder = joints["chest"] + left * sign * 0.105 * h
        elbow = shoulder + 0.165 * h * (forward * np.sin(arm) - up * np.cos(arm)) + left * sign * 0.018 * h
        hand = elbow + 0.15 * h * (forward * np.sin(arm + bend) - up * np.cos(arm + bend))
        pairs = {
            "hip": hip,
            "knee": knee,
            "ankle": ankle,
            "toe": ankle + forward * 0.085 * h - up * 0.008 * h,
        }
        joints |= {
            f"{name}_{side}": at
            for name, at in (pairs | {"shoulder": shoulder, "elbow": elbow, "hand": hand}).items()
        }
    head = joints["chest"] + up * 0.158 * h + forward * 0.012 * h
    joints |= {
        "head": head,
        "hair": head + up * 0.016 * h - forward * 0.014 * h,
        "nape": head - up * 0.095 * h - forward * 0.035 * h,
        "bag": joints["chest"] - forward * 0.085 * h - up * 0.02 * h,
    }
    lowest = min(joints["toe_l"][1], joints["toe_r"][1]) - 0.019 * h
    return {name: at - up * lowest for name, at in joints.items()}


def _limb_patches(limb: _Limb, view: View, towards_sun: float) -> list[Patch]:
    """A tapered limb: its dark outline side, and a lighter stripe where the sun falls on it."""
    ends = view.project(np.stack([limb.a, limb.b]))
    radii = np.array([limb.radius_a * view.px_per_m(limb.a[2]), limb.radius_b * view.px_per_m(limb.b[2])])
    patches = [Patch(_capsule(ends, radii), shade(limb.colour, 0.84))]
    if radii.max() > 1.6:  # noqa: PLR2004 - thinner ones show no stripe
        aside = np.stack([towards_sun * radii * 0.26, -0.12 * radii], axis=1)
        patches.append(Patch(_capsule(ends + aside, radii * 0.66), shade(limb.colour, 1.04)))
    return patches


def _capsule(ends: Points, radii: NDArray[np.float64]) -> Points:
    return _hull((ends[:, None] + _RING * radii[:, None, None]).reshape(-1, 2))


def _hull(points: Points) -> Points:
    hull = cv2.convexHull(points.astype(np.float32))
    return np.asarray(hull, np.float64).reshape(-1, 2)


def car_patches(looks: CarLooks, pose: Pose, view: View, sun: Sun) -> list[Patch]:
    """A car as polygons, back to front."""
    return _CarDrawing(looks, pose, view, sun).patches()


def car_shadow(looks: CarLooks, pose: Pose, view: View, sun: Sun) -> list[Points]:
    """The car's shadow on the ground as pixel polygons: what the sun leaves out, and the dark under it."""
    drawing = _CarDrawing(looks, pose, view, sun)
    shape, half = looks.shape, looks.width_m / 2
    outlines = []
    for profile in (shape.body, shape.cabin):
        corners = np.concatenate([drawing.world(profile, half), drawing.world(profile, -half)])
        feet = corners * (1.0, 0.0, 1.0)
        outlines.append(_hull(view.project(np.concatenate([sun.shadow(corners), feet]))))
    return outlines


class _CarDrawing:
    """One car at one moment."""

    def __init__(self, looks: CarLooks, pose: Pose, view: View, sun: Sun) -> None:
        self._looks = looks
        self._view = view
        self._sun = sun
        self._origin = np.array([pose.x_m, 0.0, pose.z_m])
        self._forward = np.array([np.cos(pose.heading_rad), 0.0, np.sin(pose.heading_rad)])
        self._left = np.array([-self._forward[2], 0.0, self._forward[0]])
        self._travel_m = pose.walked_m
        self._eye = np.array([0.0, view.height_m, 0.0])
        aside_m = float((self._eye - self._origin) @ self._left)
        self._near_side = 1.0 if aside_m > 0 else -1.0
        self._shows_side = abs(aside_m) > looks.width_m / 2

    def world(self, profile: tuple[tuple[float, float], ...], aside_m: float) -> Points:
        """Points of the side view (length share, height) at a distance to the left of the middle."""
        along = np.array([x * self._looks.shape.length_m for x, _ in profile])
        height = np.array([y for _, y in profile])
        return self._at(along, height, np.full(len(profile), aside_m))

    def _at(
        self, along: NDArray[np.float64], height: NDArray[np.float64], aside: NDArray[np.float64]
    ) -> Points:
        upright = height[:, None] * (0.0, 1.0, 0.0)
        points: Points = self._origin + along[:, None] * self._forward + upright + aside[:, None] * self._left
        return points

    def patches(self) -> list[Patch]:
        looks, half = self._looks, self._looks.width_m / 2
        silhouette = np.concatenate([self.world(looks.shape.body, half), self.world(looks.shape.body, -half)])
        patches = [
            *self._wheel_patches(-self._near_side),
            Patch(_hull(self._view.project(silhouette)), shade(looks.paint, 0.5)),
        ]
        patches += self._solid(looks.shape.body, half, half, looks.paint, glazed=False)
        if self._shows_side:
            patches += self._side_trim()
            patches += self._wheel_patches(self._near_side)
        patches += self._solid(looks.shape.cabin, half * 0.97, half * 0.8, looks.paint, glazed=True)
        return patches

    def _solid(
        self,
        profile: tuple[tuple[float, float], ...],
        low_half: float,
        high_half: float,
        paint_: Colour,
        *,
        glazed: bool,
    ) -> list[Patch]:
        """The visible faces of an extruded outline that narrows from ``low_half`` to ``high_half``."""
        heights = np.array([y for _, y in profile])
        rise = (heights - heights.min()) / np.ptp(heights)
        half = low_half + (high_half - low_half) * (rise if glazed else rise * 0)
        along = np.array([x * self._looks.shape.length_m for x, _ in profile])
        lefts, rights = self._at(along, heights, half), self._at(along, heights, -half)
        patches = []
        for i in range(len(profile)):
            j = (i + 1) % len(profile)
            face = np.stack([lefts[i], lefts[j], rights[j], rights[i]])
            if not self._faces_eye(face):
                continue
            patches.append(self._face(face, paint_))
            slanted = abs(heights[i] - heights[j]) > 0.3  # noqa: PLR2004 - roofs and floors are flatter
            if glazed and slanted:
                pane = _inset(face, 0.1, 0.1)
                patches += [
                    self._face(pane, self._looks.glass),
                    self._face(pane[:3], shade(self._looks.glass, 1.2)),
                ]
            elif not glazed and abs(profile[i][0] + profile[j][0]) == 1.0:
                patches += self._lights(face, front=profile[i][0] > 0)
        if self._shows_side:
            side = lefts if self._near_side > 0 else rights
            patches.append(self._face(side, paint_))
            patches += self._side_windows(side) if glazed else []
        return patches

    def _faces_eye(self, face: Points) -> bool:
        outward = np.cross(face[1] - face[0], face[2] - face[0])
        return float(outward @ (self._eye - face[0])) > 0

    def _face(self, face: Points, colour: Colour) -> Patch:
        """A visible face, as bright as the sun makes it."""
        normal = np.cross(face[1] - face[0], face[2] - face[0])
        normal /= np.linalg.norm(normal)
        if float(normal @ (self._eye - face[0])) < 0:
            normal = -normal
        return Patch(self._view.project(face), shade(colour, self._sun.on_face(normal)))

    def _lights(self, face: Points, *, front: bool) -> list[Patch]:
        """Two lamps and a number plate on an end of the body."""
        colour: Colour = (200, 232, 240) if front else (48, 40, 190)
        patches = []
        low = 0.5 if front else 0.42
        for across in ((0.04, 0.26), (0.74, 0.96), (0.38, 0.62)):
            plate = across[0] == 0.38  # noqa: PLR2004 - the one in the middle
            height = (0.12, 0.34) if plate else (low, 0.92)
            quad = np.stack([_on_quad(face, u, v) for u, v in _rectangle(across, height, upside=front)])
            patches.append(Patch(self._view.project(quad), (205, 212, 214) if plate else colour))
        return patches

    def _side_windows(self, side: Points) -> list[Patch]:
        """Glass between the pillars of the cabin's visible side."""
        rear_low, rear_high, front_high, front_low = side
        bounds = (0.05, *self._looks.shape.split, 0.94)
        patches = []
        for begin, end in pairwise(bounds):
            edges = [(begin + 0.022, 0.12), (begin + 0.022, 0.86), (end - 0.022, 0.86), (end - 0.022, 0.12)]
            quad = np.stack(
                [_mix(_mix(rear_low, rear_high, v), _mix(front_low, front_high, v), u) for u, v in edges]
            )
            patches.append(Patch(self._view.project(quad), shade(self._looks.glass, 0.92)))
            patches.append(Patch(self._view.project(quad[:3]), shade(self._looks.glass, 1.08)))
        return patches

    def _side_trim(self) -> list[Patch]:
        """Sill, shoulder line, door gaps and handles of the visible side."""
        aside = self._near_side * (self._looks.width_m / 2 + 0.004)
        paint_ = self._looks.paint

        def strip(x1: float, x2: float, y1: float, y2: float, colour: Colour) -> Patch:
            corners = ((x1, y1), (x1, y2), (x2, y2), (x2, y1))
            return Patch(self._view.project(self.world(corners, aside)), colour)

        trim = [
            strip(-0.49, 0.49, 0.27, 0.37, (46, 45, 45)),
            strip(-0.47, 0.42, 0.74, 0.78, shade(paint_, 1.14)),
            strip(0.445, 0.492, 0.58, 0.68, (196, 226, 236)),
            strip(-0.497, -0.465, 0.66, 0.82, (50, 42, 180)),
        ]
        for door in (0.17, -0.09, -0.3):
            trim.append(strip(door - 0.0035, door + 0.0035, 0.37, 0.92, shade(paint_, 0.6)))
            trim.append(strip(door - 0.075, door - 0.035, 0.80, 0.835, shade(paint_, 0.55)))
        return trim

    def _wheel_patches(self, side: float) -> list[Patch]:
        """Arch, tyre, rim and turning spokes of both wheels of a side."""
        aside = side * self._looks.width_m / 2
        patches = []
        length = self._looks.shape.length_m
        for hub in (-0.31 * length, 0.31 * length):
            layers: tuple[tuple[float, float, Colour], ...] = (
                (0.38, 0.0, (34, 33, 33)), (0.315, 0.012, (44, 43, 43)), (0.2, 0.02, self._looks.rims),
            )  # fmt: skip
            for radius, out, colour in layers:
                ring = _RING * radius
                points = self._at(
                    hub + ring[:, 0], 0.315 + ring[:, 1], np.full(len(ring), aside + side * out)
                )
                patches.append(Patch(self._view.project(points), colour))
            for spoke in range(5):
                angle = spoke * 2 * np.pi / 5 - self._travel_m / 0.315
                tip = np.array([0.05, 0.18, 0.18]), np.array([angle, angle - 0.22, angle + 0.22])
                points = self._at(
                    hub + tip[0] * np.cos(tip[1]),
                    0.315 + tip[0] * np.sin(tip[1]),
                    np.full(3, aside + side * 0.024),
                )
                patches.append(Patch(self._view.project(points), shade(self._looks.rims, 0.5)))
        return patches


def _mix(a: NDArray[np.float64], b: NDArray[np.float64], share: float) -> NDArray[np.float64]:
    return a + (b - a) * share


def _on_quad(quad: Points, u: float, v: float) -> NDArray[np.float64]:
    """The point ``u`` across and ``v`` up a quad of left-low, left-high, right-high, right-low."""
    return _mix(_mix(quad[0], quad[1], v), _mix(quad[3], quad[2], v), u)


def _rectangle(
    across: tuple[float, float], height: tuple[float, float], *, upside: bool
) -> list[tuple[float, float]]:
    low, high = (1 - height[1], 1 - height[0]) if upside else height
    return [(across[0], low), (across[0], high), (across[1], high), (across[1], low)]


def _inset(quad: Points, across: float, up: float) -> Points:
    corners = ((across, up), (across, 1 - up), (1 - across, 1 - up), (1 - across, up))
    return np.stack([_on_quad(quad, u, v) for u, v in corners])
