"""speak: what is to be heard becomes voice notes, or text when it cannot; already while it is still being written.

What is spoken ahead commits to nothing: the finished text decides which sentences the note has. Those that were spoken
ahead are in it without waiting; the others are called off, and what they cost is counted.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

from gateway import live, transcript
from gateway.burst import Burst
from gateway.config import Queue
from gateway.crew import Crew
from gateway.live import Live
from gateway.rules.budget import day_of
from gateway.rules.language import language_of, tagged
from gateway.rules.sentences import sentence
from gateway.rules.shaping import Shape, TextPart, VoicePart
from gateway.rules.voicing import Verdict
from gateway.telemetry import Telemetry
from storage.media import MediaStore
from storage.model import Media, MediaId
from storage.store import Store, Unavailable
from tts.cutting import Cutter
from tts.errors import SpeechError
from tts.ladder import Telling, Told
from tts.model import Audio, Note, Speech
from tts.profiles import PROFILES, Profile
from tts.speakable import speakable

log = logging.getLogger("recado.turns")

PATIENCE = 60.0
"""Seconds between two looks at whether a person took over, when no bell rings."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """The parts as they will be sent, and the blobs they need."""

    parts: Sequence[dict[str, Any]] = ()
    media: Sequence[MediaId] = ()


class Aloud:
    """An answer that is spoken while it is written."""

    def __init__(self, burst: Burst, telling: Telling) -> None:
        self._burst, self._telling, self._cutter = burst, telling, Cutter()
        self._stretches: list[str] = []
        self._words: dict[tuple[str, str], str] = {}
        """By stretch and language."""
        self._given = 0
        """Of the sentences, those that are being spoken."""
        self._too_long = False

    def write(self, text: str) -> None:
        """A piece of the answer that stands as it is."""
        if not self._too_long and (stretches := self._cutter.feed(text)):
            self._stretches += stretches
            self._speak()

    def again(self) -> None:
        """The answer begins anew. Sentences that come again are there already."""
        self._cutter, self._stretches, self._given, self._too_long = Cutter(), [], 0, False

    def _speak(self) -> None:
        """Unless it is known by now to be too long, or may still turn out too short."""
        language = tagged(language_of("\n".join(self._stretches)), self._burst.crew.queue.language)
        said = [words for stretch in self._stretches if (words := self._said(stretch, language))]
        least, characters = self._burst.crew.queue.reply.min_voice_chars, len(" ".join(said))
        if characters > self._most:
            self._too_long = True
            self._telling.only(())
        elif characters >= least or self._burst.spoken:
            self._telling.say(*speeches(said, language)[self._given :])
            self._given = len(said)

    @property
    def _most(self) -> int:
        """Characters: a longer answer is written, for its length or because the budget does not suffice."""
        most, occasion = self._burst.crew.queue.reply.max_voice_chars, self._burst.occasion
        return most if occasion is None or occasion.budget_left is None else min(most, occasion.budget_left)

    def _said(self, stretch: str, language: str) -> str:
        key = stretch, language
        if key not in self._words:
            crew = self._burst.crew
            pronounced = crew.queue.voice.pronunciations
            self._words[key] = speakable(stretch, language, tags=crew.tags, dictionary=pronounced).spoken
        return self._words[key]


@dataclass(frozen=True, slots=True)
class Speak:
    store: Store
    media: MediaStore
    live: Live
    telemetry: Telemetry

    @asynccontextmanager
    async def ahead(self, burst: Burst, verdict: Verdict) -> AsyncIterator[None]:
        """Inside, what the assistant writes is spoken as it comes. However it ends, nothing is left speaking, and what
        it cost is counted."""
        if burst.crew.voice is None or not verdict.speaks:
            yield
            return
        burst.telling = telling = burst.crew.voice.begin()
        burst.aloud = Aloud(burst, telling) if verdict.ahead else None
        watching = asyncio.create_task(self._until_taken_over(burst)) if verdict.ahead else None
        try:
            yield
        finally:
            if watching:
                watching.cancel()
            telling.leave()
            await self._count_wasted(burst, telling.wasted)

    async def _until_taken_over(self, burst: Burst) -> None:
        """What a person is answering now is not spoken to its end."""
        with self.live.watch(burst.conversation.id) as bell:
            while burst.conversation.hold is None:
                await bell.wait(PATIENCE)
                with suppress(Unavailable):
                    now = await self.store.conversation(burst.conversation.id)
                    if now is not None and now.hold is not None and burst.telling is not None:
                        burst.telling.leave()
                        return

    async def __call__(self, burst: Burst, shaped: Shape) -> Spoken:
        """Never fails a turn: whatever the voice does, the customer gets the answer."""
        if not shaped.speaks or burst.telling is None:
            self._count_unspoken(burst, shaped)
            return Spoken([_written(part) for part in shaped.parts])
        self.live.say(burst.conversation.id, live.RECORDING)
        with burst.step("speak", self.telemetry):
            try:
                parts = [said for part in shaped.parts for said in await self._part(burst, part, shaped.language)]
            except (SpeechError, Unavailable) as error:
                self._give_up(burst, error)
                return Spoken([_written(part) for part in shaped.as_text])
        return Spoken(parts, [MediaId(p["media"]["id"]) for p in parts if p["kind"] == "voice"])

    async def _part(self, burst: Burst, part: TextPart | VoicePart, language: str) -> list[dict[str, Any]]:
        """One, or as many as there are notes. Raises SpeechError and Unavailable."""
        if isinstance(part, TextPart) or burst.telling is None:
            return [_written(part)]
        wanted = speeches([one.spoken for one in part.stretches], language)
        told = await burst.telling.finish(wanted, PROFILES[burst.capabilities.profile])
        await self._count(burst, told)
        return await self._notes(part, told.notes)

    async def _notes(self, part: VoicePart, notes: Sequence[Note]) -> list[dict[str, Any]]:
        said, first = [], 0
        for note in notes:
            held, media = part.stretches[first : first + note.parts], await self._kept(note.audio)
            said.append({"kind": "voice", "media": transcript.media_fields(media), "written": part.after(first),
                         "transcript": " ".join(one.spoken for one in held)})  # fmt: skip
            first += note.parts
        return said

    async def _kept(self, audio: Audio) -> Media:
        media = Media(await self.media.put(audio.data), audio.mime, len(audio.data), audio.seconds, audio.waveform)
        await self.store.add_media(media)
        return media

    async def prepare(self, crew: Crew, phrase: str, profile: Profile) -> None:
        """Speaks it now, so that it is there when it is wanted. Raises SpeechError and Unavailable."""
        if crew.voice is None:
            return
        said = [one.spoken for one in crew.script(phrase, crew.queue.language).stretches]
        told = await crew.voice.begin().finish(speeches(said, crew.queue.language), profile)
        self.telemetry.speech_characters.labels(crew.queue.name).inc(told.characters)
        await self.store.spend(crew.queue.name, day_of(await self.store.now()), characters=told.characters)

    async def typed(self, crew: Crew, part: VoicePart, language: str, profile: Profile) -> list[dict[str, Any]]:
        """What a person typed, in the queue's voice: as many notes as there are. Raises SpeechError, Unavailable."""
        assert crew.voice is not None
        queue, wanted = crew.queue.name, speeches([one.spoken for one in part.stretches], language)
        telling, day = crew.voice.begin(), day_of(await self.store.now())
        try:
            told = await telling.finish(wanted, profile)
        finally:
            if telling.wasted:
                self.telemetry.speech_wasted.labels(queue).inc(telling.wasted)
                await self.store.spend(queue, day, characters=telling.wasted)
        seconds = self._counted(queue, told)
        await self.store.spend(queue, day, characters=told.characters, seconds=seconds, saved=told.saved)
        return await self._notes(part, told.notes)

    # -- what it came to -----------------------------------------------------------------------------

    async def _count(self, burst: Burst, told: Told) -> None:
        seconds = self._counted(burst.crew.queue.name, told)
        cost = {"characters": told.characters, "saved": told.saved}
        burst.note("voice", "spoken", by=told.spoken_by, seconds=seconds, **cost, fell_from=list(told.fell_from))
        await self._spend(burst, told.characters, seconds, told.saved)

    def _counted(self, queue: str, told: Told) -> float:
        """Its seconds."""
        seconds = sum(note.audio.seconds for note in told.notes)
        self.telemetry.speech.labels(queue, "fallback" if told.fell_from else "spoken").inc()
        self.telemetry.speech_seconds.labels(queue).inc(seconds)
        self.telemetry.speech_characters.labels(queue).inc(told.characters)
        self.telemetry.speech_saved.labels(queue, "cache").inc(told.saved)
        return seconds

    async def _count_wasted(self, burst: Burst, characters: int) -> None:
        """Spoken, or begun, and not in the note: another text, another voice, a person."""
        if characters:
            burst.note("voice", "called_off", characters=characters)
            self.telemetry.speech_wasted.labels(burst.crew.queue.name).inc(characters)
            await self._spend(burst, characters)

    async def _spend(self, burst: Burst, characters: int, seconds: float = 0.0, saved: int = 0) -> None:
        """A bill that cannot be written down is no reason to keep the answer from anybody."""
        queue, day = burst.crew.queue.name, day_of(burst.claim.claimed_at)
        try:
            await self.store.spend(queue, day, characters=characters, seconds=seconds, saved=saved)
        except Unavailable as error:
            facts = {"characters": characters, "why": str(error)}
            log.warning("what was spoken is not on the bill", extra={"facts": facts})

    def _count_unspoken(self, burst: Burst, shaped: Shape) -> None:
        """What text saved, where the queue would have spoken on another occasion."""
        occasion = burst.occasion
        if occasion is not None and occasion.can_speak and occasion.format != "text":
            letters = sum(len(part.text) for part in shaped.parts if isinstance(part, TextPart))
            self.telemetry.speech_saved.labels(burst.crew.queue.name, "text").inc(letters)

    def _give_up(self, burst: Burst, error: SpeechError | Unavailable) -> None:
        reason, hint = (error.reason, error.hint) if isinstance(error, SpeechError) else ("not_kept", str(error))
        if reason == "called_off":  # a person took over: no voice failed, and nothing will be sent
            return
        log.warning("speaking failed, so the answer goes as text", extra={"facts": {"reason": reason, "hint": hint}})
        burst.note("voice", f"text_instead:{type(error).__name__}:{reason}", hint=hint)
        self.telemetry.speech.labels(burst.crew.queue.name, "text_instead").inc()


def speeches(said: Sequence[str], language: str) -> list[Speech]:
    """Sentences that follow each other, each knowing its neighbours."""
    around = ["", *said, ""]
    return [Speech(text, language, around[n], around[n + 2]) for n, text in enumerate(said)]


def phrases(queue: Queue) -> Sequence[str]:
    """What is said again and again."""
    handoff = queue.handoff
    transfers = [handoff.message or sentence("transfer", queue.language), handoff.message_out_of_hours]
    transfers.append(handoff.message_nobody_online)
    return [*queue.voice.prepared, *(filter(None, transfers) if handoff.spoken else ())]


def _written(part: TextPart | VoicePart) -> dict[str, Any]:
    if isinstance(part, VoicePart):
        return {"kind": "text", "text": part.written}
    return {"kind": "text", "text": part.text} | ({"choices": list(part.choices)} if part.choices else {})
