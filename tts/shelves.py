"""Where sound that was made once lies: in memory, or in a folder that survives a restart.

Bounded in size (what was longest unheard goes first) and in age: a voice that was trained anew keeps its name.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from .model import Audio

log = logging.getLogger(__name__)

MAX_AGE_S = 90 * 86_400.0
"""Since it was made."""


class Shelf(Protocol):
    async def find(self, key: str) -> Audio | None:
        """As it was kept: its `characters` are what it cost then."""
        ...

    async def keep(self, key: str, audio: Audio) -> None: ...

    async def forget(self, key: str) -> None: ...


class Memory:
    """A shelf that is empty after a restart."""

    def __init__(
        self,
        max_bytes: int = 64 * 1024 * 1024,
        *,
        max_age_s: float = MAX_AGE_S,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._max_bytes, self._max_age_s, self._clock = max_bytes, max_age_s, clock
        self._kept: OrderedDict[str, tuple[float, Audio]] = OrderedDict()
        self.bytes = 0
        """Of sound. What is known about each is not counted."""

    async def find(self, key: str) -> Audio | None:
        if key not in self._kept:
            return None
        made, audio = self._kept[key]
        if self._clock() - made > self._max_age_s:
            await self.forget(key)
            return None
        self._kept.move_to_end(key)
        return audio

    async def keep(self, key: str, audio: Audio) -> None:
        await self.forget(key)
        self._kept[key] = self._clock(), audio
        self.bytes += len(audio.data)
        while self.bytes > self._max_bytes:
            await self.forget(next(iter(self._kept)))

    async def forget(self, key: str) -> None:
        if gone := self._kept.pop(key, None):
            self.bytes -= len(gone[1].data)


class Folder:
    """A shelf on disk: one file a sound, a line of JSON and then the bytes.

    A file that cannot be read is a sound that was never kept; a full disk costs money, not answers.
    """

    def __init__(
        self,
        path: Path,
        max_bytes: int = 512 * 1024 * 1024,
        *,
        max_age_s: float = MAX_AGE_S,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._path, self._max_bytes, self._max_age_s, self._clock = path, max_bytes, max_age_s, clock
        self._bytes: int | None = None
        """What lies there, as far as we know; None before the first look. Another process may share the folder, so
        it is counted again before anything is thrown away."""
        self._writing = threading.Lock()

    async def find(self, key: str) -> Audio | None:
        return await asyncio.to_thread(self._find, key)

    async def keep(self, key: str, audio: Audio) -> None:
        await asyncio.to_thread(self._keep, key, audio)

    async def forget(self, key: str) -> None:
        await asyncio.to_thread(_removed, self._path / key)

    def _find(self, key: str) -> Audio | None:
        file = self._path / key
        try:
            head, _, data = file.read_bytes().partition(b"\n")
            facts = json.loads(head)
            if len(data) != facts.pop("bytes") or _digest(data) != facts.pop("digest"):
                raise ValueError("the file is not as it was written")
            if self._clock() - facts.pop("made") > self._max_age_s:
                _removed(file)
                return None
            with suppress(OSError):  # when it was last heard matters less than that it is here
                os.utime(file)
            return Audio(data, **{**facts, "waveform": tuple(facts["waveform"])})
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            log.warning("remembered sound cannot be read (%s): it is spoken again", error)
            return None

    def _keep(self, key: str, audio: Audio) -> None:
        draft = self._path / f".{key}"
        written = json.dumps(self._facts(audio)).encode() + b"\n" + audio.data
        try:
            with self._writing:
                self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
                _write_private(draft, written)
                draft.replace(self._path / key)
                self._make_room(len(written))
        except OSError as error:
            _removed(draft)  # on a full disk a half is room that somebody needs
            log.warning("sound cannot be remembered: %s", error)

    def _facts(self, audio: Audio) -> dict[str, Any]:
        return {
            "mime": audio.mime,
            "seconds": audio.seconds,
            "waveform": audio.waveform,
            "spoken_by": audio.spoken_by,
            "characters": audio.characters,
            "bytes": len(audio.data),
            "digest": _digest(audio.data),
            "made": self._clock(),
        }

    def _make_room(self, added: int) -> None:
        if self._bytes is not None and self._bytes + added <= self._max_bytes:
            self._bytes += added
            return
        kept = sorted(self._files(), key=lambda found: found[0].st_mtime_ns)
        self._bytes = sum(stat.st_size for stat, _ in kept)
        for stat, file in kept:
            if self._bytes <= self._max_bytes:
                return
            file.unlink(missing_ok=True)
            self._bytes -= stat.st_size

    def _files(self) -> Iterator[tuple[os.stat_result, Path]]:
        for file in list(self._path.iterdir()):
            try:
                yield file.stat(), file
            except FileNotFoundError:
                continue  # another process shares the folder and made room first


def _digest(data: bytes) -> str:
    """A file whose end a power cut left empty may have the right length; nobody should hear it for ninety days."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def _removed(file: Path) -> None:
    """If it can be: what cannot be removed harms nobody."""
    with suppress(OSError):
        file.unlink(missing_ok=True)


def _write_private(path: Path, data: bytes) -> None:
    """What was said to a customer is for our eyes only."""
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(data)
