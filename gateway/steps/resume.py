"""resume: a person may have let go meanwhile, or long ago without a word."""

from __future__ import annotations

from dataclasses import dataclass, replace

import orjson

from gateway.burst import Burst
from gateway.rules.resuming import over_at
from storage.model import ConversationId, Kind
from storage.store import Store

LATELY = 50
"""Of what was sent to a contact, what is looked through for people's words."""


@dataclass(frozen=True, slots=True)
class Resume:
    store: Store

    async def __call__(self, burst: Burst) -> None:
        """Hearing takes a while, so the hold is looked at again. (One who took over is met at settle.)"""
        if burst.conversation.hold is None:
            return
        burst.conversation = await self.store.conversation(burst.conversation.id) or burst.conversation
        if (hold := burst.conversation.hold) is None:
            return
        over = over_at(hold, await acted_at(self.store, burst.conversation.id), burst.crew.queue)
        if over is not None and over.ms <= burst.claim.claimed_at:
            await self.store.release(burst.conversation.id)
            burst.conversation = replace(burst.conversation, hold=None)
            burst.note("resume", over.why, held_since=hold.at, over_since=over.ms)


async def acted_at(store: Store, conversation: ConversationId) -> int:
    """When people last wrote to the contact, in milliseconds; 0: not lately."""
    bodies = [orjson.loads(entry.body) for entry in await store.latest(conversation, Kind.OUT, LATELY)]
    return max((int(body["at"]) for body in bodies if body.get("person")), default=0)
