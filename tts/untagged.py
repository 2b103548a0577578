"""Audio tags such as [laughs] are for the voices that act them out; the others would read them aloud."""

from __future__ import annotations

from dataclasses import replace

from .errors import Unspeakable
from .model import Audio, Speech, Synthesizer
from .speakable.marks import audio_tags, tidy


class Untagged:
    """A Synthesizer: another one, which is given words only."""

    def __init__(self, voice: Synthesizer) -> None:
        self._voice = voice

    @property
    def name(self) -> str:
        return self._voice.name

    async def speak(self, speech: Speech) -> Audio:
        """Raises what the voice raises, and Unspeakable when there was nothing but tags."""
        words = untagged(speech.text)
        if not words:
            raise Unspeakable("blank_text", hint="There was nothing to say.")
        around = {"previous_text": untagged(speech.previous_text), "next_text": untagged(speech.next_text)}
        return await self._voice.speak(replace(speech, text=words, **around))

    async def close(self) -> None:
        await self._voice.close()


def untagged(text: str) -> str:
    return tidy(audio_tags(text, False))
