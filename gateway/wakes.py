"""later: looks at a conversation when its time has come, and begins a turn where there is something to do.

Everything that happens without anybody having written is a turn like any other, with a reason and a timeline: a hold
that is over, a question of a flow that waited long enough, what is said after a silence. So nothing here decides; it
posts an inbound entry that nobody wrote (`transcript.WAKE`), and the turn looks for itself what is due. A wake-up that
comes early, late or twice costs a look.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway import transcript
from gateway.people import People
from gateway.rules.custody import custody_of, wake
from gateway.steps.follow import waits_until
from storage.model import Claim, Conversation, Post, Settlement
from storage.store import Store


@dataclass(frozen=True, slots=True)
class Wakes:
    store: Store
    people: People

    async def run(self, claim: Claim) -> None:
        """Raises Fenced when the lane was lost."""
        conversation = await self.store.conversation(claim.key)
        if conversation is None:
            await self.store.settle(claim, Settlement(claim.tail))
            return
        times = await self.times(conversation)
        for why in sorted(why for why, at in times.items() if at <= claim.claimed_at):
            await self._begin(conversation, why, claim)
        later = [at for at in times.values() if at > claim.claimed_at]
        await self.store.settle(claim, Settlement(claim.tail, wake_at=min(later, default=None)))

    async def times(self, conversation: Conversation) -> dict[str, int]:
        """What it will be time for, and when: milliseconds since the epoch."""
        found = {"release": _released_at(self.people, conversation), "flow": waits_until(conversation)}
        return {why: at for why, at in found.items() if at is not None}

    async def _begin(self, conversation: Conversation, why: str, claim: Claim) -> None:
        id = f"wake:{claim.epoch}:{why}"
        body = transcript.wake_body(id, why, claim.claimed_at)
        await self.store.accept(conversation, Post(conversation.id, id, body))


def _released_at(people: People, conversation: Conversation) -> int | None:
    due = wake(custody_of(conversation), people.policy(conversation))
    return due.ms if due else None
