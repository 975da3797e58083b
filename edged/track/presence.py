"""Who counts as being there: a label stays for a while after the last of its kind has gone."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from edged.core.types import Presence

if TYPE_CHECKING:
    from collections.abc import Iterable


class Hold:
    """Keeps labels present for ``hold_s`` after their last sight, so that a missed one has not left."""

    def __init__(self, hold_s: float) -> None:
        self._hold_s = hold_s
        self._until_s: dict[str, float] = {}

    def presence(self, sights: Iterable[tuple[str, float]], at_s: float) -> Presence:
        """Say who is there at ``at_s``, from the label and the time of the last sight of each who is."""
        counts: Counter[str] = Counter()
        for label, seen_s in sights:
            counts[label] += 1
            self._until_s[label] = max(seen_s + self._hold_s, self._until_s.get(label, seen_s))
        self._until_s = {
            label: until_s for label, until_s in self._until_s.items() if label in counts or at_s < until_s
        }
        return Presence(dict(counts), frozenset(self._until_s))
