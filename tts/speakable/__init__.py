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
from functools import partial
from types import MappingProxyType

from .beside import kept_beside
from .chinese import in_chinese, numbers_in_chinese
from .dictionary import dictionary as compiled
from .marks import TAG_CLOSE, TAG_OPEN, audio_tags, compared, lines, tidy, without_controls, without_marks, without_tags
from .numbers import in_words, numbers_in_words
from .shorthand import expanded
from .tongues import COMPARED, STANDS, TONGUES, Tongue

__all__ = ["Speakable", "speakable"]

_NOTHING: Mapping[str, str] = MappingProxyType({})


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
    code = language.split("-")[0].split("_")[0].lower()
    stands, tongue, own = STANDS.get(code, STANDS["en"]), TONGUES.get(code), compiled(dictionary, tags)
    goes_on = text.rstrip().endswith((",", "，"))
    text, companion = kept_beside(without_controls(text), stands, own)
    text = audio_tags(text, tags)
    letters: dict[int, str] = {}
    if own:
        text, letters = own.put_in(text, partial(_digits_said, code=code, tongue=tongue))
    text = compared(text, COMPARED[code]) if code in COMPARED else text
    spoken = tidy(_said(without_marks(text), code, tongue), goes_on).translate(letters)
    if not re.search(r"\w", without_tags(spoken)):
        return Speakable(stands.only if companion else "", companion)
    return Speakable(spoken.replace(TAG_OPEN, "[").replace(TAG_CLOSE, "]"), companion)


def _said(text: str, code: str, tongue: Tongue | None) -> str:
    if tongue:
        return in_words(lines(expanded(text, tongue)), tongue)
    return lines(in_chinese(text)) if code == "zh" else lines(text)


def _digits_said(text: str, code: str, tongue: Tongue | None) -> str:
    said = numbers_in_words(text, tongue) if tongue else numbers_in_chinese(text) if code == "zh" else text
    return " ".join(said.split())
