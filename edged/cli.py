"""The command ``edged``: reads its arguments and hands over; imports only what the command needs."""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from edged import __version__
from edged.control.address import default_socket
from edged.control.arguments import add_verbs
from edged.core import log as logs
from edged.core.errors import ConfigError, EdgedError, ModelError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

EXIT_FINE = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_RESTART = 75  # EX_TEMPFAIL: a restart was asked for, and the unit tells systemd to do it
EXIT_CONFIG = 78  # EX_CONFIG of sysexits.h: the unit tells systemd not to try again

DEFAULT_CONFIG = Path("/etc/edged.toml")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; what goes wrong is a plain line on stderr."""
    options = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = options.command
    try:
        return command(options)
    except ConfigError as error:
        for problem in error.problems:
            _complain(problem)
        return EXIT_CONFIG
    except EdgedError as error:
        _complain(str(error))
        return EXIT_FAILED
    except BrokenPipeError:
        # Whoever read our output has heard enough; Python must not complain of it on its way out.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILED
    except KeyboardInterrupt:
        return EXIT_FAILED


def _complain(text: str) -> None:
    priority = "<3>" if "JOURNAL_STREAM" in os.environ else ""
    print(f"{priority}edged: {text}", file=sys.stderr)  # noqa: T201 - what a command line says


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - what a command line says


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="edged", description="Cameras in; tracks, events and health of people and vehicles out."
    )
    parser.add_argument("--version", action="version", version=f"edged {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    run = commands.add_parser("run", help="the daemon, in the foreground")
    _add_config(run)
    run.set_defaults(command=_run)

    demo = commands.add_parser("demo", help="everything at work, with sample cameras and a broker of its own")
    demo.add_argument(
        "--seconds",
        type=_seconds,
        default=math.inf,
        metavar="N",
        help="end after N seconds at work, with exit code 1 if nobody was followed",
    )
    demo.add_argument("--no-tui", action="store_true", help="a summary instead of the console")
    demo.set_defaults(command=_demo)

    check = commands.add_parser("check", help="say everything that is wrong with the configuration")
    _add_config(check)
    check.add_argument("--probe", action="store_true", help="also try the model, the broker and every camera")
    check.set_defaults(command=_check)

    bench = commands.add_parser("bench", help="say how many cameras this box carries")
    bench.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help=f"measure its cameras; default: {DEFAULT_CONFIG} where there is one, else a sample",
    )
    bench.add_argument("--seconds", type=_seconds, default=30.0, metavar="N", help="default: %(default)g")
    bench.add_argument("--json", action="store_true", help="for scripts")
    bench.set_defaults(command=_bench)

    _add_models(commands)
    _add_clients(commands)
    return parser


def _add_clients(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    with_socket = argparse.ArgumentParser(add_help=False)
    with_socket.add_argument(
        "--socket", type=Path, default=default_socket(), metavar="PATH", help="default: %(default)s"
    )
    for_scripts = argparse.ArgumentParser(add_help=False, parents=[with_socket])
    for_scripts.add_argument("--json", action="store_true", help="for scripts")
    ctl = commands.add_parser("ctl", help="ask the daemon something, or have it do something")
    add_verbs(ctl.add_subparsers(title="verbs", required=True, metavar="VERB"), for_scripts)
    ctl.set_defaults(command=_ctl)

    tui = commands.add_parser("tui", help="the console", parents=[with_socket])
    tui.set_defaults(command=_tui)

    setup = commands.add_parser("setup", help="a guided start: writes a configuration, trying everything")
    _add_config(setup)
    setup.add_argument("--yes", action="store_true", help="ask nothing, take the defaults; for scripts")
    setup.add_argument(
        "--camera", action="append", default=[], metavar="ID=URL", help="a camera; may be given again"
    )
    setup.add_argument("--broker", metavar="HOST[:PORT]", help="the MQTT broker")
    setup.add_argument(
        "--model", metavar="NAME|FILE", help="a known model, fetched if need be; or an ONNX file"
    )
    setup.set_defaults(command=_setup)

    completion = commands.add_parser("completion", help="print what makes a shell complete these commands")
    completion.add_argument("shell", choices=("bash", "zsh"))
    completion.set_defaults(command=_completion)


def _add_models(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    models = commands.add_parser("models", help="about model files")
    verbs = models.add_subparsers(title="verbs", required=True, metavar="VERB")

    listing = verbs.add_parser("list", help="the models that edged knows, and how to bring others")
    listing.add_argument("--json", action="store_true", help="for scripts")
    listing.set_defaults(command=_list_models)

    check = verbs.add_parser("check", help="say what an ONNX file is and how fast it runs here")
    check.add_argument("file", type=Path)
    check.add_argument("--labels", type=Path, help="one label a line, where the file names none")
    check.add_argument("--json", action="store_true", help="for scripts")
    check.set_defaults(command=_check_model)

    pull = verbs.add_parser("pull", help="get a known model, verified")
    pull.add_argument("model", type=_pullable, metavar="NAME", help="as `edged models list` has it")
    pull.add_argument(
        "--from",
        dest="source",
        metavar="URL|FILE",
        help="a mirror, or a file brought by hand; default: its makers",
    )
    pull.add_argument(
        "--to",
        type=Path,
        metavar="FILE|FOLDER",
        help="default: NAME.onnx below models/ in the state folder; for the service: below /var/lib/edged",
    )
    pull.add_argument("--sha256", type=_sha256, metavar="DIGEST", help="refuse any other file")
    pull.set_defaults(command=_pull_model)


def _pullable(name: str) -> str:
    from edged.models.known import pullable_model

    try:
        return pullable_model(name).name
    except LookupError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _sha256(text: str) -> str:
    if not re.fullmatch(r"[0-9a-fA-F]{64}", text):
        msg = "64 hexadecimal digits are expected, as sha256sum prints them"
        raise argparse.ArgumentTypeError(msg)
    return text.lower()


def _seconds(text: str) -> float:
    value = float(text)
    if not value > 0:
        raise ValueError
    return value


def _add_config(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--config", type=Path, default=DEFAULT_CONFIG, metavar="FILE", help="default: %(default)s"
    )


def _run(options: argparse.Namespace) -> int:
    from edged.config import load

    logs.set_up("info")
    settings = load(options.config)
    logs.set_up(settings.log.level)

    from edged.app import Daemon

    async def serve() -> NoReturn:
        daemon = Daemon(options.config, settings)
        await daemon.run()
        _leave(EXIT_RESTART if daemon.wants_restart else EXIT_FINE)

    try:
        asyncio.run(serve())
    except ModelError as error:
        raise ConfigError([str(error)]) from None


def _leave(code: int) -> NoReturn:
    """End at once: a thread that FFmpeg, a resolver or a large model holds must not hold up the end.

    So this is called inside the loop, which would wait for its threads when it is closed.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _demo(options: argparse.Namespace) -> int:
    from edged.demo.lines import PlainLines, say, summary
    from edged.demo.run import Demo, View

    view: View = PlainLines()
    if sys.stdout.isatty() and os.environ.get("TERM") != "dumb":
        from edged.demo.console import ConsoleView
        from edged.demo.screen import LiveScreen

        view = ConsoleView() if sys.stdin.isatty() and not options.no_tui else LiveScreen()
    for line in summary(Demo(options.seconds, view).run()):
        say(line)
    return EXIT_FINE


def _ctl(options: argparse.Namespace) -> int:
    from edged.control.ctl import run

    return run(options)


def _tui(options: argparse.Namespace) -> int:
    # For a terminal at the other end of a slow line; Textual reads them when it is imported.
    os.environ.setdefault("TEXTUAL_FPS", "10")
    os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")
    os.environ.setdefault("TEXTUAL_SMOOTH_SCROLL", "0")

    from edged.tui.app import main

    main(options.socket)
    return EXIT_FINE


def _setup(options: argparse.Namespace) -> int:
    from edged.core.errors import SetupError
    from edged.setup import Answers, Talk, guide, parse_cameras
    from edged.setup.broker import parsed

    if not options.yes and not sys.stdin.isatty():
        msg = "there is nobody to ask: say --yes, and give --camera, --broker and --model"
        raise SetupError(msg)
    logs.set_up("error")
    broker = parsed(options.broker) if options.broker else None
    answers = Answers(parse_cameras(options.camera), broker, options.model)
    talk = Talk.with_nobody() if options.yes else Talk()
    return EXIT_FINE if guide(options.config, answers, talk) else EXIT_FAILED


def _completion(options: argparse.Namespace) -> int:
    import shtab

    _say(shtab.complete(_parser(), shell=options.shell))
    return EXIT_FINE


def _check(options: argparse.Namespace) -> int:
    from edged.config import load

    settings = load(options.config)
    cameras = len(settings.cameras)
    _say(f"{options.config}: right; {cameras} camera{'s' if cameras != 1 else ''}")
    if not options.probe:
        return EXIT_FINE

    from edged.check import probe_everything

    logs.set_up("error")
    return EXIT_FINE if probe_everything(settings, _say) else EXIT_FAILED


def _check_model(options: argparse.Namespace) -> int:
    from edged.detect import ModelOptions, check_model, report_json, report_lines

    report = check_model(ModelOptions(options.file, options.labels))
    if options.json:
        _say(json.dumps(report_json(report), indent=2))
    else:
        for line in report_lines(report):
            _say(line)
    return EXIT_FINE


def _list_models(options: argparse.Namespace) -> int:
    from edged.models.known import KNOWN
    from edged.models.listing import models_json, show_models

    if options.json:
        _say(json.dumps(models_json(KNOWN), indent=2, ensure_ascii=False))
    else:
        show_models(KNOWN, sys.stdout)
    return EXIT_FINE


def _pull_model(options: argparse.Namespace) -> int:
    from edged.models.known import known_model
    from edged.models.progress import watched
    from edged.models.pull import pull

    model = known_model(options.model)
    destination: Path = (options.to or model.file).absolute()
    if destination.is_dir():
        destination /= model.file.name
    with watched(model.name, sys.stderr) as watcher:
        report = pull(
            str(options.source or model.url),
            destination,
            watcher=watcher,
            sha256=options.sha256 or model.sha256,
        )
    _say(
        f"{model.name} is at {destination}: {report.size_bytes / 1e6:.1f} MB, {report.layout}, "
        f"{report.input_size}, {len(report.labels)} classes, {report.inference_ms:.1f} ms a picture here"
    )
    _say(f"sha256 {report.sha256}")
    _say(f"In the configuration:\n\n[model]\nfile = {json.dumps(str(destination), ensure_ascii=False)}")
    return EXIT_FINE


def _bench(options: argparse.Namespace) -> int:
    from edged.bench import bench

    logs.set_up("error")
    config = options.config or (DEFAULT_CONFIG if DEFAULT_CONFIG.exists() else None)
    bench(config, options.seconds, as_json=options.json)
    return EXIT_FINE
