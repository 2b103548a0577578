"""Words in, a playable voice note out: the nouns of speaking.

A `Synthesizer` has one method. Everything else (the ladder, the cache, the encoder) is a Synthesizer made of
Synthesizers, so whoever speaks cannot tell them apart.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Speech:
    """Words to be spoken."""

    text: str
    """Speakable already: no links, no markdown. See `tts.speakable`."""
    language: str
    """BCP 47, e.g. `pt-BR`."""
    previous_text: str = ""
    """What was said before it, for the models that carry intonation over."""
    next_text: str = field(default="", compare=False)
    """What follows, where that is known in time. A shade of intonation: the same words are not spoken, and paid for,
    again because of it."""


@dataclass(frozen=True, slots=True)
class Audio:
    """Sound, and what is known about it."""

    data: bytes = field(repr=False)
    mime: str
    """`audio/ogg; codecs=opus` for a voice note; `audio/mpeg`; `audio/wav`. True of the bytes, always."""
    seconds: float = 0.0
    """0 while unknown (a provider's raw bytes)."""
    waveform: tuple[int, ...] = ()
    """64 loudness samples, 0 to 100; empty while unknown."""
    spoken_by: str = ""
    """Which voice it was, e.g. `elevenlabs/VOICE/MODEL`: kept in the turn's timeline."""
    characters: int = 0
    """What the provider charged for it, in characters; 0 when it costs nothing."""
    saved: int = 0
    """What it would have cost, in characters, had it not been remembered."""
    fell_from: tuple[str, ...] = ()
    """Rungs that failed before this one spoke, as `voice: reason`."""


@dataclass(frozen=True, slots=True)
class Note:
    """A finished voice note, made of one sound or of several spoken one after the other."""

    audio: Audio
    parts: int = 1
    """How many of the sounds it holds, in their order."""


class Synthesizer(Protocol):
    """Anything that can speak."""

    @property
    def name(self) -> str:
        """`provider/voice/model`, for logs and breakers. Holds no key."""
        ...

    async def speak(self, speech: Speech) -> Audio:
        """Raises tts.errors.SpeechError and nothing else that is expected."""
        ...

    async def close(self) -> None: ...
