"""What was said once is not paid for twice: sound that is made once, and a voice that remembers.

The key of a sentence is everything that shapes its sound: text, what was said before it, language, voice, settings
and where it comes from. Errors are not remembered.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace

from .errors import Unreachable
from .model import Audio, Speech, Synthesizer
from .shelves import Shelf


@dataclass(slots=True)
class _Flight:
    """One look at the shelf and, if need be, one making; and how many wait for it."""

    task: asyncio.Task[Audio]
    waiting: int = 0
    making: bool = False
    """It did not lie on the shelf."""
    charged: bool = False
    """One of those who wait carries the cost, not each."""


class Once:
    """Whatever is wanted by the same key is made once: from the shelf if it lies there, and by one maker if several
    want it at the same time. One for the whole process."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._flights: dict[str, _Flight] = {}

    async def __call__(self, key: str, make: Callable[[], Awaitable[Audio]]) -> Audio:
        """What is remembered cost nothing: its `characters` are 0, and `saved` says what it cost once. Raises what
        `make` raises, and Unreachable for those who still wait when it closes."""
        flight = self._flights.get(key) or self._take_off(key, make)
        flight.waiting += 1
        try:
            audio = await self._wait(flight)
        finally:
            flight.waiting -= 1
            if not flight.waiting:
                self._leave(key, flight)
        charged, flight.charged = flight.charged, True
        return _free(audio) if charged else audio

    def makes(self, key: str) -> int:
        """For how many it is being made just now; looking for it on the shelf is not making it."""
        flight = self._flights.get(key)
        return flight.waiting if flight is not None and flight.making else 0

    async def recall(self, key: str) -> Audio | None:
        """What is remembered, without making it. It cost nothing."""
        kept = await self._shelf.find(key)
        return _free(kept) if kept else None

    async def keep(self, key: str, audio: Audio) -> None:
        await self._shelf.keep(key, audio)

    async def forget(self, key: str) -> None:
        await self._shelf.forget(key)

    async def close(self) -> None:
        """Can be called twice."""
        flights = list(self._flights.values())
        for flight in flights:
            flight.task.cancel()
        await asyncio.gather(*(flight.task for flight in flights), return_exceptions=True)

    def _take_off(self, key: str, make: Callable[[], Awaitable[Audio]]) -> _Flight:
        flight = self._flights[key] = _Flight(asyncio.create_task(self._recall_or_make(key, make)))
        # Everybody may have stopped waiting by the time it fails.
        flight.task.add_done_callback(lambda task: task.cancelled() or task.exception())
        return flight

    async def _recall_or_make(self, key: str, make: Callable[[], Awaitable[Audio]]) -> Audio:
        if kept := await self._shelf.find(key):
            return _free(kept)
        self._flights[key].making = True
        audio = await make()
        await self._shelf.keep(key, audio)
        return audio

    async def _wait(self, flight: _Flight) -> Audio:
        """A task of its own makes it, so whoever asked first may be cancelled without taking the others along."""
        try:
            return await asyncio.shield(flight.task)
        except asyncio.CancelledError:
            me = asyncio.current_task()
            if flight.task.cancelled() and me is not None and not me.cancelling():
                raise Unreachable("closed", retryable=False, hint="The gateway is shutting down.") from None
            raise

    def _leave(self, key: str, flight: _Flight) -> None:
        """Nobody waits any more: what nobody will hear is not made to its end."""
        if self._flights.get(key) is flight:
            del self._flights[key]
        flight.task.cancel()


def _free(audio: Audio) -> Audio:
    return replace(audio, characters=0, saved=audio.saved + audio.characters)


class Cache:
    """A Synthesizer: what another one says, remembered."""

    def __init__(
        self,
        voice: Synthesizer,
        once: Once,
        *,
        settings: Mapping[str, float] | None = None,
        source: str = "",
        carries_on: bool = True,
    ) -> None:
        """`settings` and `source` (provider, address, format) are whatever shapes the sound beside the voice's
        name. `carries_on`: what was said before shapes it, too."""
        self._voice = voice
        self._once = once
        self._carries_on = carries_on
        self._salt = [voice.name, sorted((settings or {}).items()), source]

    @property
    def name(self) -> str:
        return self._voice.name

    async def speak(self, speech: Speech) -> Audio:
        """Raises what the voice raises."""
        return await self._once(self.key(speech), lambda: self._voice.speak(speech))

    def asks(self, speech: Speech) -> int:
        """For how many the voice is being asked for it just now, so that it may be charged."""
        return self._once.makes(self.key(speech))

    async def forget(self, speech: Speech) -> None:
        """It was no good after all."""
        await self._once.forget(self.key(speech))

    def key(self, *said: Speech) -> str:
        """Of one sentence, or of several one after the other."""
        words = [[speech.text, speech.language, speech.previous_text if self._carries_on else ""] for speech in said]
        return hashlib.sha256(json.dumps([*self._salt, *words]).encode()).hexdigest()

    async def close(self) -> None:
        """Closes the voice; what is remembered is its builder's."""
        await self._voice.close()
