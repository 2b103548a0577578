"""later: looks at a conversation when its time has come, and begins a turn where there is something to do.

Everything that happens without anybody having written is a turn like any other, with a reason and a timeline: a hold
that is over, a question of a flow that waited long enough, what is said after a silence. So nothing here decides; it
posts an inbound entry that nobody wrote (`transcript.WAKE`), and the turn looks for itself what is due. A wake-up that
comes early, late or twice costs a look.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gateway import transcript
from gateway.channels.base import Capabilities
from gateway.people import People
from gateway.rules.custody import custody_of, wake
from gateway.rules.unasked import due, next_at, soonest
from gateway.steps.follow import waits_until
from gateway.steps.remember import remembered
from storage.model import Claim, Conversation, Post, Settlement
from storage.store import Store

BUSY = 10_000
"""Milliseconds before a conversation is looked at again in which the contact's messages wait or are being answered:
that may be all there is to do, and must not be thrown away for a look."""


@dataclass(frozen=True, slots=True)
class Wakes:
    store: Store
    people: People
    capabilities: Mapping[str, Capabilities]
    """By channel name."""

    async def run(self, claim: Claim) -> None:
        """Raises Fenced when the lane was lost."""
        conversation = await self.store.conversation(claim.key)
        if conversation is None:
            await self.store.settle(claim, Settlement(claim.tail))
            return
        times = await self.times(conversation, claim.claimed_at)
        ripe = sorted(why for why, at in times.items() if at <= claim.claimed_at)
        later = [at for at in times.values() if at > claim.claimed_at]
        if ripe and not await self.store.knock([_begun(why, claim) for why in ripe]):
            later.append(claim.claimed_at + BUSY)
        await self.store.settle(claim, Settlement(claim.tail, wake_at=min(later, default=None)))

    async def times(self, conversation: Conversation, now: int) -> dict[str, int]:
        """What it is or will be time for, and when: milliseconds since the epoch, as `now`."""
        found = {
            "release": _released_at(self.people, conversation),
            "flow": waits_until(conversation),
            "unasked": await self._unasked(conversation, now),
        }
        return {why: at for why, at in found.items() if at is not None}

    async def _unasked(self, conversation: Conversation, now: int) -> int | None:
        queue, capabilities = self.people.queue_of(conversation), self.capabilities.get(conversation.channel)
        never = soonest(queue, now) is None and not queue.rating.ask
        if never or capabilities is None or capabilities.asked_only:
            return None
        facts = await self.store.facts(conversation.id)
        past = (await remembered(self.store, conversation, facts, capabilities)).past
        return now if due(past, queue, now) else next_at(past, queue, now)


def _begun(why: str, claim: Claim) -> Post:
    id = f"wake:{claim.epoch}:{why}"
    return Post(claim.key, id, transcript.wake_body(id, why, claim.claimed_at))


def _released_at(people: People, conversation: Conversation) -> int | None:
    due = wake(custody_of(conversation), people.policy(conversation))
    return due.ms if due else None
