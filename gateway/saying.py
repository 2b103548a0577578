"""`recado say`: one voice note in a queue's voice."""

from __future__ import annotations

from gateway.config import Config
from gateway.equipment import Equipment
from gateway.telemetry import Telemetry
from tts.encode import Encoder
from tts.errors import Refused
from tts.model import Audio, Speech
from tts.speakable import speakable


async def say(text: str, config: Config, queue: str, language: str) -> Audio:
    """Raises SpeechError, KeyError for an unknown queue."""
    settings = config.queue(queue)
    language = language or settings.language
    encoder = Encoder()
    await encoder.start()
    try:
        voice = Equipment(config, encoder, Telemetry(), []).voice(settings)
        words = speakable(text, language).spoken
        if not words.strip():
            raise Refused("nothing_to_speak", hint="The text holds no words.")
        try:
            return await voice.speak(Speech(words, language))
        finally:
            await voice.close()
    finally:
        await encoder.close()
