"""Which hardware decoder is used: one that has just decoded a picture in a child process, or none."""

from __future__ import annotations

import functools
import logging
import subprocess
import sys
import threading

from av.codec import Codec, codecs_available
from av.codec.hwaccel import hwdevices_available

from edged.capture.decoder import SOFTWARE

_log = logging.getLogger(__name__)

PROBE_TIMEOUT_S = 15.0
_one_at_a_time = threading.Lock()


def choose_hardware(codec: str, wish: str) -> str:
    """Return the hardware to decode ``codec`` with; software, and a logged reason, where the wish fails."""
    if wish == "none":
        return SOFTWARE
    with _one_at_a_time:  # all cameras start at once, and one answer is good for all of them
        return _first_that_works(codec, wish)


def _first_that_works(codec: str, wish: str) -> str:
    reasons = []
    for device in _candidates(codec) if wish == "auto" else [wish]:
        reason = probe_hardware(codec, device)
        if reason is None:
            return device
        reasons.append(f"{device}: {reason}")
    _log_fallback(codec, wish, "; ".join(reasons) or "there is none")
    return SOFTWARE


@functools.cache
def probe_hardware(codec: str, device: str) -> str | None:
    """Return why ``device`` cannot decode ``codec`` here, or None if it can; asked once per process.

    In a child process, because a driver that is half installed may abort instead of failing.
    """
    if device == "vaapi" and device not in hwdevices_available():
        return "the PyAV wheels have no VAAPI"
    command = [sys.executable, "-m", "edged.capture.hwprobe", codec, device]
    try:
        probe = subprocess.run(command, capture_output=True, text=True, timeout=PROBE_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        return f"no picture within {PROBE_TIMEOUT_S:g} s"
    if probe.returncode == 0:
        return None
    lines = probe.stderr.strip().splitlines()
    return lines[-1] if lines else f"the driver crashed (exit {probe.returncode})"


def _candidates(codec: str) -> list[str]:
    """What FFmpeg could decode ``codec`` with, as far as can be said without trying it."""
    devices = {configuration.device_type.name for configuration in Codec(codec, "r").hardware_configs}
    wrappers = [name for name in ("v4l2m2m", "rkmpp") if f"{codec}_{name}" in codecs_available]
    return [name for name in hwdevices_available() if name in devices] + wrappers


@functools.cache
def _log_fallback(codec: str, wish: str, reasons: str) -> None:
    _log.warning("decoding %s in software: hardware %r does not work here (%s)", codec, wish, reasons)
