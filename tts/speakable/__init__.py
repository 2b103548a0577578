"""Which words are worth saying, and what had better be read.

Pure. A text written for the eye becomes one for the ear: no marks, no links, no columns, and every number in the
words of its language. What nobody can take down from hearing it (a link, a code, an address, a table) is named in
the speech and arrives as companion text beside it.

`beside` takes out what is only written, `marks` what is only seen; `shorthand`, `numbers` and `chinese` say the rest.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from .beside import kept_beside
from .chinese import in_chinese
from .marks import TAG_CLOSE, TAG_OPEN, audio_tags, lines, tidy, without_controls, without_marks
from .numbers import in_words
from .shorthand import expanded
from .tongues import STANDS, TONGUES

__all__ = ["Speakable", "speakable"]


@dataclass(frozen=True, slots=True)
class Speakable:
    spoken: str
    """For a voice. Empty when nothing of the text can be said."""
    companion: str
    """One thing a line, as it was written; empty when hearing is enough."""


def speakable(text: str, language: str, *, tags: bool = False) -> Speakable:
    """`language` is BCP 47; one that is not known is only stripped of marks. Never raises.

    `tags` keeps audio tags such as [laughs], for the models that act them out; the others would read them aloud.
    """
    code = language.split("-")[0].split("_")[0].lower()
    stands, tongue = STANDS.get(code, STANDS["en"]), TONGUES.get(code)
    text, companion = kept_beside(without_controls(text), stands)
    text = without_marks(audio_tags(text, tags))
    if tongue:
        text = in_words(lines(expanded(text, tongue)), tongue)
    else:
        text = lines(in_chinese(text)) if code == "zh" else lines(text)
    spoken = tidy(text)
    if companion and not re.search(r"\w", spoken):
        spoken = stands.only
    spoken = spoken.replace(TAG_OPEN, "[").replace(TAG_CLOSE, "]")
    return Speakable(spoken if re.search(r"\w", spoken) else "", companion)
