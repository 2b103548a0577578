"""`recado say`: a test of a queue's voice and of what it makes of a text, with nobody on the other side."""

from __future__ import annotations

from gateway.config import Config, Queue
from gateway.equipment import Equipment
from gateway.rules.shaping import Script, scripted
from gateway.steps.speak import speeches
from gateway.telemetry import Telemetry
from gateway.voices import rungs
from tts.elevenlabs_models import understands_tags
from tts.encode import Encoder
from tts.errors import Refused
from tts.ladder import Told
from tts.offers import base
from tts.profiles import Profile

PATIENCE_S = 600.0
"""Whoever tries a voice waits longer than a customer would, and may give it a whole page."""
BESIDE = {
    "pt": "Por escrito, ao lado:",
    "en": "In writing, beside it:",
    "es": "Por escrito, al lado:",
    "zh": "另附文字：",
}


def spoken_in(queue: Queue, language: str) -> Queue:
    """The queue, as if it were one of that language; empty: its own."""
    return queue.model_copy(update={"language": language}) if language else queue


def script(text: str, queue: Queue) -> Script:
    """The words worth saying, as this queue's voices would be given them."""
    tags = any(rung.provider == "elevenlabs" and understands_tags(rung.model_id) for rung in rungs(queue))
    return scripted(text, queue.language, tags=tags, dictionary=queue.voice.pronunciations)


def shown(script: Script, language: str) -> str:
    """What is spoken, a line for each sentence, and below a heading what is written beside it."""
    said = "\n".join(one.spoken for one in script.stretches)
    if not script.companion:
        return said
    beside = f"{BESIDE.get(base(language), BESIDE['en'])}\n{script.companion}"
    return f"{said}\n\n{beside}" if said else beside


async def say(script: Script, config: Config, queue: Queue, profile: Profile) -> Told:
    """Voice notes: one, unless they would be too long for where they are played. Raises SpeechError."""
    if not script.stretches:
        raise Refused("nothing_to_speak", hint="The text holds no words.")
    encoder = Encoder()
    equipment = Equipment(config, encoder, Telemetry(), [])
    try:
        ladder = equipment.voice(queue)
        ladder.deadline = PATIENCE_S
        sentences = speeches([one.spoken for one in script.stretches], queue.language)
        try:
            return await ladder.begin().finish(sentences, profile)
        finally:
            await ladder.close()
    finally:
        await equipment.close()
        await encoder.close()
