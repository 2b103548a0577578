"""A draft becomes ordered parts: voice or text, and why."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from gateway.assistants.base import Passage
from gateway.channels.base import Capabilities
from gateway.rules.flows import numbered
from gateway.rules.voicing import Directive, Verdict
from tts.cutting import cut
from tts.speakable import companion, speakable

BLANK_LINES = re.compile(r"\n{3,}")
JOINER = "\u200d"


@dataclass(frozen=True, slots=True)
class Draft:
    """What is to be said, before anybody knows how."""

    text: str
    language: str
    citations: Sequence[Passage] = ()
    directive: Directive = ""
    """How the assistant itself wants it to go."""
    choices: Sequence[str] = ()
    """Titles of the options under it: buttons where the channel has them, numbered lines elsewhere. Only of what is
    written."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A sentence or two: what is spoken in one breath."""

    spoken: str
    written: str
    """The same as it was written, and what follows it and cannot be said."""


@dataclass(frozen=True, slots=True)
class Script:
    """A text as it is spoken, stretch by stretch, and what is written beside it."""

    stretches: Sequence[Stretch] = ()
    companion: str = ""

    @property
    def spoken(self) -> str:
        return " ".join(stretch.spoken for stretch in self.stretches)


@dataclass(frozen=True, slots=True)
class TextPart:
    text: str
    choices: Sequence[str] = ()
    """Titles of the buttons under it."""


@dataclass(frozen=True, slots=True)
class VoicePart:
    stretches: Sequence[Stretch]
    written: str
    """The whole of it as text, for when speaking fails."""
    companion: str | None = ""
    """What is written beside it and cannot be said; None: all of it is written beside it."""

    def after(self, first: int) -> str:
        """As text, for when the stretches before `first` were heard and no more can be: what was to be written beside
        them is written with the rest, or it would never be."""
        if not first or self.companion is None:
            return self.written
        rest = "\n".join(one.written for one in self.stretches[first:])
        beside = [line for line in self.companion.splitlines() if line not in rest]
        return "\n".join([rest, *beside])


@dataclass(frozen=True, slots=True)
class Shape:
    parts: Sequence[TextPart | VoicePart]
    reason: str
    """Why voice or text: a key of `rules.voicing.READS`, or `nothing_to_say`."""
    language: str = ""
    as_text: Sequence[TextPart] = ()
    """The same without a voice, for when speaking fails."""

    @property
    def speaks(self) -> bool:
        return any(isinstance(part, VoicePart) for part in self.parts)


def shape(draft: Draft, script: Script, verdict: Verdict, capabilities: Capabilities, *, both: bool) -> Shape:
    """`verdict`: of `rules.voicing.after`. both: what is spoken is written, too."""
    written = cleaned(draft.text)
    texts = _offering(written, draft.choices, capabilities)
    if not verdict.speaks:
        return Shape(texts, verdict.reason, draft.language)
    beside = texts if both else _texts(script.companion, capabilities)
    voice = VoicePart(script.stretches, written, None if both else script.companion)
    return Shape([voice, *beside], verdict.reason, draft.language, texts)


def scripted(text: str, language: str, *, tags: bool = False, dictionary: Mapping[str, str] = {}) -> Script:
    """A whole text. Its stretches are those that a stream of the same text gives."""
    found: list[Stretch] = []
    for written in cut(cleaned(text)):
        spoken = speakable(written, language, tags=tags, dictionary=dictionary).spoken
        if spoken or not found:
            found.append(Stretch(spoken, written))
        else:
            found[-1] = replace(found[-1], written=f"{found[-1].written}\n{written}")
    said = [one for one in found if one.spoken]
    return Script(said, companion(text, language, tags=tags, dictionary=dictionary))


def _offering(written: str, choices: Sequence[str], capabilities: Capabilities) -> list[TextPart]:
    """The text in pieces, with its options under the last one."""
    if len(choices) > capabilities.choices:
        return _texts(numbered(written, choices), capabilities)
    texts = _texts(written, capabilities)
    return [*texts[:-1], replace(texts[-1], choices=tuple(choices))] if choices and texts else texts


def _texts(text: str, capabilities: Capabilities) -> list[TextPart]:
    return [TextPart(piece) for piece in split(text, capabilities.text_limit, utf16=capabilities.utf16)]


def cleaned(text: str) -> str:
    """Without a page of blank lines."""
    return BLANK_LINES.sub("\n\n", text).strip()


def split(text: str, limit: int, *, utf16: bool = False) -> list[str]:
    """Pieces of at most `limit` characters (0: no limit), cut where a reader would: paragraph, sentence, word.

    utf16: the limit counts UTF-16 units; no character is cut in two.
    """
    pieces = []
    while limit and _length(text, utf16) > limit:
        cut = _cut(text, _characters(text, limit, utf16))
        pieces.append(text[:cut].rstrip())
        text = text[cut:].lstrip()
    return [piece for piece in [*pieces, text] if piece]


def _length(text: str, utf16: bool) -> int:
    return len(text) + sum(c > "\uffff" for c in text) if utf16 else len(text)


def _characters(text: str, limit: int, utf16: bool) -> int:
    """How many characters from the beginning fit; at least one."""
    if not utf16:
        return limit
    units = 0
    for n, c in enumerate(text):
        units += 2 if c > "\uffff" else 1
        if units > limit:
            return max(1, n)
    return len(text)


def _cut(text: str, limit: int) -> int:
    for pattern in (r"\n\n", r"\n", r"[.!?。！？]\s*", r"\s"):
        ends = [m.end() for m in re.finditer(pattern, text[:limit])]
        if ends and ends[-1] > limit // 3:
            return ends[-1]
    return _between_graphemes(text, limit)


def _between_graphemes(text: str, limit: int) -> int:
    """A family emoji or an accented letter is not torn, when it can be helped."""
    cut = limit
    while cut > limit // 3 and (unicodedata.combining(text[cut : cut + 1] or " ") or JOINER in text[cut - 1 : cut + 1]):
        cut -= 1
    return cut if cut > limit // 3 else limit
