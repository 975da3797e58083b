"""Places drawn on a picture: where they are, and what is not looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edged.config import CameraSettings
from edged.control.places import DARKENED, LINE_BGR, ZONE_BGR, draw_places

if TYPE_CHECKING:
    from edged.core.types import Bgr

WIDTH, HEIGHT = 640, 360
SHADE = 100


def drawn(**places: object) -> Bgr:
    picture = np.full((HEIGHT, WIDTH, 3), SHADE, np.uint8)
    draw_places(picture, CameraSettings.model_validate({"url": "rtsp://127.0.0.1/", **places}))
    return picture


def at(picture: Bgr, x: float, y: float) -> tuple[int, ...]:
    return tuple(map(int, picture[round(y * (HEIGHT - 1)), round(x * (WIDTH - 1))]))


def test_nothing_to_draw_changes_nothing() -> None:
    assert (drawn() == SHADE).all()


def test_a_zone_and_a_line_are_where_they_are_set_and_have_names() -> None:
    picture = drawn(
        zones={"porch": {"polygon": [(0.1, 0.1), (0.4, 0.1), (0.4, 0.9), (0.1, 0.9)]}},
        lines={"gate": {"start": (0.7, 0.0), "end": (0.7, 1.0)}},
    )
    assert [at(picture, x, 0.3) for x in (0.1, 0.4, 0.25)] == [ZONE_BGR, ZONE_BGR, (SHADE,) * 3]
    assert at(picture, 0.7, 0.1) == LINE_BGR
    middle = (slice(HEIGHT // 2 - 10, HEIGHT // 2 + 10),)
    for left, right in ((0.15, 0.35), (0.58, 0.68), (0.72, 0.82)):  # the name, and what is right and left
        name = picture[(*middle, slice(int(left * WIDTH), int(right * WIDTH)))]
        assert (name == 255).any()
        assert (name == 0).any()


def test_what_is_not_looked_at_is_dark() -> None:
    picture = drawn(
        include=[[(0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0)]],
        exclude=[[(0.0, 0.0), (1.0, 0.0), (1.0, 0.3), (0.0, 0.3)]],
    )
    seen = [at(picture, x, y)[0] for x, y in ((0.2, 0.6), (0.2, 0.1), (0.8, 0.6), (0.8, 0.1))]
    assert seen == [SHADE, *[int(SHADE * DARKENED)] * 3]


def test_names_at_the_edge_stay_in_the_picture() -> None:
    corner = {"polygon": [(0.97, 0.0), (1.0, 0.0), (1.0, 0.02)]}
    picture = drawn(zones={"a_name_that_is_rather_long": corner})
    assert (picture[:30, -200:] == 255).any()
