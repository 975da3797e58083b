"""HTTP: the live page and its WebRTC, health for a monitor, metrics for Prometheus."""

from edged.serve.site import Box, Site

__all__ = ["Box", "Site"]
