"""The command ``edged``: reads its arguments and hands over; imports only what the command needs."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from edged import __version__
from edged.core import log as logs
from edged.core.errors import ConfigError, EdgedError, ModelError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

EXIT_FINE = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
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
    print(f"edged: {text}", file=sys.stderr)  # noqa: T201 - what a command line says


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
    bench.add_argument("--seconds", type=float, default=30.0, metavar="N", help="default: %(default)g")
    bench.add_argument("--json", action="store_true", help="for scripts")
    bench.set_defaults(command=_bench)

    models = commands.add_parser("models", help="about model files")
    verbs = models.add_subparsers(title="verbs", required=True, metavar="VERB")
    model_check = verbs.add_parser("check", help="say what an ONNX file is and how fast it runs here")
    model_check.add_argument("file", type=Path)
    model_check.add_argument("--labels", type=Path, help="one label a line, where the file names none")
    model_check.add_argument("--json", action="store_true", help="for scripts")
    model_check.set_defaults(command=_check_model)
    return parser


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

    async def serve() -> None:
        await Daemon(options.config, settings).run()

    try:
        asyncio.run(serve())
    except ModelError as error:
        raise ConfigError([str(error)]) from None
    _leave(EXIT_FINE)
    return EXIT_FINE


def _leave(code: int) -> None:
    """End at once: a thread that FFmpeg or a resolver still holds must not hold up the end of the process."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


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


def _bench(options: argparse.Namespace) -> int:
    from edged.bench import bench

    logs.set_up("error")
    config = options.config or (DEFAULT_CONFIG if DEFAULT_CONFIG.exists() else None)
    bench(config, options.seconds, as_json=options.json)
    return EXIT_FINE
