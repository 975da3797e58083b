"""Every error that edged raises on purpose.

EdgedError
├── ConfigError     the configuration is wrong; the daemon does not start (exit 78)
├── CaptureError    a camera cannot be opened or read
├── ModelError      a model file cannot be used
├── PullError       a model file cannot be fetched or put in its place
├── BrokerError     the MQTT broker refuses us
├── ListenError     an address cannot be listened on
├── ControlError    the daemon does not do what it is asked
├── SetupError      the guided start cannot go on
├── BenchError      a measurement cannot be made
└── DemoError       the demo cannot go on

The text of each is one line for a person: what is wrong, where, and what to do about it.
"""

from __future__ import annotations

from enum import Enum


class EdgedError(Exception):
    """Base of all errors that are reported as a plain line and never as a traceback."""


class ConfigError(EdgedError):
    """The configuration is wrong; ``problems`` holds one line for each thing to mend."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class CaptureFault(Enum):
    """Why a camera cannot be had, as far as it decides when to try again."""

    UNREACHABLE = "unreachable"
    REFUSED = "refused"  # wrong password or no such stream: trying soon will not help
    SILENT = "silent"
    BROKEN = "broken"


class CaptureError(EdgedError):
    """A camera cannot be opened or read; ``fault`` says of what kind the trouble is."""

    def __init__(self, text: str, fault: CaptureFault = CaptureFault.UNREACHABLE) -> None:
        super().__init__(text)
        self.fault = fault


class ModelError(EdgedError):
    """A model file cannot be used."""


class PullError(EdgedError):
    """A model file cannot be fetched or put in its place."""


class BrokerError(EdgedError):
    """The MQTT broker cannot be reached or refuses us."""


class ListenError(EdgedError):
    """An address cannot be listened on."""


class ControlError(EdgedError):
    """The daemon does not do what it is asked."""


class SetupError(EdgedError):
    """The guided start cannot go on."""


class BenchError(EdgedError):
    """A measurement cannot be made."""


class DemoError(EdgedError):
    """The demo cannot go on; what the part at fault said last follows, a line each."""
