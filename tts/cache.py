"""What was said once is not paid for twice: a voice that remembers.

The key is everything that shapes the sound: text, surroundings, language, voice name, settings and profile.
Errors are not remembered, and neither is what a fallback said: tomorrow the wanted voice may be back.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import os
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from .errors import Unreachable
from .model import Audio, Speech, Synthesizer

log = logging.getLogger(__name__)


class Shelf(Protocol):
    """Where remembered audio lies. Bounded: what was longest unheard goes first."""

    async def find(self, key: str) -> Audio | None: ...

    async def keep(self, key: str, audio: Audio) -> None: ...


class Memory:
    """A shelf that is empty after a restart."""

    def __init__(self, max_bytes: int = 64 * 1024 * 1024) -> None:
        self._max_bytes = max_bytes
        self._kept: OrderedDict[str, Audio] = OrderedDict()
        self.bytes = 0
        """Of sound. What is known about each is not counted."""

    async def find(self, key: str) -> Audio | None:
        if key in self._kept:
            self._kept.move_to_end(key)
        return self._kept.get(key)

    async def keep(self, key: str, audio: Audio) -> None:
        self._drop(key)
        self._kept[key] = audio
        self.bytes += len(audio.data)
        while self.bytes > self._max_bytes:
            self._drop(next(iter(self._kept)))

    def _drop(self, key: str) -> None:
        if gone := self._kept.pop(key, None):
            self.bytes -= len(gone.data)


class Folder:
    """A shelf on disk: one file a note, a line of JSON and then the sound. Survives a restart.

    A file that cannot be read is a note that was never kept; a full disk costs money, not answers.
    """

    def __init__(self, path: Path, max_bytes: int = 512 * 1024 * 1024) -> None:
        self._path = path
        self._max_bytes = max_bytes
        self._writing = threading.Lock()

    async def find(self, key: str) -> Audio | None:
        return await asyncio.to_thread(self._find, key)

    async def keep(self, key: str, audio: Audio) -> None:
        await asyncio.to_thread(self._keep, key, audio)

    def _find(self, key: str) -> Audio | None:
        file = self._path / key
        try:
            head, _, data = file.read_bytes().partition(b"\n")
            facts = json.loads(head)
            os.utime(file)
            if len(data) != facts.pop("bytes"):
                raise ValueError("the file is short")
            return Audio(data, **{**facts, "waveform": tuple(facts["waveform"])})
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            log.warning("a remembered note cannot be read (%s): it is spoken again", error)
            return None

    def _keep(self, key: str, audio: Audio) -> None:
        facts = {
            "mime": audio.mime,
            "seconds": audio.seconds,
            "waveform": audio.waveform,
            "spoken_by": audio.spoken_by,
            "bytes": len(audio.data),
        }
        draft = self._path / f".{key}"
        try:
            with self._writing:
                self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
                _write_private(draft, json.dumps(facts).encode() + b"\n" + audio.data)
                draft.replace(self._path / key)
                self._make_room()
        except OSError as error:
            log.warning("a note cannot be remembered: %s", error)

    def _make_room(self) -> None:
        notes = sorted(self._notes(), key=lambda note: note[0].st_mtime_ns)
        excess = sum(stat.st_size for stat, _ in notes) - self._max_bytes
        for stat, file in notes:
            if excess <= 0:
                return
            file.unlink(missing_ok=True)
            excess -= stat.st_size

    def _notes(self) -> Iterator[tuple[os.stat_result, Path]]:
        for file in list(self._path.iterdir()):
            try:
                yield file.stat(), file
            except FileNotFoundError:
                continue  # another process shares the folder and made room first


def _write_private(path: Path, data: bytes) -> None:
    """What was said to a customer is for our eyes only."""
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(data)


@dataclass(slots=True)
class _Flight:
    """One look at the shelf and, if need be, one request to the voice; and how many wait for it."""

    task: asyncio.Task[Audio]
    waiting: int = 0
    charged: bool = False
    """One of those who wait carries the cost, not each."""


class Cache:
    """Remembers what `voice` said; identical requests at the same time are one request."""

    def __init__(
        self,
        voice: Synthesizer,
        shelf: Shelf,
        *,
        settings: Mapping[str, float] | None = None,
        profile: str = "",
    ) -> None:
        """`settings` and `profile` (output format, bit rate, loudness) are whatever shapes the sound beside
        the voice's name. One shelf may serve many voices.
        """
        self._voice = voice
        self._shelf = shelf
        self._salt = [voice.name, sorted((settings or {}).items()), profile]
        self._flights: dict[str, _Flight] = {}

    @property
    def name(self) -> str:
        return self._voice.name

    async def speak(self, speech: Speech) -> Audio:
        """Remembered audio cost nothing: its `characters` are 0. Raises what the voice raises."""
        key = self.key(speech)
        flight = self._flights.get(key) or self._take_off(key, speech)
        flight.waiting += 1
        try:
            audio = await self._wait(flight)
        finally:
            flight.waiting -= 1
            if not flight.waiting:
                self._leave(key, flight)
        charged, flight.charged = flight.charged, True
        return replace(audio, characters=0) if charged else audio

    def key(self, speech: Speech) -> str:
        said = [speech.text, speech.language, speech.previous_text, speech.next_text]
        return hashlib.sha256(json.dumps([*self._salt, *said]).encode()).hexdigest()

    async def close(self) -> None:
        """Whoever still waits gets Unreachable."""
        flights = list(self._flights.values())
        for flight in flights:
            flight.task.cancel()
        await asyncio.gather(*(flight.task for flight in flights), return_exceptions=True)
        await self._voice.close()

    def _take_off(self, key: str, speech: Speech) -> _Flight:
        flight = self._flights[key] = _Flight(asyncio.create_task(self._recall_or_speak(key, speech)))
        # Everybody may have stopped waiting by the time it fails.
        flight.task.add_done_callback(lambda task: task.cancelled() or task.exception())
        return flight

    async def _recall_or_speak(self, key: str, speech: Speech) -> Audio:
        if kept := await self._shelf.find(key):
            return replace(kept, characters=0)
        audio = await self._voice.speak(speech)
        if not audio.fell_from:
            await self._shelf.keep(key, audio)
        return audio

    async def _wait(self, flight: _Flight) -> Audio:
        """A task of its own speaks, so whoever asked first may be cancelled without taking the others
        along.
        """
        try:
            return await asyncio.shield(flight.task)
        except asyncio.CancelledError:
            me = asyncio.current_task()
            if flight.task.cancelled() and me is not None and not me.cancelling():
                raise Unreachable("closed", retryable=False, hint="The gateway is shutting down.") from None
            raise

    def _leave(self, key: str, flight: _Flight) -> None:
        """Nobody waits any more: what nobody will hear is not spoken to its end."""
        if self._flights.get(key) is flight:
            del self._flights[key]
        flight.task.cancel()
