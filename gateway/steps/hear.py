"""hear: voice notes become words."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

from gateway.burst import Burst
from gateway.crew import Crew
from gateway.hearing.base import HearingError
from gateway.rules.precedence import Said
from gateway.telemetry import Telemetry
from gateway.transcript import Received
from storage.media import MediaFolder
from storage.model import Media
from storage.store import Store

log = logging.getLogger("recado.turns")


@dataclass(frozen=True, slots=True)
class Hear:
    store: Store
    media: MediaFolder
    telemetry: Telemetry

    async def __call__(self, burst: Burst) -> None:
        """All notes at once. One that cannot be heard carries its problem; the burst goes on."""
        with burst.step("hear", self.telemetry) as step:
            burst.said = await asyncio.gather(*(self._understand(burst, m) for m in burst.messages))
            step["spoken"] = sum(said.spoken for said in burst.said)

    async def _understand(self, burst: Burst, message: Received) -> Said:
        if message.audio is None or burst.exhausted:
            return Said(message.text, spoken=message.audio is not None)
        try:
            heard = await self._words(burst.crew, message.audio)
        except HearingError as error:
            facts = {"reason": error.reason, "hint": error.hint}
            log.warning("a voice note was not heard", extra={"facts": facts})
            burst.note("hear", f"hearing_failed:{error.reason}", hint=error.hint)
            return Said(message.text, spoken=True, problem="hearing_unavailable")
        words = "\n".join(text for text in (heard, message.text) if text)
        return Said(words, spoken=True, problem="" if heard else "nothing_heard")

    async def _words(self, crew: Crew, note: Media) -> str:
        """From the last time, or from the queue's ear. Raises HearingError."""
        known = await self.store.heard(note.id)
        if known is not None:
            return known[0]
        if crew.hearing is None:
            raise HearingError("no_hearing", hint="set [queues.hearing] provider to hear voice notes")
        result = "failed"
        try:
            audio = await self._bytes(note)
            heard = await crew.hearing.hear(audio, note.mime, crew.queue.language)
            result = "heard" if heard.text else "nothing"
        finally:
            self.telemetry.hearing.labels(crew.queue.name, result).inc()
        await self.store.remember_heard(note.id, heard.text, heard.language)
        return heard.text

    async def _bytes(self, note: Media) -> bytes:
        try:
            return await self.media.read(note.id)
        except OSError as error:
            hint = f"The media folder does not give a voice note back: {error.strerror or error}."
            raise HearingError("note_unreadable", hint=hint) from error
