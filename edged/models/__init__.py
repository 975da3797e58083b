"""Models that are known to work, and how to get them onto the box."""
