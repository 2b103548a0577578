"""resume: a person may have let go meanwhile, or long ago without a word."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.burst import Burst
from gateway.people import People
from gateway.rules.custody import ContactWrote, Custody, Woke, wake
from storage.model import Cursor


@dataclass(frozen=True, slots=True)
class Resume:
    people: People

    async def __call__(self, burst: Burst) -> None:
        """Hearing takes a while, so who has it is looked at again. One who takes over from now on is met at settle."""
        before = burst.custody
        if before.state == "assistant":
            return
        after = await self.people.happened(burst.conversation.id, await self._event(burst))
        burst.conversation = await self.people.conversation(burst.conversation.id)
        if before.people and not after.people:
            burst.note("resume", self._why(burst, before), held_since=before.since)

    async def _event(self, burst: Burst) -> ContactWrote | Woke:
        """What is answered next lies behind the horizon: what called for people lies before it."""
        end = await self.people.place(burst.conversation.id)
        place = Cursor(burst.claim.head, end.outbound)
        happened = ContactWrote if burst.messages else Woke
        return happened(burst.claim.claimed_at, place)

    def _why(self, burst: Burst, before: Custody) -> str:
        due = wake(before, self.people.policy(burst.conversation))
        return due.why if due and due.ms <= burst.claim.claimed_at else "released"
