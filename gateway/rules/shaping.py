"""A draft becomes ordered parts: voice or text, and why."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.assistants.base import Passage
from gateway.channels.base import Capabilities
from gateway.config import Reply
from tts.speakable import Speakable

BLANK_LINES = re.compile(r"\n{3,}")


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

    @property
    def speaks(self) -> bool:
        return any(isinstance(part, VoicePart) for part in self.parts)


def shape(draft: Draft, speakable: Speakable, reply: Reply, capabilities: Capabilities, *, spoke: bool) -> Shape:
    """`spoke`: the contact sent a voice note in this burst."""
    written = cleaned(draft.text)
    wants, reason = _voice_or_text(speakable, reply, capabilities, spoke)
    if not wants:
        return Shape(_texts(written, capabilities), reason, draft.language)
    voice = VoicePart(speakable.spoken, written)
    beside = written if reply.format == "both" else speakable.companion
    return Shape([voice, *_texts(beside, capabilities)], reason, draft.language)


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


def _texts(text: str, capabilities: Capabilities) -> list[TextPart | VoicePart]:
    return [TextPart(piece) for piece in split(text, capabilities.text_limit)]


def cleaned(text: str) -> str:
    """Without a page of blank lines."""
    return BLANK_LINES.sub("\n\n", text).strip()


def split(text: str, limit: int) -> list[str]:
    """Pieces of at most `limit` characters (0: no limit), cut where a reader would: paragraph, sentence, word."""
    pieces = []
    while limit and len(text) > limit:
        cut = _cut(text, limit)
        pieces.append(text[:cut].rstrip())
        text = text[cut:].lstrip()
    return [piece for piece in [*pieces, text] if piece]


def _cut(text: str, limit: int) -> int:
    for pattern in (r"\n\n", r"\n", r"[.!?。！？]\s*", r"\s"):
        ends = [m.end() for m in re.finditer(pattern, text[:limit])]
        if ends and ends[-1] > limit // 3:
            return ends[-1]
    return limit


