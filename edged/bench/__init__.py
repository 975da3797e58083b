"""What this box carries: the floor, what the daemon costs above it, and so how many cameras."""

from edged.bench.command import bench

__all__ = ["bench"]
