"""A voice made of voices: the next one speaks when one cannot. And it speaks while the words are still being written.

A note is told sentence by sentence: `begin` a Telling, `say` each sentence as soon as it stands, and `finish` with the
sentences that are really wanted. Those that were said ahead are there already or on their way; others are spoken now;
what is not wanted after all is called off, and its cost is told. One voice speaks the whole note: when one sentence
fails, the next voice speaks them all.

The ladder itself ends in SpeechError; whoever called then sends the words as text. Whatever fails, the customer gets
the answer.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Protocol

from .cache import Cache, Once
from .errors import Encoding, SpeechError, Unreachable, Unspeakable
from .health import Watched, restated
from .model import Audio, Note, Speech
from .profiles import WEB, Profile

log = logging.getLogger(__name__)

MASTERING = "3"
"""Which way of making notes of sounds this is; another one must not find its notes."""
OUR_OWN = frozenset({"worker_died", "encoder_timeout", "bad_encoder"})
"""Faults of the encoder: no other voice can mend them."""

SLOWEST_S, SLACK_S = 1.0, 30.0
"""Seconds for a character, and besides: four times what the slowest reader takes. A sound that is longer is none of
these words."""


class Finisher(Protocol):
    """Makes voice notes of sounds: `tts.encode.Encoder`."""

    async def notes(self, parts: Sequence[bytes], *, profile: Profile) -> list[Note]: ...


@dataclass(frozen=True, slots=True)
class Rung:
    """A voice that remembers, and is watched."""

    voice: Cache
    watched: Watched
    acts: bool = False
    """Acts out audio tags such as [laughs]."""
    free: bool = False
    """Of our own: nobody charges for what is called off."""

    @property
    def name(self) -> str:
        return self.voice.name


@dataclass(frozen=True, slots=True)
class Told:
    """What became of a Telling."""

    notes: Sequence[Note]
    spoken_by: str
    characters: int = 0
    """Charged for what is in the notes."""
    saved: int = 0
    """That were not charged, because it was spoken before."""
    wasted: int = 0
    """Charged, at most, for what was called off."""
    fell_from: tuple[str, ...] = ()


class Ladder:
    """Voices in the order they are wanted."""

    def __init__(self, rungs: Sequence[Rung], finisher: Finisher, once: Once, *, deadline: float = 45.0) -> None:
        """`deadline`: seconds from the last word to the finished note. A voice with others below it may use half of
        what is left, so that one that hangs leaves time for the next. `once` keeps finished notes."""
        if not rungs:
            raise ValueError("a ladder needs at least one voice")
        self.rungs = tuple(rungs)
        self.finisher, self.once, self.deadline = finisher, once, deadline

    @property
    def name(self) -> str:
        return " > ".join(rung.name for rung in self.rungs)

    def begin(self) -> Telling:
        return Telling(self)

    async def speak(self, speech: Speech, profile: Profile = WEB) -> Audio:
        """One note of one sentence. Raises the last voice's SpeechError, with the reasons of all in its hint."""
        told = await self.begin().finish([speech], profile)
        return replace(told.notes[0].audio, fell_from=told.fell_from)

    async def close(self) -> None:
        outcomes = await asyncio.gather(*(rung.voice.close() for rung in self.rungs), return_exceptions=True)
        for rung, outcome in zip(self.rungs, outcomes, strict=True):
            if isinstance(outcome, Exception):
                log.warning("%s did not close: %s", rung.name, type(outcome).__name__)


class Telling:
    """One note while it is spoken. Ends with `finish` or `leave`."""

    def __init__(self, ladder: Ladder) -> None:
        self._ladder = ladder
        self._rungs = list(ladder.rungs)
        """Those that are left; the first one speaks."""
        self._asked: dict[Speech, asyncio.Task[Audio]] = {}
        self._fell: list[str] = []
        self._last: SpeechError = Unreachable("deadline")
        self._over = False
        self.wasted = 0
        """Characters that were charged, at most, for what was called off."""

    # -- ahead -------------------------------------------------------------------------------------

    def say(self, *speeches: Speech) -> None:
        """Speak these, as soon as the account lets us. Raises nothing: trouble is met by the next voice, or when it
        finishes."""
        if failures := self._failures():
            self._step_down(failures[0], list(self._asked))
        if self._rungs and not self._over:
            self._ask(speeches)

    def only(self, speeches: Iterable[Speech]) -> None:
        """Nothing but these is wanted any more."""
        wanted = set(speeches)
        for speech in [speech for speech in self._asked if speech not in wanted]:
            self._call_off(speech)

    def leave(self) -> None:
        """Nobody will hear it: whoever waits for it gets SpeechError `called_off`. Can be called twice, and after
        `finish`."""
        self._over = True
        self.only(())

    def _failures(self) -> list[SpeechError]:
        done = [task for task in self._asked.values() if task.done() and not task.cancelled()]
        return [error for task in done if isinstance(error := task.exception(), SpeechError)]

    def _ask(self, speeches: Iterable[Speech]) -> None:
        for speech in speeches:
            if speech not in self._asked:
                task = self._asked[speech] = asyncio.create_task(self._rungs[0].voice.speak(speech))
                task.add_done_callback(lambda task: task.cancelled() or task.exception())  # looked at when it matters

    def _call_off(self, speech: Speech) -> None:
        """A request that was under way may be charged, or not: nobody can know. What was only looked for among what
        is remembered costs nothing."""
        charged = self._may_be_charged(speech)
        task = self._asked.pop(speech)
        if task.cancel():
            self.wasted += len(speech.text) if charged else 0
        elif not task.cancelled() and task.exception() is None:
            self.wasted += task.result().characters

    def _may_be_charged(self, speech: Speech) -> bool:
        """Whether the voice is being asked for it, and for nobody who stays: whoever stays is charged."""
        rung = self._rungs[0]
        waiting, key = rung.voice.asks(speech), rung.voice.key(speech)
        ours = sum(rung.voice.key(other) == key for other in self._asked) if waiting else 0
        return 0 < waiting <= ours and not rung.free

    def _step_down(self, error: SpeechError, speeches: Sequence[Speech]) -> None:
        """The next voice speaks what this one was to speak."""
        self._fell.append(f"{self._rungs[0].name}: {error.reason}")
        self._last = error
        self.only(())
        del self._rungs[0]
        if self._rungs:
            self._ask(speeches)

    # -- the note ----------------------------------------------------------------------------------

    async def finish(self, speeches: Sequence[Speech], profile: Profile) -> Told:
        """The notes of just these sentences, in their order, as they play where the profile names.

        Raises the last voice's SpeechError, with the reasons of all in its hint.
        """
        if not speeches:
            raise Unspeakable("nothing_to_speak", hint="There was nothing to say.")
        end = asyncio.get_running_loop().time() + self._ladder.deadline
        self.only(speeches)
        try:
            while self._rungs and not self._over:
                try:
                    return await self._told(speeches, profile, end)
                except SpeechError as error:
                    if error.reason in OUR_OWN:
                        raise
                    self._step_down(error, () if self._over else speeches)
        finally:
            self.only(())
        if self._over:
            raise SpeechError("called_off", hint="Nobody wants to hear it any more.")
        raise restated(self._last, f"{self._last.hint} No voice could speak: {'; '.join(self._fell)}.".lstrip())

    async def _told(self, speeches: Sequence[Speech], profile: Profile, end: float) -> Told:
        """By the first voice that is left."""
        rung, now = self._rungs[0], asyncio.get_running_loop().time()
        key = hashlib.sha256(f"{MASTERING} {profile.name} {rung.voice.key(*speeches)}".encode()).hexdigest()
        try:
            async with asyncio.timeout_at(end if len(self._rungs) == 1 else now + (end - now) / 2):
                if kept := await self._ladder.once.recall(key):
                    return self._kept(rung, kept, len(speeches))
                sounds = await self._sounds(speeches)
        except TimeoutError:
            hint = f"{rung.name} did not speak in time: lower voice.timeout_s so that a fallback has time left."
            late = Unreachable("deadline", hint=hint)
            rung.watched.failed(late)
            raise late from None
        told = self._spoken(rung, speeches, sounds, await self._notes(rung, speeches, sounds, profile, end))
        await self._keep(key, told, end)
        return told

    def _kept(self, rung: Rung, note: Audio, parts: int) -> Told:
        """The very same note was made before."""
        self.only(())
        return Told([Note(note, parts)], rung.name, 0, note.saved, self.wasted, tuple(self._fell))

    async def _notes(
        self, rung: Rung, speeches: Sequence[Speech], sounds: Sequence[Audio], profile: Profile, end: float
    ) -> Sequence[Note]:
        """Made of the sounds. The voice is blamed for what cannot become a note, and never for an encoder that is
        late: the next voice would wait for the same one."""
        try:
            async with asyncio.timeout_at(end):
                notes = await self._finished([sound.data for sound in sounds], profile)
            _plausible(notes, speeches)
        except TimeoutError:
            hint = "The encoder was busy for too long with other sounds: is the machine too small?"
            raise Encoding("encoder_timeout", hint=hint, retryable=True) from None
        except Encoding as error:
            await self._blamed(rung, error, speeches)
            raise
        if self._over:
            raise SpeechError("called_off")
        return notes

    async def _finished(self, parts: Sequence[bytes], profile: Profile) -> Sequence[Note]:
        """Bytes that nobody foresaw may break the encoder: the next voice's are others."""
        try:
            return await self._ladder.finisher.notes(parts, profile=profile)
        except (SpeechError, TimeoutError):
            raise
        except Exception as error:
            log.exception("a note could not be made")
            raise Encoding(f"unexpected_{type(error).__name__}", hint="A fault in the gateway: see its log.") from error

    def _spoken(self, rung: Rung, speeches: Sequence[Speech], sounds: Sequence[Audio], notes: Sequence[Note]) -> Told:
        """What comes again in one note was charged once."""
        rung.watched.spoke()
        self._asked.clear()
        cost = sum(sound.characters for sound in dict(zip(speeches, sounds, strict=True)).values())
        saved = sum(sound.characters + sound.saved for sound in sounds) - cost
        named = [replace(note, audio=replace(note.audio, spoken_by=rung.name, characters=0)) for note in notes]
        return Told(named, rung.name, cost, saved, self.wasted, tuple(self._fell))

    async def _keep(self, key: str, told: Told, end: float) -> None:
        """A disk that is slow keeps no note from anybody; and whoever is stopped here has bought it all the same."""
        if len(told.notes) > 1:
            return
        note = replace(told.notes[0].audio, spoken_by="", characters=told.characters + told.saved)
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout_at(end):
                    await self._ladder.once.keep(key, note)
        except asyncio.CancelledError:
            self.wasted += told.characters
            raise

    async def _sounds(self, speeches: Sequence[Speech]) -> list[Audio]:
        """Each sentence's. Raises SpeechError as soon as one fails."""
        self._look()
        self._ask(speeches)
        tasks = [self._asked[speech] for speech in speeches]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        self._look()
        return [task.result() for task in tasks]

    def _look(self) -> None:
        """Raises SpeechError when it is known already that this voice will not speak it all."""
        if failures := self._failures():
            raise failures[0]
        if self._over:
            raise SpeechError("called_off")

    async def _blamed(self, rung: Rung, error: Encoding, speeches: Sequence[Speech]) -> None:
        """The bytes were no good: they are not remembered, and the voice that sent them is not well."""
        if error.reason not in OUR_OWN:
            rung.watched.failed(error)
            for speech in speeches:
                await rung.voice.forget(speech)


def _plausible(notes: Sequence[Note], speeches: Sequence[Speech]) -> None:
    """Voices have been heard to go on and on. Raises Encoding for what no reader would need so long for."""
    seconds, letters = sum(note.audio.seconds for note in notes), sum(len(speech.text) for speech in speeches)
    if seconds > SLACK_S + letters * SLOWEST_S:
        hint = f"{seconds:.0f} s of sound for {letters} characters: try another model, or another voice."
        raise Encoding("too_long", hint=hint)
