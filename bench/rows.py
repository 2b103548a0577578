"""What a measurement says: one line of the table."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scale:
    """How much is measured. Every figure is a median of `rounds`, taken in turns with what it is compared to."""

    rounds: int
    seconds: float
    """Of one load phase."""
    turns: int
    """Of one phase of whole turns."""
    notes: int
    """Voice replies of one phase."""
    conversations: int
    """In the large database."""
    store_turns: int = 640
    """Of one lap of a store alone."""
    sizes: Sequence[int] = (10_000, 100_000, 1_000_000)
    """Conversations in the databases whose turns are compared."""
    held_turns: int = 24_000
    """Behind a forgotten transaction."""
    step_seconds: float = 6.0
    """Of each rate of a rising load."""


FULL = Scale(rounds=5, seconds=1.2, turns=250, notes=40, conversations=100_000)
QUICK = Scale(1, 0.4, 60, 8, 2_000, store_turns=256, sizes=(2_000, 20_000), held_turns=3_200, step_seconds=1.5)


@dataclass(frozen=True, slots=True)
class Row:
    what: str
    found: str
    target: str = ""
    """Its number and what is wanted; empty where the figure is only for comparison."""
    met: bool | None = None


class NotMeasured(Exception):
    """Something that a measurement needs is not on this machine; the text says what."""


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def at(quantile: float, values: Sequence[float]) -> float:
    """The value below which `quantile` (0 to 1) of them lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(quantile * len(ordered)))]
