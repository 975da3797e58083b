"""The command line of ``edged ctl``; it loads nothing that only an answer needs."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING

from edged.control import verbs

if TYPE_CHECKING:
    import argparse

    from edged.control.client import ControlClient

    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001 - argparse has no public name


def add_verbs(commands: Subparsers, common: argparse.ArgumentParser) -> None:
    """Add a subcommand for each verb; ``common`` has the options that all of them take."""

    def add(name: str, text: str, function: str) -> argparse.ArgumentParser:
        parser = commands.add_parser(name, help=text, description=text, parents=[common])
        parser.set_defaults(run=_Late(function))
        return parser

    add("status", verbs.STATUS.help, "status")
    add("watch", verbs.WATCH.help, "watch")
    logs = add("logs", verbs.LOGS.help, "logs")
    logs.add_argument("-n", "--lines", type=int, default=100, metavar="N", help="default: %(default)s")
    logs.add_argument("-f", "--follow", action="store_true", help="go on with what comes")
    logs.add_argument("--level", choices=("debug", "info", "warning", "error"), default="debug")
    camera = add("camera", "enable, disable or restart a camera", "camera")
    camera.add_argument("action", choices=("enable", "disable", "restart"))
    camera.add_argument("camera")
    detect = add("detect", verbs.DETECT.help, "detect")
    detect.add_argument("camera")
    detect.add_argument("value", choices=("on", "off"))
    setting = add("set", "set a camera's confidence, fps or quality", "set_")
    setting.add_argument("camera")
    setting.add_argument("setting", choices=verbs.SETTINGS)
    setting.add_argument("value")
    snapshot = add("snapshot", verbs.SNAPSHOT.help, "snapshot")
    snapshot.add_argument("camera")
    snapshot.add_argument("file", type=Path, nargs="?", help="default: CAMERA.jpg; - is the standard output")
    snapshot.add_argument("--zones", action="store_true", help="with the camera's zones, lines and regions")
    snapshot.add_argument("--no-boxes", action="store_true", help="without what was detected")
    add("preview", "the picture of now, here in the terminal", "preview").add_argument("camera")
    for verb in (verbs.RELOAD, verbs.MODEL, verbs.SYSTEM, verbs.CONFIG, verbs.VERSION):
        add(verb.name, verb.help, "plain").set_defaults(verb=verb)
    diagnostics = add("diagnostics", verbs.DIAGNOSTICS.help, "diagnostics")
    diagnostics.add_argument("file", type=Path, nargs="?", default=Path("edged-diagnostics.tar.gz"))


class _Late:
    """A function of ``edged.control.ctl`` that is looked up when it is called."""

    def __init__(self, name: str) -> None:
        self.name = name

    async def __call__(self, client: ControlClient, options: argparse.Namespace) -> None:
        """Ask and print."""
        await getattr(importlib.import_module("edged.control.ctl"), self.name)(client, options)
