"""utter: what a person typed, or a transfer message that no turn says, becomes what the customer gets: in writing, or
in the queue's voice where it can be."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gateway.channels.base import Capabilities
from gateway.crew import Crew
from gateway.desks.words import words
from gateway.rules.language import language_of, tagged
from gateway.rules.shaping import Draft, Script, Shape, TextPart, VoicePart, shape
from gateway.rules.voicing import WRITTEN, Occasion, after, before, reads
from gateway.steps.consider import between_turns, budget_left
from gateway.steps.speak import Speak
from storage.model import ConversationId, MediaId
from storage.store import Store, Unavailable
from tts.errors import SpeechError
from tts.profiles import PROFILES

log = logging.getLogger("recado.people")

PATIENCE = 15.0
"""Seconds to speak a transfer message: it is there already, where it was spoken when recado started."""
ENDLESS = 4
"""Times `max_voice_chars`: nobody needs to know what would be said of a text so much longer."""


@dataclass(frozen=True, slots=True)
class Uttered:
    parts: Sequence[dict[str, Any]]
    media: Sequence[MediaId] = ()
    why: str = ""
    """Why it is written and not heard as was wished, in the queue's language; empty: it is as was wished."""


@dataclass(frozen=True, slots=True)
class Utter:
    store: Store
    speak: Speak

    async def can(self, id: ConversationId, crew: Crew, capabilities: Capabilities) -> bool:
        """Whether a voice note to this contact is possible at all now."""
        return before(await self._asked_for(id, crew, capabilities)).speaks

    async def __call__(
        self, id: ConversationId, crew: Crew, capabilities: Capabilities, text: str, *, aloud: bool
    ) -> Uttered:
        """Never fails for a voice: whatever it does, the customer gets the words."""
        draft = Draft(text, tagged(language_of(text), crew.queue.language))
        occasion = await self._asked_for(id, crew, capabilities) if aloud else None
        return await self._uttered(crew, capabilities, draft, occasion)

    async def transfer(
        self, id: ConversationId, crew: Crew, capabilities: Capabilities, text: str, language: str
    ) -> Uttered:
        """The transfer message that no turn says: where the queue's `handoff.spoken` wants it, heard as the one of a
        turn is, in place of an answer that would be. Within PATIENCE, since people are not called before. Raises
        StoreError."""
        draft, spoken = Draft(text, language), crew.queue.handoff.spoken
        occasion = await between_turns(self.store, id, crew, capabilities) if spoken else None
        try:
            async with asyncio.timeout(PATIENCE):
                return await self._uttered(crew, capabilities, draft, occasion)
        except TimeoutError:
            log.warning("a transfer message goes as text", extra={"facts": {"reason": "deadline"}})
            self.speak.telemetry.speech.labels(crew.queue.name, "text_instead").inc()
            return await self._uttered(crew, capabilities, draft, None)

    async def _uttered(
        self, crew: Crew, capabilities: Capabilities, draft: Draft, occasion: Occasion | None
    ) -> Uttered:
        """`occasion`: what speaks for voice; None: it is written."""
        text, long = draft.text, len(draft.text) > ENDLESS * crew.queue.reply.max_voice_chars
        script = crew.script(text, draft.language) if occasion and not long else Script()
        characters = len(text) if long else len(script.spoken)
        verdict = after(occasion, before(occasion), directive="", characters=characters) if occasion else WRITTEN
        both = occasion is not None and occasion.format == "both"
        shaped = shape(draft, script, verdict, capabilities, both=both)
        if not shaped.speaks:
            return Uttered(_written(shaped.parts), why=reads(verdict.reason, crew.queue.language) if occasion else "")
        try:
            return await self._spoken(crew, capabilities, shaped)
        except (SpeechError, Unavailable) as error:
            reason = error.reason if isinstance(error, SpeechError) else "not_kept"
            log.warning("what was to be heard goes as text", extra={"facts": {"reason": reason}})
            self.speak.telemetry.speech.labels(crew.queue.name, "text_instead").inc()
            return Uttered(_written(shaped.as_text), why=words(crew.queue.language)["not_spoken"])

    async def _spoken(self, crew: Crew, capabilities: Capabilities, shaped: Shape) -> Uttered:
        """Raises SpeechError and Unavailable."""
        parts: list[dict[str, Any]] = []
        for part in shaped.parts:
            if isinstance(part, VoicePart):
                parts += await self.speak.typed(crew, part, shaped.language, PROFILES[capabilities.profile])
            else:
                parts += _written([part])
        return Uttered(parts, [MediaId(part["media"]["id"]) for part in parts if part["kind"] == "voice"])

    async def _asked_for(self, id: ConversationId, crew: Crew, capabilities: Capabilities) -> Occasion:
        """A person's word for it stands above the queue's format and the contact's habits, and not above what cannot
        be played or paid."""
        return Occasion(
            "voice",
            crew.queue.reply,
            spoke=False,
            can_speak=crew.voice is not None,
            can_hear=capabilities.voice_note,
            cannot_play="no_voice" in await self.store.facts(id),
            budget_left=await budget_left(self.store, crew.queue, await self.store.now()),
            asked=True,
        )


def _written(parts: Sequence[TextPart | VoicePart]) -> list[dict[str, Any]]:
    return [{"kind": "text", "text": part.text if isinstance(part, TextPart) else part.written} for part in parts]
