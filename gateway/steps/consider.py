"""consider: may this answer be heard? Asked before a word of it is written, because it is spoken while it is."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass, replace

from gateway.burst import Burst
from gateway.channels.base import Capabilities
from gateway.config import Queue
from gateway.crew import Crew
from gateway.rules.budget import month_of
from gateway.rules.precedence import Ask, Decision, Follow, Transfer
from gateway.rules.preferring import Preference as Wanted
from gateway.rules.preferring import preferred
from gateway.rules.voicing import WRITTEN, Occasion, Preference, Verdict, before
from gateway.steps.hear import SOUNDS
from gateway.transcript import body_of, is_wake, received
from storage.model import ConversationId, Kind
from storage.store import Store

LATELY = 100
"""Of our messages to a contact, those that may hold the last voice note."""


@dataclass(frozen=True, slots=True)
class Consider:
    store: Store

    async def __call__(self, burst: Burst, decision: Decision) -> Verdict:
        """What is known is left in the burst, for the second look."""
        burst.preference = preferred([said.text for said in burst.said])
        if not isinstance(decision, Ask | Transfer | Follow) or burst.exhausted:
            return WRITTEN
        burst.occasion = await self._occasion(burst)
        verdict = before(burst.occasion)
        if isinstance(decision, Follow):  # what an assistant writes there is a part of what is said
            verdict = replace(verdict, ahead=False)
        burst.note("consider", verdict.reason, may_speak=verdict.speaks, ahead=verdict.ahead)
        return verdict

    async def _occasion(self, burst: Burst) -> Occasion:
        reply, wish = burst.crew.queue.reply, burst.wish.format
        format = wish or reply.format
        return Occasion(
            format,
            reply,
            burst.spoken,
            prefers=_kept(burst.preference, burst.facts),
            can_speak=burst.crew.voice is not None,
            can_hear=burst.capabilities.voice_note,
            cannot_play="no_voice" in burst.facts,
            since_voice=await _since_voice(self.store, burst.conversation.id) if format == "smart" else None,
            chance=_lot(burst.conversation.id, burst.claim.tail),
            budget_left=await budget_left(self.store, burst.crew.queue, burst.claim.claimed_at),
            asked=bool(wish),
        )


async def between_turns(store: Store, id: ConversationId, crew: Crew, capabilities: Capabilities) -> Occasion:
    """The same for what is said while no burst is answered: it goes by the contact's last message."""
    reply, facts = crew.queue.reply, await store.facts(id)
    entries = [received(entry) for entry in await store.latest(id, Kind.IN, LATELY) if not is_wake(entry)]
    last = next((entry for entry in entries if entry.meaning == "message"), None)
    return Occasion(
        reply.format,
        reply,
        spoke=last is not None and (last.audio is not None or any(one.kind in SOUNDS for one in last.attachments)),
        prefers=_kept("", facts),
        can_speak=crew.voice is not None,
        can_hear=capabilities.voice_note,
        cannot_play="no_voice" in facts,
        since_voice=await _since_voice(store, id) if reply.format == "smart" else None,
        chance=_lot(id, last.seq if last else 0),
        budget_left=await budget_left(store, crew.queue, await store.now()),
    )


async def _since_voice(store: Store, id: ConversationId) -> int | None:
    """Replies to this contact since the last one that was heard."""
    turns: dict[str, bool] = {}
    for entry in await store.latest(id, Kind.OUT, LATELY):
        body = body_of(entry)
        turns[body["turn"]] = turns.get(body["turn"], False) or body["part"]["kind"] == "voice"
    return next((n for n, heard in enumerate(turns.values()) if heard), None)


async def budget_left(store: Store, queue: Queue, at: int) -> int | None:
    """Characters the queue may still speak in the calendar month of `at` (ms, UTC); None: it has no budget."""
    budget = queue.reply.voice_budget_chars
    if not budget:
        return None
    spent = await store.spent(queue.name, month_of(at))
    return max(0, budget - spent.characters)


def _lot(id: ConversationId, upto: int) -> float:
    """The same for the same messages, however often the turn is begun: 0 to 1. `upto`: the last one's number."""
    drawn = hashlib.sha256(f"{id} {upto}".encode()).digest()
    return int.from_bytes(drawn[:4]) / 2**32


def _kept(now: Wanted, facts: Collection[str]) -> Preference:
    """What the contact asked for now, or before."""
    if now:
        return "" if now == "either" else now
    if "prefers_text" in facts:
        return "text"
    return "voice" if "prefers_voice" in facts else ""
