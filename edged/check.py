"""What ``edged check --probe`` does: tries whatever the configuration names."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from edged.camera import capture_options
from edged.capture import KEY_FRAMES_WITHIN_S, probe
from edged.core.errors import EdgedError
from edged.detect import check_model, report_lines
from edged.pipeline import model_options
from edged.publish import address, probe_broker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from edged.capture import CaptureOptions, ProbeReport
    from edged.config import CameraSettings, Settings

PROBE_S = 5.0
PROBES_AT_ONCE = 4


def probe_everything(settings: Settings, say: Callable[[str], None]) -> bool:
    """Try the model, the broker and every camera; whether all of them answered.

    ``say`` is given one line after the other, as each is known.
    """
    is_well = _say_model(settings, say)
    is_well &= _say_broker(settings, say)
    cameras = list(_addresses(settings))
    with ThreadPoolExecutor(PROBES_AT_ONCE) as pool:
        for name, result in zip(
            (name for name, _ in cameras),
            pool.map(_probe_camera, (options for _, options in cameras)),
            strict=True,
        ):
            is_well &= not isinstance(result, EdgedError)
            for line in camera_lines(name, result):
                say(line)
    return is_well


def _say_model(settings: Settings, say: Callable[[str], None]) -> bool:
    try:
        report = check_model(model_options(settings.model))
    except EdgedError as error:
        say(f"model: {error}")
        return False
    for line in report_lines(report):
        say(f"model: {line}")
    return True


def _say_broker(settings: Settings, say: Callable[[str], None]) -> bool:
    if not settings.mqtt.enabled:
        say("broker: switched off in the configuration")
        return True
    try:
        protocol = probe_broker(settings.mqtt)
    except EdgedError as error:
        say(f"broker: {error}")
        return False
    say(f"broker: {address(settings.mqtt)} speaks {protocol.value}")
    return True


def _addresses(settings: Settings) -> Iterator[tuple[str, CaptureOptions]]:
    """List every address of every camera that is switched on, the substream too."""
    for camera_id, camera in settings.cameras.items():
        if camera.enabled:
            yield f"camera {camera_id}", capture_options(_main_only(camera))
            if camera.detect_url:
                yield f"camera {camera_id}, detect_url", capture_options(camera)


def _main_only(camera: CameraSettings) -> CameraSettings:
    return camera.model_copy(update={"detect_url": None})


def _probe_camera(options: CaptureOptions) -> ProbeReport | EdgedError:
    try:
        return probe(options, PROBE_S)
    except EdgedError as error:
        return error


def camera_lines(name: str, result: ProbeReport | EdgedError) -> list[str]:
    """Say what a camera sends, or what is in the way."""
    if isinstance(result, EdgedError):
        return [f"{name}: {result}"]
    stream = result.stream
    facts = [
        f"{stream.codec} {stream.profile}".strip(),
        str(stream.size),
        f"{result.fps_measured:.1f} fps",
        f"{result.bit_rate_kbps:.0f} kbit/s",
        _key_frames(result),
        "B-frames" if result.has_b_frames else "no B-frames",
        f"decoded by {result.decoder}",
        f"first picture after {result.first_picture_s:.1f} s",
    ]
    browser = f"no: {result.browser_obstacle}" if result.browser_obstacle else "yes"
    return [f"{name}: {', '.join(facts)}", f"{name}: can be sent to a browser unchanged: {browser}"]


def _key_frames(report: ProbeReport) -> str:
    interval_s = report.key_frame_interval_s
    if interval_s is None:
        return f"key frames more than {KEY_FRAMES_WITHIN_S:g} s apart"
    if interval_s * report.fps_measured < 1.5:  # noqa: PLR2004 - pictures, as measured
        return "every picture a key frame"
    return f"a key frame every {interval_s:.1f} s"
