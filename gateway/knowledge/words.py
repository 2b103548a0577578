"""Text to index words: stems, Chinese bigrams and concepts. Pure.

The same reader serves documents and questions: "vcs parcelam?" and "em até 6 vezes sem juros" meet at `c_instalments`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from gateway.knowledge.vocabulary import (
    COMMON,
    COMMON_CHARACTERS,
    COMMON_CHINESE,
    CONCEPTS,
    LIGHT,
    OFFERS,
    SPELLED,
)
from gateway.rules.language import fold

_STEMMERS = {"pt": "portuguese", "en": "english", "es": "spanish"}
_HAN_OR_WORD = re.compile(r"[\u3400-\u9fff]+|[^\W_\u3400-\u9fff]+")


_ADDRESS = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
"""An e-mail address is one thing: "loja" in it is no shop."""


@dataclass(frozen=True, slots=True)
class Term:
    """One thing a question is about, with every index word that would stand for it."""

    surface: str
    forms: tuple[str, ...]

    @property
    def light(self) -> bool:
        """Whether it says little about the subject: "accept" in "do you accept bitcoin"."""
        return any(form.removeprefix("c_") in LIGHT for form in self.forms if form.startswith("c_"))

    @property
    def offer(self) -> bool:
        """Whether it asks for something a company either has or has not, as a phone or parking."""
        return any(form.removeprefix("c_") in OFFERS for form in self.forms if form.startswith("c_"))


def spell_out(text: str, language: str) -> str:
    """What a hurried customer means: abbreviations written out, SHOUTING lowered, emoji and drawn-out letters gone."""
    table = SPELLED.get(language, {})
    text = text.lower() if text.isupper() else text
    text = re.sub(r"([^\W\d_])\1{2,}", r"\1", text)
    text = re.sub(r"[\U0001F000-\U0001FFFF\u2600-\u27BF\uFE0F\u200d]", " ", text)
    spelled = re.sub(r"[^\W\d_]+", lambda m: table.get(m.group().lower(), m.group()), text)
    return re.sub(r"\s+", " ", spelled).strip()


def index_words(text: str, language: str) -> list[str]:
    """Every word a paragraph can be found by; repeated as often as it stands there."""
    text, addresses = _ADDRESS.subn(" ", text)
    pieces = _pieces(text)
    words = [stem(piece, language) for piece in pieces if not _han(piece) and not _common(piece, language)]
    for run in filter(_han, pieces):
        words += _bigrams(run)
    names = _concepts_in(text, pieces, language) + ["email"] * (addresses > 0)
    return words + [f"c_{name}" for name in names]


def mend(question: str, language: str, known: frozenset[str]) -> str:
    """The question with words one slip away from a known one written right: "dvolver", "enderço"."""

    def mended(match: re.Match[str]) -> str:
        word = match.group()
        if fold(word) in known or _common(word, language) or _concepts_of(word, language):
            return word
        return _slip(fold(word), language, known) or word

    return re.sub(r"[^\W\d_\u3400-\u9fff]{5,}", mended, question)


def terms(question: str, language: str, known: frozenset[str] = frozenset()) -> list[Term]:
    """What the question is about, without its small words. `known`: see `tokens_of`; it tells Chinese words apart."""
    return list(dict.fromkeys(_latin_terms(question, language) + _han_terms(question, known)))


def tokens_of(text: str) -> set[str]:
    """The folded words (Chinese: pairs) of a text as they stand: what a misspelt word may have meant."""
    pieces = _pieces(text)
    pairs = {pair for piece in filter(_han, pieces) for pair in _bigrams(piece)}
    return pairs | {fold(piece) for piece in pieces if not _han(piece)}


def stem(word: str, language: str) -> str:
    """Folded after stemming: the stemmer reads accents, customers do not write them, so both spellings are joined."""
    return _stem(fold(word), language)


@cache
def _stemmer(language: str):  # type: ignore[no-untyped-def]  # snowballstemmer has no types
    import snowballstemmer

    return snowballstemmer.stemmer(_STEMMERS[language])


@cache
def _stem(folded: str, language: str) -> str:
    if language not in _STEMMERS or not folded.isalpha():
        return folded
    stemmed: str = _stemmer(language).stemWord(folded)
    return re.sub(r"(?<=..)c[aoi]*$|(?<=...)[aoeiu]$", "", stemmed) or stemmed


def _pieces(text: str) -> list[str]:
    return [m.group() for m in _HAN_OR_WORD.finditer(text)]


def _han(piece: str) -> bool:
    return "\u3400" <= piece[0] <= "\u9fff"


def _common(word: str, language: str) -> bool:
    folded = fold(word)
    if language in COMMON:
        return folded in COMMON[language]
    return any(folded in words for words in COMMON.values())


# -- concepts -----------------------------------------------------------------------------------------


@cache
def _single(language: str) -> dict[str, tuple[str, ...]]:
    """Stem -> the concepts it stands for."""
    table: dict[str, list[str]] = {}
    for name, words in CONCEPTS.items():
        for word in words.get(language, []):
            if " " not in word:
                table.setdefault(_stem(word, language), []).append(name)
    return {word: tuple(dict.fromkeys(names)) for word, names in table.items()}


@cache
def _phrases(language: str) -> tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]:
    """(stems, concepts), longest first."""
    table: dict[tuple[str, ...], list[str]] = {}
    for name, words in CONCEPTS.items():
        for phrase in words.get(language, []):
            if " " in phrase:
                table.setdefault(tuple(_stem(part, language) for part in phrase.split()), []).append(name)
    return tuple((phrase, tuple(names)) for phrase, names in sorted(table.items(), key=lambda item: -len(item[0])))


@cache
def _chinese() -> tuple[tuple[str, tuple[str, ...]], ...]:
    table: dict[str, list[str]] = {}
    for name, words in CONCEPTS.items():
        for phrase in words.get("zh", []):
            table.setdefault(phrase, []).append(name)
    return tuple((phrase, tuple(names)) for phrase, names in sorted(table.items(), key=lambda item: -len(item[0])))


def _tongues(language: str) -> list[str]:
    """Own language first: customers mix ("fazem delivery?")."""
    return [language, *(x for x in _STEMMERS if x != language)] if language in _STEMMERS else list(_STEMMERS)


def _concepts_of(word: str, language: str) -> tuple[str, ...]:
    if _common(word, language):  # only as it stands: the stem of "dan" is that of "dañado"
        return _single(language).get(_stem(fold(word), language), ()) if fold(word) in _spelling(language) else ()
    return next((n for t in _tongues(language) if (n := _single(t).get(_stem(fold(word), t)))), ())


def _concepts_in(text: str, pieces: list[str], language: str) -> list[str]:
    """A phrase hides its words: "sem custo" is free, not a cost."""
    latin = [piece for piece in pieces if not _han(piece)]
    stems = tuple(_stem(fold(piece), language) for piece in latin)
    hidden: set[int] = set()
    names: list[str] = []
    for phrase, owners in _phrases(language):
        for start in _starts(stems, phrase):
            hidden.update(range(start, start + len(phrase)))
            names += owners
    for i, piece in enumerate(latin):
        names += _concepts_of(piece, language) if i not in hidden else ()
    if len(latin) < len(pieces):
        names += [name for phrase, owners in _chinese() if phrase in text for name in owners]
    return names


def _starts(stems: tuple[str, ...], phrase: tuple[str, ...]) -> list[int]:
    size = len(phrase)
    return [i for i in range(len(stems) - size + 1) if stems[i : i + size] == phrase]


# -- the terms of a question --------------------------------------------------------------------------


def _latin_terms(question: str, language: str) -> list[Term]:
    words = [piece for piece in _pieces(question) if not _han(piece)]
    stems = tuple(_stem(fold(word), language) for word in words)
    taken: set[int] = set()
    found: list[Term] = []
    for phrase, owners in _phrases(language):
        for start in _starts(stems, phrase):
            span = range(start, start + len(phrase))
            if taken.isdisjoint(span):
                taken.update(span)
                found.append(Term(" ".join(words[start : start + len(phrase)]), tuple(f"c_{n}" for n in owners)))
    return found + [t for i, word in enumerate(words) if i not in taken and (t := _term(word, language))]


def _term(word: str, language: str) -> Term | None:
    concepts = _concepts_of(word, language)
    if len(word) < 2 or (not concepts and _common(word, language)):
        return None
    return Term(word, (stem(word, language), *(f"c_{name}" for name in concepts)))


def _slip(word: str, language: str, known: frozenset[str]) -> str:
    """The known word one typing slip away, "" when there is none or the word is too short to tell."""
    if len(word) < 5 or not word.isalpha():
        return ""
    near = (w for w in known | _spelling(language) if w[0] == word[0] and _one_slip(word, w))
    return min(near, default="")


@cache
def _spelling(language: str) -> frozenset[str]:
    listed = (word for words in CONCEPTS.values() for word in words.get(language, []))
    return frozenset(w for w in listed if " " not in w)


def _one_slip(a: str, b: str) -> bool:
    """One letter more, less, other, or two swapped."""
    if abs(len(a) - len(b)) > 1 or len(b) < 5 or a == b:
        return False
    start = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    a, b = a[start:], b[start:]
    return a[1:] == b or a == b[1:] or a[1:] == b[1:] or (a[:2] == b[:2][::-1] and a[2:] == b[2:])


def _han_terms(question: str, known: frozenset[str]) -> list[Term]:
    found: list[Term] = []
    rest = question
    for phrase, owners in _chinese():
        if phrase in rest and _han(phrase):
            found.append(Term(phrase, tuple(f"c_{name}" for name in owners)))
            rest = rest.replace(phrase, "\n" * len(phrase))
    for word in COMMON_CHINESE:
        rest = rest.replace(word, "\n" * len(word))
    for run in re.finditer(r"[\u3400-\u9fff]+", rest):
        around = question[max(0, run.start() - 1) : run.end() + 1]
        pairs = {around[i : i + 2] for i in range(len(around) - 1)}
        found += [Term(pair, (pair,)) for pair in sorted(pairs & known)] if len(run.group()) == 1 else []
        found += [Term(pair, (pair,)) for pair in _bigrams(run.group())]
    return found


def _bigrams(run: str) -> list[str]:
    parts = re.split("[" + "".join(sorted(COMMON_CHARACTERS)) + "]", run)
    return [p[i : i + 2] for p in parts for i in range(len(p) - 1)]
