"""Patterns for answers, and how long the worst answer may keep one busy. Pure.

A pattern is tried by backtracking, so one like `(a+)+` can keep a server busy for years over one message. The ways in
which a pattern can be tried are counted at load, for an answer of `LONGEST` characters; more than `MOST` are an error,
and so are lookarounds and references back, which nothing bounds.
"""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass

LONGEST = 200
"""Characters of an answer that a pattern is tried on; a longer one does not fit."""
MOST = 8_000_000
"""Three free repeats in a row: at most LONGEST³/6 steps, as they share the characters."""

_REPEAT = re.compile(r"\*|\+|\?|\{(?!\})(\d*)(,?)(\d*)\}")
_ONE = re.compile(r"\\[^0-9]|\[\^?\]?(?:\\.|[^\]\\])*\]|[^\\\[\]()|]", re.DOTALL)


class Unsafe(ValueError):
    """The text says why, and what to write instead."""


def checked(pattern: str) -> str:
    """The same pattern. Raises Unsafe."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            re.compile(pattern)
    except (re.error, OverflowError, RecursionError, Warning) as error:
        raise Unsafe(f"is no pattern: {error}") from None
    reader = _Reader(pattern)
    ways = reader.either(0)
    if ways > MOST:
        raise Unsafe("could keep the server busy for very long: no repeat within a repeat, at most three * or + in all")
    return pattern


def fits(pattern: str, answer: str) -> bool:
    """The whole answer, in any case of letters."""
    return len(answer) <= LONGEST and re.fullmatch(pattern, answer, re.IGNORECASE) is not None


@dataclass
class _Reader:
    """Counts the ways, reading from left to right."""

    pattern: str
    at: int = 0

    def either(self, depth: int) -> int:
        """Alternatives, up to the closing bracket or the end."""
        if depth > 20:
            raise Unsafe("has too many brackets within brackets")
        ways = self._row(depth)
        while self.pattern[self.at : self.at + 1] == "|":
            self.at += 1
            ways += self._row(depth)
        return ways

    def _row(self, depth: int) -> int:
        ways = 1
        while self.at < len(self.pattern) and self.pattern[self.at] not in "|)":
            ways = min(ways * self._repeated(self._piece(depth)), MOST + 1)
        return ways

    def _piece(self, depth: int) -> int:
        if self.pattern[self.at] == "(":
            return self._bracket(depth)
        found = _ONE.match(self.pattern, self.at)
        if not found:
            raise Unsafe("refers back to a group: write what is meant once more")
        self.at = found.end()
        return 1

    def _bracket(self, depth: int) -> int:
        opening = "(?:" if self.pattern.startswith("(?:", self.at) else "("
        if opening == "(" and self.pattern.startswith("(?", self.at):
            raise Unsafe("has a bracket that begins with (? and is not (?: ; only plain groups may stand here")
        self.at += len(opening)
        ways = self.either(depth + 1)
        self.at += 1
        return ways

    def _repeated(self, ways: int) -> int:
        found = _REPEAT.match(self.pattern, self.at)
        if not found:
            return ways
        self.at = found.end()
        if self.pattern[self.at : self.at + 1] in ("?", "+"):  # lazy, possessive
            self.at += 1
        least, most = _bounds(found)
        return int(min(max(most - least + 1, 1) * min(ways, MOST + 1) ** min(most, 24), MOST + 1)) if most else 1


def _bounds(repeat: re.Match[str]) -> tuple[int, int]:
    if repeat[0] in "*+?":
        return (0, 1) if repeat[0] == "?" else (0, LONGEST - 1)
    least = int(repeat[1] or 0)
    most = int(repeat[3]) if repeat[3] else LONGEST if repeat[2] else least
    return min(least, LONGEST), min(most, LONGEST)
