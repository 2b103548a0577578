"""A draft becomes ordered parts: voice or text, and why."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.assistants.base import Passage
from gateway.channels.base import Capabilities
from gateway.config import Reply
from tts.speakable import Speakable

BLANK_LINES = re.compile(r"\n{3,}")
JOINER = "\u200d"


@dataclass(frozen=True, slots=True)
class Draft:
    """What is to be said, before anybody knows how."""

    text: str
    language: str
    citations: Sequence[Passage] = ()


@dataclass(frozen=True, slots=True)
class TextPart:
    text: str


@dataclass(frozen=True, slots=True)
class VoicePart:
    spoken: str
    """Words for the voice."""
    written: str
    """The same as text, for when speaking fails."""


@dataclass(frozen=True, slots=True)
class Shape:
    parts: Sequence[TextPart | VoicePart]
    reason: str
    """Why voice or text: `format_text`, `format_voice`, `contact_spoke`, `contact_wrote`, `too_long_to_speak`,
    `nothing_to_speak`, `channel_has_no_voice`."""
    language: str = ""
    as_text: Sequence[TextPart] = ()
    """The same without a voice, for when speaking fails."""

    @property
    def speaks(self) -> bool:
        return any(isinstance(part, VoicePart) for part in self.parts)


def speaks(format: str, *, spoke: bool) -> bool:
    """Whether an answer is meant to be heard. `spoke`: the contact did."""
    return format in ("voice", "both") or (format == "mirror" and spoke)


def shape(draft: Draft, speakable: Speakable, reply: Reply, capabilities: Capabilities, *, spoke: bool) -> Shape:
    """`spoke`: the contact sent a voice note in this burst."""
    written = cleaned(draft.text)
    wants, reason = _voice_or_text(speakable, reply, capabilities, spoke)
    if not wants:
        return Shape(_texts(written, capabilities), reason, draft.language)
    voice = VoicePart(speakable.spoken, written)
    beside = written if reply.format == "both" else speakable.companion
    return Shape([voice, *_texts(beside, capabilities)], reason, draft.language, _texts(written, capabilities))


def _voice_or_text(
    speakable: Speakable, reply: Reply, capabilities: Capabilities, spoke: bool
) -> tuple[bool, str]:
    if reply.format == "text":
        return False, "format_text"
    if reply.format == "mirror" and not spoke:
        return False, "contact_wrote"
    if not capabilities.voice_note:
        return False, "channel_has_no_voice"
    if not speakable.spoken.strip():
        return False, "nothing_to_speak"
    if len(speakable.spoken) > reply.max_voice_chars:
        return False, "too_long_to_speak"
    return True, "contact_spoke" if reply.format == "mirror" else f"format_{reply.format}"


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
