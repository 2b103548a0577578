"""Which words are worth saying, and what had better be read.

Pure. A text written for the eye becomes one for the ear: no marks, no links, no columns, and every number in the
words of its language. What nobody can take down from hearing it (a link, a code, an address, a table) is named in
the speech and arrives as companion text beside it.

`beside` takes out what is only written, `marks` what is only seen; a queue's own `dictionary` has the next word, and
`shorthand`, `numbers` and `chinese` say the rest.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from types import MappingProxyType

from .beside import kept_beside
from .chinese import in_chinese, numbers_in_chinese
from .dictionary import Dictionary
from .dictionary import dictionary as compiled
from .marks import TAG_CLOSE, TAG_OPEN, audio_tags, compared, lines, tidy, without_controls, without_marks, without_tags
from .numbers import in_words, numbers_in_words
from .shorthand import expanded
from .tongues import COMPARED, STANDS, TONGUES, Tongue

__all__ = ["Speakable", "companion", "speakable"]

_NOTHING: Mapping[str, str] = MappingProxyType({})
_LATELY = 256
"""Texts whose words are known: a stretch is wanted when it ends and again when the whole answer stands, and some come
in many answers."""


@dataclass(frozen=True, slots=True)
class Speakable:
    spoken: str
    """For a voice. Empty when nothing of the text can be said."""
    companion: str
    """One thing a line, as it was written; empty when hearing is enough."""


def speakable(text: str, language: str, *, tags: bool = False, dictionary: Mapping[str, str] = _NOTHING) -> Speakable:
    """`language` is BCP 47; one that is not known is only stripped of marks. Never raises.

    `tags` keeps audio tags such as [laughs], for the models that act them out; the others would read them aloud.

    `dictionary` has words as they are written -> as they are said. Whole words only, the longest first; capitals count
    in a key like iPhone or PIX (capitals inside, or nothing but up to four of them), accents always. What is said
    stands as it is, but for its digits, which become words. A key inside a link, an e-mail address or a code
    stays. A value in IPA, /.../, is used with `tags` only: the models that know tags read it.
    """
    return _speakable(text, language, tags, tuple(dictionary.items()))


def companion(text: str, language: str, *, tags: bool = False, dictionary: Mapping[str, str] = _NOTHING) -> str:
    """What `speakable` of the same has for a companion, and nothing else of it."""
    return _beside(text, _code(language), compiled(tuple(dictionary.items()), tags))[1]


@lru_cache(_LATELY)
def _speakable(text: str, language: str, tags: bool, words: tuple[tuple[str, str], ...]) -> Speakable:
    code, own = _code(language), compiled(words, tags)
    tongue = TONGUES.get(code)
    goes_on = text.rstrip().endswith((",", "，"))
    text, written = _beside(text, code, own)
    text = audio_tags(text, tags)
    letters: dict[int, str] = {}
    if own:
        text, letters = own.put_in(text, partial(_digits_said, code=code, tongue=tongue))
    text = compared(text, COMPARED[code]) if code in COMPARED else text
    spoken = tidy(_said(without_marks(text), code, tongue), goes_on).translate(letters)
    if not re.search(r"\w", without_tags(spoken)):
        return Speakable(STANDS.get(code, STANDS["en"]).only if written else "", written)
    return Speakable(spoken.replace(TAG_OPEN, "[").replace(TAG_CLOSE, "]"), written)


def _code(language: str) -> str:
    return language.split("-")[0].split("_")[0].lower()


def _beside(text: str, code: str, own: Dictionary | None) -> tuple[str, str]:
    return kept_beside(without_controls(text), STANDS.get(code, STANDS["en"]), own)


def _said(text: str, code: str, tongue: Tongue | None) -> str:
    if tongue:
        return in_words(lines(expanded(text, tongue)), tongue)
    return lines(in_chinese(text)) if code == "zh" else lines(text)


def _digits_said(text: str, code: str, tongue: Tongue | None) -> str:
    said = numbers_in_words(text, tongue) if tongue else numbers_in_chinese(text) if code == "zh" else text
    return " ".join(said.split())
