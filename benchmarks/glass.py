"""From glass to glass: how old is the picture that a browser shows, and how soon is there one.

    python -m benchmarks.glass [--seconds 15] [--clicks 10]

A camera burns the time into each picture; the live page reads it back when the picture is on the screen, by
the same clock. Needs: apt-get install chromium, and what the RTSP server of the tests needs.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.webrtc import MODEL
from tests.parts.browser import Browser
from tests.parts.daemon import EdgedProcess

if TYPE_CHECKING:
    from tests.parts.browser import Page

CAMERA = Path(__file__).with_name("glass_camera.py")
CONFIG = """
[mqtt]
enabled = false
[model]
file = "{model}"
[detect]
enabled = {detect}
[cameras.cam]
url = "rtsp://127.0.0.1:{port}/cam"
"""
# Reads the blocks of benchmarks/glass_camera.py out of each picture when it is presented.
READ = """new Promise((resolve) => {
  const { video } = tiles.get('cam'), ages = [];
  const canvas = Object.assign(document.createElement('canvas'), { width: 1152, height: 24 });
  const pen = canvas.getContext('2d', { willReadFrequently: true });
  const until = performance.now() + SECONDS * 1000;
  const look = (now, facts) => {
    pen.drawImage(video, 0, 0, 1152, 24, 0, 0, 1152, 24);
    const rgba = pen.getImageData(0, 12, 1152, 1).data;
    let time = 0;
    for (let bit = 47; bit >= 0; bit--) time = time * 2 + (rgba[(bit * 24 + 12) * 4 + 1] > 128 ? 1 : 0);
    const shown = performance.timeOrigin + facts.expectedDisplayTime;
    ages.push(shown - time);
    if (performance.now() < until) video.requestVideoFrameCallback(look);
    else resolve(JSON.stringify(ages));
  };
  video.requestVideoFrameCallback(look);
})"""
CLICK = """new Promise((resolve) => {
  const { player } = tiles.get('cam');
  player.want(false);
  setTimeout(() => {
    player.want(true);
    const look = () => player.firstFrame_ms === null ? setTimeout(look, 5) : resolve(player.firstFrame_ms);
    look();
  }, 700 + Math.random() * 1500);
})"""
PLAYS = "tiles.get('cam')?.player.fps > 0"


async def measure(folder: Path, port: int, seconds: float, clicks: int, *, detect: bool) -> None:
    """Measure with detection at its full rate or without, and print."""
    config = CONFIG.format(model=MODEL, port=port, detect=str(detect).lower())
    with EdgedProcess(folder, config) as daemon:
        daemon.wait_for_camera("cam", state="streaming", timeout_s=40)
        async with Browser(folder / f"browser-{detect}") as browser:
            page = await browser.open(f"http://127.0.0.1:{daemon.http_port}/")
            await page.wait_for(PLAYS, 20, "a picture")
            await asyncio.sleep(3)
            ages = json.loads(await page.run(READ.replace("SECONDS", str(seconds))))
            first = [await click(page) for _ in range(clicks)]
    name = "with detection" if detect else "without detection"
    show(f"{name}: glass to glass", ages)
    show(f"{name}: click to first picture", first)


async def click(page: Page) -> float:
    """Leave and come back somewhere in the group of pictures; milliseconds to the first picture."""
    milliseconds: float = await page.run(CLICK)
    return milliseconds


def show(name: str, values: list[float]) -> None:
    """Print median and 95th percentile."""
    ordered = sorted(values)
    p95 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]
    print(
        f"{name:44} median {statistics.median(ordered):6.1f} ms  p95 {p95:6.1f} ms  ({len(ordered)})",
        flush=True,
    )


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--clicks", type=int, default=10)
    options = parser.parse_args()
    camera = subprocess.Popen(["/usr/bin/python3", str(CAMERA)], stdout=subprocess.PIPE, text=True)
    try:
        assert camera.stdout
        port = int(camera.stdout.readline())
        for detect in (False, True):
            with tempfile.TemporaryDirectory(dir=Path.cwd()) as name:
                work = measure(Path(name), port, options.seconds, options.clicks, detect=detect)
                asyncio.run(work)
    finally:
        camera.kill()
        camera.wait()


if __name__ == "__main__":
    main()
