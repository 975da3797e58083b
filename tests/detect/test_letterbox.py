from __future__ import annotations

import numpy as np
import pytest

from edged.core.types import Size
from edged.detect.letterbox import ULTRALYTICS_INPUT, YOLOX_INPUT, Letterbox, place
from tests.detect.synthetic import ArrayPicture

SIZES = [Size(1280, 720), Size(720, 1280), Size(640, 640), Size(320, 180), Size(1921, 1079), Size(4000, 2)]


@pytest.mark.parametrize("preprocess", [YOLOX_INPUT, ULTRALYTICS_INPUT])
@pytest.mark.parametrize("frame", SIZES, ids=str)
def test_boxes_come_back_to_where_they_were(frame: Size, preprocess: object) -> None:
    placement = place(frame, Size(416, 256), YOLOX_INPUT if preprocess is YOLOX_INPUT else ULTRALYTICS_INPUT)
    assert placement.scaled.width <= 416
    assert placement.scaled.height <= 256
    assert placement.scaled.width == 416 or placement.scaled.height == 256
    x, y = placement.left_px, placement.top_px
    whole = np.array([[x, y, x + placement.scaled.width, y + placement.scaled.height]], np.float32)
    np.testing.assert_allclose(placement.to_frame(whole), [[0, 0, frame.width, frame.height]], atol=1e-3)


def test_boxes_beyond_the_edge_are_clipped() -> None:
    placement = place(Size(832, 416), Size(416, 256), ULTRALYTICS_INPUT)
    beyond = np.array([[-50, -50, 500, 500]], np.float32)
    assert placement.to_frame(beyond).tolist() == [[0, 0, 832, 416]]


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_the_whole_input_is_what_a_plain_letterbox_gives(dtype: type[np.floating]) -> None:
    rng = np.random.default_rng(7)
    for preprocess in (YOLOX_INPUT, ULTRALYTICS_INPUT):
        letterbox = Letterbox(Size(416, 256), preprocess, dtype)
        for frame in SIZES[:5]:
            picture = ArrayPicture(rng.integers(0, 256, (frame.height, frame.width, 3), np.uint8))
            blob, placement = letterbox.fill(picture)
            canvas = np.full((256, 416, 3), 114, np.float64)
            scaled = picture.bgr(placement.scaled)
            top, left = placement.top_px, placement.left_px
            canvas[top : top + scaled.shape[0], left : left + scaled.shape[1]] = scaled
            if preprocess is ULTRALYTICS_INPUT:
                canvas = canvas[:, :, ::-1] / 255
            assert blob.dtype == dtype
            np.testing.assert_allclose(blob[0], canvas.transpose(2, 0, 1), rtol=1e-3, atol=1e-6)


def test_centred_and_at_the_top_left() -> None:
    assert place(Size(832, 416), Size(416, 256), YOLOX_INPUT).top_px == 0
    assert place(Size(832, 416), Size(416, 256), ULTRALYTICS_INPUT).top_px == 24
    assert place(Size(256, 256), Size(416, 256), ULTRALYTICS_INPUT).left_px == 80
