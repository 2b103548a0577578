"""A queue's own words: how a brand, a street or a product is said, whatever its letters look like."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from .marks import TAG_CLOSE, TAG_OPEN

_HAN = "\u3400-\u9fff"
_IPA = re.compile(r"/[^/\n]+/")
_NO_PLACE = rf"{TAG_OPEN}[^{TAG_CLOSE}]{{0,60}}{TAG_CLOSE}|<[/!]?[A-Za-z][^<>\n]{{0,300}}>"
"""Audio tags and HTML: nobody hears their letters as words."""
_STAND_INS = range(0x12000, 0x1239A)
"""Cuneiform: letters like any other for every rule about words, and in no customer's text."""


@dataclass(frozen=True, slots=True)
class Dictionary:
    """Built by `dictionary`. `said` by the words as they are written, `folded` by their small letters."""

    pattern: re.Pattern[str]
    said: Mapping[str, str]
    folded: Mapping[str, str]

    def spans(self, text: str) -> Callable[[int, int], bool]:
        """Tells whether a stretch of the text lies in words of the dictionary."""
        found = [match.span() for match in self._words(text)]
        starts = [start for start, _ in found]

        def inside(start: int, end: int) -> bool:
            place = bisect_right(starts, start) - 1
            return place >= 0 and end <= found[place][1]

        return inside

    def put_in(self, text: str, words: Callable[[str], str]) -> tuple[str, dict[int, str]]:
        """The text with a letter for each word of the dictionary, and what each letter stands for (`str.translate`).

        So no later rule touches what is said. `words` says the digits of it; IPA stays as it is.
        """
        free = (letter for letter in map(chr, _STAND_INS) if letter not in text)
        letters: dict[str, str] = {}

        def stand_in(found: re.Match[str]) -> str:
            said = self._said(found)
            if said is None:
                return found[0]
            if said not in letters and (letter := next(free, "")):
                letters[said] = letter
            return letters.get(said, found[0])

        text = self.pattern.sub(stand_in, text)
        return text, {ord(letter): said if _IPA.fullmatch(said) else words(said) for said, letter in letters.items()}

    def _words(self, text: str) -> Iterator[re.Match[str]]:
        return (found for found in self.pattern.finditer(text) if self._said(found) is not None)

    def _said(self, found: re.Match[str]) -> str | None:
        written = " ".join(found[0].split())
        return self.said.get(written, self.folded.get(written.lower()))


def dictionary(words: Mapping[str, str], tags: bool) -> Dictionary | None:
    """None when there is nothing to look up. A value in IPA, /.../, is only for models that read it, as `tags` are."""
    return _dictionary(tuple(words.items()), tags) if words else None


@lru_cache(64)
def _dictionary(words: tuple[tuple[str, str], ...], tags: bool) -> Dictionary | None:
    known = {" ".join(key.split()): said.strip() for key, said in words}
    said = {key: value for key, value in known.items() if key and (tags or not _IPA.fullmatch(value))}
    if not said:
        return None
    folded = {key.lower(): value for key, value in said.items() if not _exact(key)}
    longest_first = sorted(said, key=len, reverse=True)
    return Dictionary(re.compile("|".join([_NO_PLACE, *map(_alone, longest_first)])), said, folded)


def _exact(key: str) -> bool:
    """iPhone and PIX are names by their capitals; Recado and RECADO are the same word."""
    if key.isupper() and sum(letter.isalpha() for letter in key) <= 4:
        return True
    words = re.findall(r"[^\W\d_]+", key)
    return any(word[1:] != word[1:].lower() and not word.isupper() for word in words)


def _alone(key: str) -> str:
    """The key where it is a whole word. Between Han characters, or a Han character and a letter, words have no ends."""
    words = r"\s{1,3}".join(map(re.escape, key.split(" ")))
    before = rf"(?<![^\W_{_HAN}])" if _bounded(key[0]) else ""
    after = rf"(?![^\W_{_HAN}])" if _bounded(key[-1]) else ""
    if key[0].isdigit():
        before += r"(?<!\d[.,])"
    if key[-1].isdigit():
        after += r"(?![.,]\d)"
    elif not key[-1].isalpha():
        after += rf"(?!{re.escape(key[-1])})"
    return before + (words if _exact(key) else f"(?i:{words})") + after


def _bounded(letter: str) -> bool:
    return letter.isalnum() and not re.match(f"[{_HAN}]", letter)
