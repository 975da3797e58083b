"""The page in a real browser, on a real camera, with the real daemon."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
import tomllib
from fractions import Fraction
from functools import cache
from typing import TYPE_CHECKING, Any

import av
import cv2
import numpy as np
import pytest
from av.video.frame import PictureType

from edged.config.settings import ZoneSettings
from tests.parts.daemon import EdgedProcess
from tests.parts.rtsp_server import RtspServer
from tests.parts.waiting import until
from tests.serve.conftest import STREET, config

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from tests.parts.browser import Browser, Page

TOKEN = "correct-horse-battery"
SMALL = (96, 54)
ENOUGH_BOXES = 20
PLAYS = "tiles.get('front')?.player.firstFrame_ms > 0 && tiles.get('front').player.fps > 0"
# A picture as the browser shows it, and the boxes on it: in fractions, and whether their corner is painted.
# One picture in eight, so that the samples are of the whole scene: somebody half hidden behind others has a
# poor box for a second, wherever it is drawn.
SAMPLE = """new Promise((resolve) => {
  const { video, canvas, overlay } = tiles.get('front');
  let left = 8;
  video.requestVideoFrameCallback(function look() {
    if (--left) return video.requestVideoFrameCallback(look);
    const small = Object.assign(document.createElement('canvas'), { width: 96, height: 54 });
    const pen = small.getContext('2d', { willReadFrequently: true });
    pen.drawImage(video, 0, 0, 96, 54);
    const rgba = pen.getImageData(0, 0, 96, 54).data;
    overlay.draw(performance.now());
    const area = overlay.area(), ratio = devicePixelRatio, paint = canvas.getContext('2d');
    const boxes = [...overlay.targets.values()].filter((each) => each.goneAt === null).map((each) => {
      const x = (area.x + each.shown[0] * area.width) * ratio;
      const y = (area.y + each.shown[1] * area.height) * ratio;
      const painted = paint.getImageData(Math.round(x) - 2, Math.round(y) - 2, 5, 5).data;
      return { box: each.shown, painted: painted.some((value, i) => i % 4 === 3 && value > 200) };
    });
    const green = [...rgba].filter((_, i) => i % 4 === 1);
    resolve(JSON.stringify({ green, boxes, height: video.videoHeight }));
  });
})"""

# Where a place in the picture is on the screen.
PLACE = """(x, y) => {
  const { overlay, canvas } = tiles.get('front'), area = overlay.area(), at = canvas.getBoundingClientRect();
  return [at.x + area.x + x * area.width, at.y + area.y + y * area.height];
}"""


async def watch(browser: Browser, daemon: EdgedProcess) -> Page:
    page = await browser.open(f"http://127.0.0.1:{daemon.http_port}/")
    await page.wait_for(PLAYS, 20, "a picture")
    return page


@cache
def truth() -> tuple[NDArray[np.float32], dict[int, list[tuple[float, ...]]]]:
    """Each picture of the clip made small, and the true boxes in it as fractions."""
    with av.open(str(STREET)) as container:
        small = [
            cv2.resize(frame.to_ndarray(format="bgr24"), SMALL, interpolation=cv2.INTER_AREA)[..., 1]
            for frame in container.decode(video=0)
        ]
        width, height = container.streams.video[0].width, container.streams.video[0].height
    boxes: dict[int, list[tuple[float, ...]]] = {}
    for line in STREET.with_suffix(".mot.txt").read_text().splitlines():
        number, _, left, top, wide, high, *_ = map(float, line.split(","))
        box = (left / width, top / height, (left + wide) / width, (top + high) / height)
        boxes.setdefault(int(number) - 1, []).append(box)
    return np.array(small, np.float32), boxes


def overlap(a: Any, b: Any) -> float:
    """Intersection over union."""
    wide, high = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    if wide <= 0 or high <= 0:
        return 0.0
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (a, b))
    return float(wide * high / (areas - wide * high))


async def test_the_camera_is_seen_at_its_rate_with_boxes_on_the_people(
    browser: Browser, daemon: EdgedProcess
) -> None:
    page = await watch(browser, daemon)
    counted = "tiles.get('front').video.getVideoPlaybackQuality().totalVideoFrames"
    before, began_s = await page.run(counted), time.monotonic()
    pictures, true_boxes = await asyncio.to_thread(truth)
    samples = []
    for number in range(24):
        if number == 8:
            await page.resize(700, 900, scale=2)  # a narrow window of fine pixels
        if number == 16:
            await page.run("choose('front')")  # large, with bars beside the picture
        samples.append(json.loads(await page.run(SAMPLE)))
    rate = (await page.run(counted) - before) / (time.monotonic() - began_s)
    assert rate == pytest.approx(25, rel=0.3)
    assert_boxes_sit(samples, pictures, true_boxes)


async def test_boxes_sit_on_the_people_after_the_picture_changes_its_size(
    tmp_path: Path, browser: Browser
) -> None:
    clips = [tmp_path / "high.mp4", tmp_path / "wide.mp4"]
    await asyncio.to_thread(cut, clips, [(640, 480), (960, 540)], 2 * 25)
    pictures, true_boxes = await asyncio.to_thread(truth)
    with (
        RtspServer({"cam": clips}, tmp_path) as camera,
        EdgedProcess(tmp_path, config({"front": f'url = "{camera.url("cam")}"'})) as daemon,
    ):
        daemon.wait_for_camera("front", state="streaming")
        page = await watch(browser, daemon)
        samples: dict[int, list[Any]] = {480: [], 540: []}
        began_s = time.monotonic()
        while min(map(boxes_in, samples.values())) < ENOUGH_BOXES and time.monotonic() - began_s < 40:
            sample = json.loads(await page.run(SAMPLE))
            samples[sample["height"]].append(sample)
        for each in samples.values():
            assert_boxes_sit(each, pictures, true_boxes)
        assert (
            await page.run("tiles.get('front').player.tries") == 0
        )  # in mid-stream: it did not connect again


def boxes_in(samples: list[Any]) -> int:
    return sum(len(sample["boxes"]) for sample in samples)


def cut(files: list[Path], sizes: list[tuple[int, int]], pictures_each: int) -> None:
    """Write the street into several files, one after the other, each in a size of its own."""
    with av.open(str(STREET)) as container:
        frames = container.decode(video=0)
        for file, (width, height) in zip(files, sizes, strict=True):
            with av.open(str(file), "w") as made:
                video = made.add_stream("libx264", rate=25, options={"preset": "ultrafast", "bf": "0"})
                video.width, video.height, video.pix_fmt = width, height, "yuv420p"
                for index, frame in enumerate(itertools.islice(frames, pictures_each)):
                    picture = frame.reformat(width, height, "yuv420p")
                    picture.pts, picture.time_base = index, Fraction(1, 25)
                    picture.pict_type = PictureType.NONE
                    made.mux(video.encode(picture))
                made.mux(video.encode(None))


def assert_boxes_sit(samples: list[Any], pictures: NDArray[np.float32], true_boxes: dict[int, Any]) -> None:
    """Compare what is drawn with what is true of the picture under it."""
    overlaps, unpainted = [], []
    for sample in samples:
        seen = np.array(sample["green"], np.float32).reshape(SMALL[::-1])
        index = int(np.abs(pictures - seen).mean(axis=(1, 2)).argmin())
        for shown in sample["boxes"]:
            if not shown["painted"]:
                unpainted.append(shown["box"])
            overlaps.append(max(overlap(shown["box"], true) for true in true_boxes[index]))
    assert len(overlaps) >= ENOUGH_BOXES
    assert len(unpainted) <= len(overlaps) / 10, unpainted  # one may have changed in this very moment
    assert float(np.median(overlaps)) > 0.6, sorted(overlaps)


async def test_boxes_move_on_as_people_do(browser: Browser, daemon: EdgedProcess) -> None:
    page = await watch(browser, daemon)
    shown = await page.run("""(() => {
      const overlay = new Overlay(document.createElement('video'), document.createElement('canvas'));
      const at = (time_s, now) => [...overlay.targets.values()].map((each) => each.at(rtpOf(time_s), now)[0]);
      const see = (time_s, x) => overlay.take({ timestamp: time_s, frame: { width: 1000, height: 1000 },
        tracks: [{ track_id: 1, bbox: [x, 100, x + 50, 200] }] });
      const seen = [];
      for (let i = 0; i < 6; i++) {
        see(1e9 + i / 5, 100 + 20 * i + (i % 2 ? 2 : -2));
        at(1e9 + i / 5, i * 200);
      }
      seen.push(...at(1e9 + 1.2, 1200));  // nothing new yet
      see(1e9 + 1.2, 220);
      see(1e9 + 1.4, 240);  // the pictures stood still meanwhile
      seen.push(...at(1e9 + 1.4, 1400));
      see(1e9 + 1.6, 290);  // it has begun to run
      seen.push(...at(1e9 + 1.6, 1600), ...at(1e9 + 1.6, 1650), ...at(1e9 + 1.6, 2600));
      seen.push(...at(1e9 + 9.6, 9600));  // nothing has come for long
      return JSON.stringify(seen);
    })()""")
    moved, caught_up, surprised, sooner, later, lost = json.loads(shown)
    assert moved == pytest.approx(0.22, abs=0.004)  # along the way of five sights, not of the jitter of two
    assert caught_up == pytest.approx(0.24, abs=0.004)  # the way it went meanwhile is no error to be smoothed
    assert 0.25 < surprised < sooner < later == pytest.approx(0.29)
    assert 0.29 < lost < 0.36  # does not walk on for ever


async def test_a_zone_is_drawn_on_the_picture(browser: Browser, daemon: EdgedProcess) -> None:
    page = await watch(browser, daemon)
    await page.resize(1000, 700)
    await page.run("choose('front')")
    await page.run("document.querySelector('.chosen .zones').click()")
    corners = [(0.2, 0.5), (0.8, 0.4), (0.9, 0.9)]
    for corner in corners:
        await page.click(*await page.run(f"({PLACE})({corner[0]}, {corner[1]})"))
    await page.click(*await page.run(f"({PLACE})({corners[1][0]}, {corners[1][1]})"), to=(40, 0))
    text = await page.run("document.querySelector('.chosen textarea').value")
    assert await page.run("large") == "front"  # a click that draws does nothing else
    zone = tomllib.loads(text)["cameras"]["front"]["zones"]["porch"]
    width = await page.run("tiles.get('front').overlay.area().width")
    corners[1] = (0.8 + 40 / width, 0.4)
    drawn = ZoneSettings.model_validate(zone).polygon
    assert np.array(drawn) == pytest.approx(np.array(corners), abs=0.005)
    await page.press("Escape")
    assert await page.run("document.querySelector('.chosen .editor').hidden && large") == "front"
    await page.press("Escape")
    assert await page.run("large") is None


async def test_nothing_of_what_is_said_below_a_picture_is_cut_off(
    browser: Browser, daemon: EdgedProcess
) -> None:
    page = await watch(browser, daemon)
    await page.resize(600, 700)
    text, *cut = json.loads(
        await page.run("""(() => {
      const tile = tiles.get('front'), { facts, element } = tile;
      Object.assign(tile.camera, { viewers: 12, fps_detected: 5,
        live: 'as the camera sends it; encoded again: medium, low' });
      tile.tick(1);
      const edges = [facts, element].map((each) => each.getBoundingClientRect());
      return JSON.stringify([facts.textContent, facts.scrollWidth > facts.clientWidth,
        edges[0].right > edges[1].right, edges[0].bottom > edges[1].bottom]);
    })()""")
    )
    assert text.endswith("12 viewers · detecting 5/s · encoded again: medium, low")
    assert cut == [False, False, False]


async def test_leaving_frees_everything(browser: Browser, daemon: EdgedProcess) -> None:
    first = await watch(browser, daemon)
    second = await watch(browser, daemon)
    await until(lambda: daemon.camera("front")["viewers"] >= 1, 5, "viewers")
    await second.close()
    await first.run("location.href = 'about:blank'")
    await until(lambda: daemon.camera("front")["viewers"] == 0, 15, "everybody has left")
    await first.close()


async def test_detection_is_switched_on_the_page(browser: Browser, daemon: EdgedProcess) -> None:
    page = await watch(browser, daemon)
    for wanted in (False, True):
        await page.run("document.querySelector('.detect').click()")
        await page.wait_for(
            f"document.querySelector('.detect').getAttribute('aria-pressed') === '{wanted}'.toLowerCase()",
            5,
            "the button shows it",
        )
        assert daemon.camera("front")["detect"] is wanted
    await page.close()


async def test_the_page_comes_back_after_a_restart_of_the_daemon(
    tmp_path: Path, browser: Browser, street: RtspServer
) -> None:
    cameras = {"front": f'url = "{street.url("cam")}"', "gate": 'url = "rtsp://127.0.0.1:1/x"'}
    banner, counts_down = "document.getElementById('banner')", "document.body.innerText.includes('next try')"
    with EdgedProcess(tmp_path, config(cameras)) as daemon:
        page = await watch(browser, daemon)
        await page.wait_for(counts_down, 20, "a camera that is down is tried again")
        daemon.stop()
        await page.wait_for(f"!{banner}.hidden", 10, "the page says that it is alone")
        assert not await page.run(counts_down)  # nobody tries while the box is away
        daemon.start()
        await page.wait_for(f"{banner}.hidden && {PLAYS}", 20, "the picture is back")


async def test_a_wrong_token_is_said_and_the_right_one_opens(
    tmp_path: Path, browser: Browser, street: RtspServer
) -> None:
    zone = "[cameras.front.zones.porch]\npolygon = [[0.1, 0.1], [0.9, 0.1], [0.5, 0.9]]"
    cameras = {"front": f'url = "{street.url("cam")}"\n{zone}', "gate": 'url = "rtsp://127.0.0.1:1/x"'}
    with EdgedProcess(tmp_path, config(cameras), environ={"EDGED_HTTP__TOKEN": TOKEN}) as daemon:
        page = await browser.open(f"http://127.0.0.1:{daemon.http_port}/")
        await page.wait_for("document.getElementById('login').open", 5, "the page asks for the token")
        fill = (
            "document.getElementById('token').value = '{}'; document.querySelector('#login button').click()"
        )
        await page.run(fill.format("nonsense"))
        await page.wait_for("document.body.innerText.includes('Wrong token')", 5, "it says so")
        await page.run(fill.format(TOKEN))
        await page.wait_for(PLAYS, 20, "a picture")
        await page.wait_for(
            "document.querySelector('[data-camera=gate]').innerText.includes('connection refused')",
            5,
            "the reason why a camera is down",
        )
        assert await page.run("tiles.get('front').overlay.zones[0].name") == "porch"
        assert not [line for line in page.console if "exceptionThrown" in line]
