"""Media that a message only names: fetched at once, kept by content hash, remembered for good.

A message is acknowledged before its media are here, because a provider waits for milliseconds and a file takes
seconds. The turn asks for them again, so one that a crash lost is fetched then.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from gateway.channels.base import Attachment, Hooked, NotFetched
from gateway.intake import keep
from gateway.telemetry import Telemetry
from gateway.transcript import Kept, Received
from storage.media import MediaStore
from storage.model import ConversationId, Fetched, Media
from storage.store import Store, Unavailable
from tts.encode import Encoder
from tts.errors import Encoding

log = logging.getLogger("recado.fetching")

LIMIT = 20 * 1024 * 1024
"""Bytes of one medium; what is longer is not fetched."""
AT_ONCE = 8
"""Downloads at the same time; the others wait their turn."""
MOST = 500
"""Downloads that run or wait for their turn."""
PATIENCE = 45.0
"""Seconds for one download."""
PAUSES = (1.0, 3.0)
"""Seconds before the second and third try."""
SOUNDS = ("voice", "audio")

Key = tuple[ConversationId, int, int]


@dataclass(slots=True)
class Fetching:
    store: Store
    folder: MediaStore
    encoder: Encoder
    channels: Mapping[str, Hooked]
    telemetry: Telemetry
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    _running: dict[Key, asyncio.Task[Fetched]] = field(default_factory=dict)
    _room: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    def soon(
        self, channel: str, conversation: ConversationId, seq: int, attachments: Sequence[Attachment]
    ) -> None:
        """Begin now, and do not wait. What there is no room for, its turn will ask for."""
        for n, one in enumerate(attachments):
            if one.ref and not one.data and len(self._running) < MOST:
                self._task(channel, (conversation, seq, n), Kept(one.kind, one.mime, one.ref, one.name, one.size))

    async def media(self, channel: str, conversation: ConversationId, message: Received) -> list[Fetched]:
        """What has become of each of the message's attachments, in their order."""
        before = await self.store.fetched(conversation, message.seq - 1, message.seq) if message.attachments else []
        known = {one.n: one for one in before}
        return [
            known.get(n) or await self._one(channel, (conversation, message.seq, n), kept)
            for n, kept in enumerate(message.attachments)
        ]

    async def close(self) -> None:
        for task in self._running.values():
            task.cancel()
        await asyncio.gather(*self._running.values(), return_exceptions=True)

    async def _one(self, channel: str, key: Key, kept: Kept) -> Fetched:
        if kept.media:
            return Fetched(key[1], key[2], kept.media)
        if not kept.ref:
            return Fetched(key[1], key[2], None, "not_readable")
        return await asyncio.shield(self._task(channel, key, kept))

    def _task(self, channel: str, key: Key, kept: Kept) -> asyncio.Task[Fetched]:
        """One for each medium, whoever asks first."""
        if key not in self._running:
            task = self._running[key] = asyncio.create_task(self._fetch(channel, key, kept))
            task.add_done_callback(lambda _: self._running.pop(key, None))
        return self._running[key]

    async def _fetch(self, channel: str, key: Key, kept: Kept) -> Fetched:
        conversation, seq, n = key
        try:
            fetched = Fetched(seq, n, await self._keep(await self._download(channel, kept), kept))
        except NotFetched as error:
            fetched = Fetched(seq, n, None, error.reason)
            if error.retryable:
                return self._told(channel, fetched)  # not for good: the turn, or its next try, asks again
        except Exception as error:  # a task of its own: nobody else would hear of it
            log.exception("a medium could not be kept")
            return self._told(channel, Fetched(seq, n, None, type(error).__name__))
        try:
            await self.store.remember_fetched(conversation, fetched)
        except Unavailable as error:
            log.warning("a fetched medium is not written down", extra={"facts": {"error": str(error)}})
        return self._told(channel, fetched)

    def _told(self, channel: str, fetched: Fetched) -> Fetched:
        self.telemetry.fetched.labels(channel, fetched.problem or "fetched").inc()
        if fetched.problem:
            log.warning("a medium was not fetched", extra={"facts": {"channel": channel, "why": fetched.problem}})
        return fetched

    async def _download(self, channel: str, kept: Kept) -> bytes:
        """Three tries. Raises NotFetched."""
        if channel not in self.channels:
            raise NotFetched("channel_not_configured", retryable=True)
        if kept.size > LIMIT:
            raise NotFetched("too_large")
        for pause in (*PAUSES, None):
            try:
                async with self._room, asyncio.timeout(PATIENCE):
                    return await self.channels[channel].fetch(kept.ref, LIMIT)
            except TimeoutError:
                error = NotFetched("timeout", retryable=True)
            except NotFetched as refused:
                error = refused
            if pause is None or not error.retryable:
                raise error
            await self.sleep(pause)
        raise AssertionError("the last try returns or raises")

    async def _keep(self, data: bytes, kept: Kept) -> Media:
        """Raises NotFetched for a sound that is none."""
        if kept.kind not in SOUNDS:
            return await keep(self.store, self.folder, data, kept.mime)
        try:
            sound = await self.encoder.inspect(data)
        except Encoding as error:
            raise NotFetched("not_a_sound", retryable=error.retryable) from None
        media = Media(await self.folder.put(data), sound.mime, len(data), sound.seconds, sound.waveform)
        await self.store.add_media(media)
        return media
