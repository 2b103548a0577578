"""speak: parts that are to be voice become voice notes, or text when they cannot."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gateway import live, transcript
from gateway.burst import Burst
from gateway.live import Live
from gateway.rules.shaping import Shape, TextPart, VoicePart
from gateway.telemetry import Telemetry
from storage.media import MediaFolder
from storage.model import Media, MediaId
from storage.store import Store, Unavailable
from tts.errors import SpeechError
from tts.model import Audio, Speech

log = logging.getLogger("recado.turns")


@dataclass(frozen=True, slots=True)
class Spoken:
    """The parts as they will be sent, and the blobs they need."""

    parts: Sequence[dict[str, Any]] = ()
    media: Sequence[MediaId] = ()


@dataclass(frozen=True, slots=True)
class Speak:
    store: Store
    media: MediaFolder
    live: Live
    telemetry: Telemetry

    async def __call__(self, burst: Burst, shaped: Shape) -> Spoken:
        """Never fails a turn: whatever the voice does, the customer gets the answer."""
        if not shaped.speaks:
            return Spoken([_written(part) for part in shaped.parts])
        self.live.say(burst.conversation.id, live.RECORDING)
        with burst.step("speak", self.telemetry):
            try:
                parts = [await self._say(burst, part, shaped.language) for part in shaped.parts]
            except (SpeechError, Unavailable) as error:
                self._give_up(burst, error)
                return Spoken([_written(part) for part in shaped.as_text])
        return Spoken(parts, [MediaId(p["media"]["id"]) for p in parts if p["kind"] == "voice"])

    async def _say(self, burst: Burst, part: TextPart | VoicePart, language: str) -> dict[str, Any]:
        if isinstance(part, TextPart) or burst.crew.voice is None:
            return _written(part)
        audio = await burst.crew.voice.speak(Speech(part.spoken, language))
        self._count(burst, audio)
        id = await self.media.put(audio.data)
        media = Media(id, audio.mime, len(audio.data), audio.seconds, audio.waveform)
        await self.store.add_media(media)
        fields = transcript.media_fields(media)
        return {"kind": "voice", "media": fields, "transcript": part.spoken, "written": part.written}

    def _count(self, burst: Burst, audio: Audio) -> None:
        queue, fell = burst.crew.queue.name, list(audio.fell_from)
        burst.note("voice", "spoken", by=audio.spoken_by, seconds=audio.seconds, fell_from=fell)
        self.telemetry.speech.labels(queue, "fallback" if fell else "spoken").inc()
        self.telemetry.speech_seconds.labels(queue).inc(audio.seconds)
        self.telemetry.speech_characters.labels(queue).inc(audio.characters)

    def _give_up(self, burst: Burst, error: SpeechError | Unavailable) -> None:
        reason, hint = (error.reason, error.hint) if isinstance(error, SpeechError) else ("not_kept", str(error))
        log.warning("speaking failed, so the answer goes as text", extra={"facts": {"reason": reason, "hint": hint}})
        burst.note("voice", f"text_instead:{type(error).__name__}:{reason}", hint=hint)
        self.telemetry.speech.labels(burst.crew.queue.name, "text_instead").inc()


def _written(part: TextPart | VoicePart) -> dict[str, Any]:
    return {"kind": "text", "text": part.text if isinstance(part, TextPart) else part.written}
