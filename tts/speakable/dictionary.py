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
_WORD = re.compile(
    rf"{TAG_OPEN}[^{TAG_CLOSE}]{{0,60}}{TAG_CLOSE}|<[/!]?[A-Za-z][^<>\n]{{0,300}}>"  # a tag's letters are no words
    rf"|[^\W_{_HAN}]+|\S"
)
_STAND_INS = range(0x12000, 0x1239A)
"""Cuneiform: letters like any other for every rule about words, and in no customer's text."""


@dataclass(frozen=True, slots=True)
class Dictionary:
    """Keys and what is said for them, the longest first, by the small letters of the key's first word."""

    entries: Mapping[str, tuple[tuple[str, str], ...]]

    def spans(self, text: str) -> Callable[[int, int], bool]:
        """Tells whether a stretch of the text lies in words of the dictionary."""
        found = [(start, end) for start, end, _ in self._found(text)]
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
        parts, at = [], 0
        for start, end, said in self._found(text):
            letter = letters.get(said) or next(free, "")
            if letter:
                letters[said] = letter
                parts += [text[at:start], letter]
                at = end
        spoken = {ord(letter): said if _IPA.fullmatch(said) else words(said) for said, letter in letters.items()}
        return "".join([*parts, text[at:]]), spoken

    def _found(self, text: str) -> Iterator[tuple[int, int, str]]:
        end = 0
        for word in _WORD.finditer(text):
            if word.start() < end:
                continue
            for key, said in self.entries.get(word[0].lower(), ()):
                if found := _whole(key).match(text, word.start()):
                    end = found.end()
                    yield word.start(), end, said
                    break


@lru_cache(64)
def dictionary(words: tuple[tuple[str, str], ...], tags: bool) -> Dictionary | None:
    """None when there is nothing to look up. A value in IPA, /.../, is only for models that read it, as `tags` are."""
    known = {" ".join(key.split()): said.strip() for key, said in words}
    entries: dict[str, tuple[tuple[str, str], ...]] = {}
    for key in sorted(filter(None, known), key=len, reverse=True):
        first = _WORD.match(key)
        if first and (tags or not _IPA.fullmatch(known[key])):
            entries[first[0].lower()] = (*entries.get(first[0].lower(), ()), (key, known[key]))
    return Dictionary(entries) if entries else None


def _exact(key: str) -> bool:
    """iPhone and PIX are names by their capitals; Recado and RECADO are the same word."""
    if key.isupper() and sum(letter.isalpha() for letter in key) <= 4:
        return True
    words = re.findall(r"[^\W\d_]+", key)
    return any(word[1:] != word[1:].lower() and not word.isupper() for word in words)


@lru_cache(2048)
def _whole(key: str) -> re.Pattern[str]:
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
    return re.compile(before + words + after, 0 if _exact(key) else re.I)


def _bounded(letter: str) -> bool:
    return letter.isalnum() and not re.match(f"[{_HAN}]", letter)
