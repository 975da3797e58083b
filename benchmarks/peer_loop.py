"""The peer of ``benchmarks.peer``: ultralytics' own tracking loop. Run by the Python of the peer's venv.

    python peer_loop.py MODEL CLIP

For each line on stdin (a number of frames) it tracks so many more frames and answers with the CPU seconds
that they took, and the tracks seen.
"""

from __future__ import annotations

import itertools
import sys
import time
import types
from typing import Any

LABELS = [0, 1, 2, 3, 5, 7]  # person, bicycle, car, motorcycle, bus, truck


def stand_in_for_torchvision() -> None:
    """Where torchvision cannot be imported beside a CPU build of torch, use ultralytics' own NMS."""
    try:
        import torchvision  # noqa: F401, PLC0415
    except (ImportError, RuntimeError):
        from ultralytics.utils.nms import TorchNMS  # noqa: PLC0415

        module: Any = types.ModuleType("torchvision")
        module.ops = types.SimpleNamespace(nms=TorchNMS.nms)
        sys.modules["torchvision"] = module


def main(model: str, clip: str) -> None:
    """Answer until stdin ends."""
    from ultralytics import YOLO  # noqa: PLC0415 - not in the environment that the types are checked in

    stand_in_for_torchvision()
    detector = YOLO(model, task="detect")
    options = {"tracker": "bytetrack.yaml", "classes": LABELS, "verbose": False}
    results = itertools.chain.from_iterable(
        detector.track(clip, stream=True, persist=True, **options) for _ in itertools.count()
    )
    for line in sys.stdin:
        begun_s = time.process_time()
        tracks = sum(len(result.boxes) for result in itertools.islice(results, int(line)))
        print("edged-peer", time.process_time() - begun_s, tracks, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
