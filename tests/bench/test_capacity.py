from __future__ import annotations

import pytest

from edged.bench.capacity import BoxCost, StreamCost, carried
from edged.core.types import Size

HD = StreamCost(Size(1280, 720), fps=25.0, picture_ms=2.0)


def box(*, cores: int = 4, workers: int = 4, inference_ms: float = 10.0, ratio: float = 1.0) -> BoxCost:
    return BoxCost(cores, workers, inference_ms, ratio)


def test_a_camera_costs_its_pictures_and_its_passes_times_the_ratio() -> None:
    assert box(ratio=1.2).camera_ms_per_s(HD, 5.0) == pytest.approx(1.2 * (25 * 2 + 5 * 10))


def test_no_camera_is_looked_at_more_often_than_it_sends() -> None:
    slow = StreamCost(Size(1280, 720), fps=2.0, picture_ms=2.0)
    assert box().camera_ms_per_s(slow, 10.0) == pytest.approx(2 * 2 + 2 * 10)


def test_a_fifth_of_the_box_stays_free() -> None:
    assert box(cores=4).cameras(HD, 5.0) == 32  # of 40


def test_one_worker_is_one_core_at_most() -> None:
    assert box(cores=16, workers=1).cameras(HD, 5.0) == 16  # 80 % of 1000 ms, 50 ms of model each
    assert box(cores=16, workers=4).cameras(HD, 5.0) == 64


def test_a_hopeless_camera_is_not_carried() -> None:
    assert box(cores=1, inference_ms=900.0).cameras(HD, 1.0) == 0


def test_the_usual_sizes_are_estimated_by_the_pixel_from_the_nearest_that_was_measured() -> None:
    small = StreamCost(Size(704, 576), fps=12.5, picture_ms=0.5)
    rows = carried(box(), [HD, small])
    assert [(str(row.stream.size), row.is_estimate) for row in rows] == [
        ("640x360", True),
        ("704x576", False),
        ("1280x720", False),
        ("1920x1080", True),
    ]
    assert rows[0].stream.picture_ms == pytest.approx(0.5 * (640 * 360) / (704 * 576))
    assert rows[0].stream.fps == 12.5
    assert rows[3].stream.picture_ms == pytest.approx(2.0 * 2.25)


def test_of_several_streams_of_a_size_the_dearest_counts() -> None:
    cheap = StreamCost(HD.size, fps=10.0, picture_ms=2.0)
    (row,) = [row for row in carried(box(), [HD, cheap]) if not row.is_estimate]
    assert row.stream == HD


def test_more_detections_are_never_cheaper() -> None:
    for row in carried(box(), [HD]):
        assert list(row.cameras) == sorted(row.cameras, reverse=True)
