"""Whoever is slow must not take all hands: queues of a process, or channels, share what it can do at once. Pure."""

from __future__ import annotations

import math
from collections import Counter

SPARE = 4
"""One hand of so many is kept for those that have less than their share."""


def kept_free(hands: int, of: int) -> int:
    """Hands that nobody takes who has his share already. `of`: those that share them; one alone needs none."""
    return max(1, hands // SPARE) if of > 1 and hands > 1 else 0


def crowded(at_work: Counter[str], hands: int, of: int) -> frozenset[str]:
    """Those that have their share, when few hands are free: they wait while the others do not."""
    spare = kept_free(hands, of)
    if not spare or hands - at_work.total() > spare:
        return frozenset()
    share = math.ceil((hands - spare) / of)
    waiting = frozenset(name for name, count in at_work.items() if count >= share)
    return waiting if len(waiting) < of else frozenset()  # where all have theirs, nobody is waited for
