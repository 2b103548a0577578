"""Rows for a terminal, aligned by how wide letters are there, or for another program, with tabs between. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

CUT = "…"
GAP = "  "


def width(text: str) -> int:
    """Cells of a terminal: two for Han, kana, Hangul and most emoji, none for what is set upon another letter."""
    return sum(_cells(letter) for letter in text)


def _cells(letter: str) -> int:
    if unicodedata.category(letter) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1


def plain(text: str) -> str:
    """On one line, and nothing in it that a terminal would obey: names come from elsewhere."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def shortened(text: str, cells: int) -> str:
    """At most so wide."""
    if width(text) <= cells:
        return text
    text = text[: 8 * cells]  # somebody may have called a voice a novel
    while width(text) > cells - width(CUT):
        text = text[:-1]
    return text.rstrip() + CUT


def tabbed(rows: Sequence[Sequence[str]]) -> list[str]:
    """A line for each row, and nothing shortened."""
    return ["\t".join(plain(cell) for cell in row) for row in rows]


def aligned(head: Sequence[str], rows: Sequence[Sequence[str]], limits: Sequence[int]) -> list[str]:
    """A line for each row; `limits` are the widest a column may be, in cells. A column without a word below its head
    is left out."""
    cells = [[shortened(plain(cell), limit) for cell, limit in zip(row, limits, strict=True)] for row in (head, *rows)]
    columns = [column for column in zip(*cells, strict=True) if any(column[1:])]
    widths = [max(map(width, column)) for column in columns]
    return [_line(row, widths) for row in zip(*columns, strict=True)]


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    return GAP.join(cell + " " * (wide - width(cell)) for cell, wide in zip(row, widths, strict=True)).rstrip()
