"""Sentences with what they should be taken for; tab-separated, `\\n` and `\\t` written out."""

from __future__ import annotations

import csv
from pathlib import Path

HERE = Path(__file__).parent


def corpus(name: str) -> list[dict[str, str]]:
    """The rows of `name`.tsv, by column."""
    with (HERE / f"{name}.tsv").open(encoding="utf-8", newline="") as file:
        found = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [{column: _read(cell) for column, cell in row.items()} for row in found]


def _read(cell: str) -> str:
    r"""`\n`, `\t` and `\\` as they are meant."""
    return cell.replace("\\\\", "\0").replace("\\n", "\n").replace("\\t", "\t").replace("\0", "\\")


def rates(judged: list[tuple[bool, bool]]) -> tuple[float, float]:
    """Precision and recall of (meant, found)."""
    right = sum(meant and found for meant, found in judged)
    return right / max(1, sum(found for _, found in judged)), right / max(1, sum(meant for meant, _ in judged))
