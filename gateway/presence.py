"""What the contact sees while we work: that it was read, and "typing…" or "recording audio…" until the answer is there.

All of it is courtesy: in tasks of its own, never in anybody's way, and whatever it meets is told in a log line at most.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.channels.base import Hooked, Inbound, Showing
from gateway.config import ChannelSettings, Queue
from gateway.live import IDLE, RECORDING, Live
from gateway.transcript import Received, received
from storage.model import Conversation, ConversationId, Kind
from storage.store import Store

log = logging.getLogger("recado.presence")

MOST = 500
"""Conversations shown to at once; those beyond it see nothing and miss nothing."""
AT_ONCE = 16
"""Read receipts under way: in a flood of messages they wait, so that taking the messages does not."""
PATIENCE = 300.0
"""Seconds after which a turn is not worth waiting for any more."""


@dataclass(slots=True)
class Presence:
    store: Store
    live: Live
    channels: Mapping[str, Hooked]
    """Providers' channels by name."""
    settings: Mapping[str, ChannelSettings]
    queues: Mapping[str, Queue]
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _room: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    def busy(self, conversation: ConversationId, channel: str) -> None:
        """Something is being done for it: show so until it is idle again."""
        shows = self.channels.get(channel)
        if shows and self.settings[channel].presence and shows.capabilities.presence_every:
            self._go(self._show(conversation, shows))

    def read(self, conversation: ConversationId, channel: str, message: Inbound) -> None:
        """It is on disk and somebody will answer: the contact may know. Not when a person has it: he has not read."""
        if channel in self.channels and (self.settings[channel].read_receipts or message.token):
            pressed = bool(message.token)  # a button spins until it is answered
            self._go(self._acknowledge(conversation, self.channels[channel], message), always=pressed)

    def glimpse(self, conversation: Conversation, doing: Showing) -> None:
        """Between two parts of a reply."""
        channel = self.channels.get(conversation.channel)
        if channel and self.settings[channel.name].presence and channel.capabilities.presence_every:
            self._go(channel.show(conversation.address, "", doing))

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _go(self, courtesy: Coroutine[Any, Any, None], *, always: bool = False) -> None:
        if len(self._tasks) >= MOST and not always:
            courtesy.close()
            return
        task: asyncio.Task[None] = asyncio.create_task(_quietly(courtesy))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _acknowledge(self, id: ConversationId, channel: Hooked, message: Inbound) -> None:
        async with self._room:
            if await self._answerable(id):
                await channel.acknowledge(message)

    async def _show(self, id: ConversationId, channel: Hooked) -> None:
        conversation = await self._answerable(id)
        if conversation is None or conversation.group:
            return
        last = next(map(received, await self.store.latest(id, Kind.IN, 1)), None)
        waiting: Showing = "recording" if await self._will_speak(conversation, last) else "composing"
        try:
            async with asyncio.timeout(PATIENCE):
                await self._until_idle(conversation, last.id if last else "", waiting, channel)
        except TimeoutError:
            log.info("a turn takes too long to be shown as typing")

    async def _answerable(self, id: ConversationId) -> Conversation | None:
        """None while nobody is going to answer: a person has it, or the contact has left."""
        conversation = await self.store.conversation(id)
        silent = conversation is None or conversation.hold is not None or "opted_out" in await self.store.facts(id)
        return None if silent else conversation

    async def _will_speak(self, conversation: Conversation, last: Received | None) -> bool:
        """As far as it can be told before anybody thought about the answer."""
        queue = self.queues.get(conversation.queue)
        spoke = last is not None and any(kept.kind == "voice" for kept in last.attachments)
        format = queue.reply.format if queue else "text"
        heard = format in ("voice", "both") or (format in ("mirror", "smart") and spoke)
        return heard and not {"no_voice", "prefers_text"} & set(await self.store.facts(conversation.id))

    def _doing(self, id: ConversationId, waiting: Showing) -> Showing:
        """Only who makes the turn knows; before that, and where another process does, what was to be expected."""
        if not self.live.makes(id):
            return waiting
        return "recording" if self.live.state(id) == RECORDING else "composing"

    async def _until_idle(
        self, conversation: Conversation, message: str, waiting: Showing, channel: Hooked
    ) -> None:
        shown, every = "", channel.capabilities.presence_every
        with self.live.watch(conversation.id) as bell:
            while self.live.state(conversation.id) != IDLE and await self._answerable(conversation.id):
                doing = self._doing(conversation.id, waiting)
                if doing != shown:
                    await channel.show(conversation.address, message, doing)
                    shown = doing
                if not await bell.wait(every):
                    shown = ""


async def _quietly(courtesy: Coroutine[Any, Any, None]) -> None:
    try:
        await courtesy
    except Exception as error:
        log.info("a courtesy failed", extra={"facts": {"error": type(error).__name__}})

