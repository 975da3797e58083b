"""HTTP: health for a monitor, metrics for Prometheus."""

from edged.serve.site import Site

__all__ = ["Site"]
