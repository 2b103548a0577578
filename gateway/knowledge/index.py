"""The full-text index: SQLite FTS5 over words we cut ourselves, so stems, concepts and Chinese bigrams all match."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence

from gateway.knowledge.words import Term


class Index:
    """In memory; belongs to the thread that made it."""

    def __init__(self, rows: Iterable[tuple[Sequence[str], Sequence[str]]]) -> None:
        """`rows`: (words of the heading, words of the text), numbered from 0 in this order."""
        self._db = sqlite3.connect(":memory:")
        self._db.execute("CREATE VIRTUAL TABLE words USING fts5(heading, body, tokenize = \"ascii separators '-'\")")
        self._db.executemany(
            "INSERT INTO words(rowid, heading, body) VALUES (?, ?, ?)",
            [(n, _row(heading), _row(body)) for n, (heading, body) in enumerate(rows)],
        )

    def nearest(self, terms: Sequence[Term], limit: int) -> list[int]:
        """Row numbers, best first by BM25; a word in the heading counts half as much again."""
        forms = dict.fromkeys(_token(form) for term in terms for form in term.forms)
        if not forms:
            return []
        match = " OR ".join(f'"{form}"' for form in forms)
        found = self._db.execute(
            "SELECT rowid FROM words WHERE words MATCH ? ORDER BY bm25(words, 1.5, 1.0), rowid LIMIT ?", (match, limit)
        )
        return [row for (row,) in found]

    def close(self) -> None:
        self._db.close()


def _row(words: Sequence[str]) -> str:
    return " ".join(map(_token, words))


def _token(word: str) -> str:
    return word.replace('"', "").replace("_", "").replace("-", "") or "0"
