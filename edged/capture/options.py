"""How one connection to a camera is made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from edged.core.redact import redact

Transport = Literal["tcp", "udp"]


@dataclass(frozen=True, slots=True)
class CaptureOptions:
    """Everything that makes a connection what it is: equal options can share one."""

    url: str
    transport: Transport = "tcp"
    open_timeout_s: float = 10.0
    read_timeout_s: float = 10.0
    frozen_after_s: float = 60.0  # 0: never
    hardware: str = "none"  # "none", "auto" or the name of a device

    def __repr__(self) -> str:
        return (
            f"CaptureOptions(url={redact(self.url)!r}, transport={self.transport!r}, "
            f"open_timeout_s={self.open_timeout_s}, read_timeout_s={self.read_timeout_s}, "
            f"frozen_after_s={self.frozen_after_s}, hardware={self.hardware!r})"
        )
