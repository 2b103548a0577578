"""remember: who said what last, and when, and what the month came to. What is said unasked, what a score means, and who
may be asked follow from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from gateway import transcript
from gateway.burst import Burst
from gateway.channels.base import Capabilities
from gateway.recall import recall
from gateway.rules.custody import custody_of
from gateway.rules.rating import heard
from gateway.rules.unasked import Past, due, says_goodbye
from gateway.spending import Spending
from gateway.steps.follow import standing
from storage.model import Conversation, ConversationId, Entry, Kind, Outcome
from storage.store import Store

LATELY = 40
"""Of each direction, the entries among which the last word of everybody is. Wake-ups are entries, too."""


@dataclass(frozen=True, slots=True)
class Remember:
    store: Store
    spending: Spending

    async def __call__(self, burst: Burst) -> None:
        """Left in the burst: what a score says, what was spent, and what nobody asked for and is to be said now."""
        _take_score(burst)
        burst.tokens = await self.spending.tokens(burst.crew.queue, burst.claim.claimed_at)
        if "unasked" not in burst.woken or burst.messages or burst.exhausted or burst.capabilities.asked_only:
            return
        lately = await remembered(self.store, burst.conversation, burst.facts, burst.capabilities)
        burst.past, burst.words = lately.past, lately.words
        burst.due = due(lately.past, burst.crew.queue, burst.claim.claimed_at)


def _take_score(burst: Burst) -> None:
    messages = [said for said in burst.said if said.meaning == "message" and not said.aside]
    if not messages or burst.exhausted:
        return
    burst.rating = heard([said.text for said in messages if said.text.strip()], burst.facts, burst.claim.claimed_at)
    if burst.rating and burst.rating.score:
        burst.note("rating", "rated", score=burst.rating.score)
    elif burst.rating:
        burst.note("rating", "rating_let_go")


@dataclass(frozen=True, slots=True)
class Remembered:
    past: Past
    words: Sequence[str]
    """The contact's last ones, oldest first."""


async def remembered(
    store: Store, talk: Conversation, facts: Mapping[str, int], capabilities: Capabilities
) -> Remembered:
    """From the transcript, the turns and the custody, as they stand: a wake-up that was lost changes nothing."""
    inward = [entry for entry in await store.latest(talk.id, Kind.IN, LATELY) if not transcript.is_wake(entry)][::-1]
    ours, theirs = _outward(await store.latest(talk.id, Kind.OUT, LATELY))
    words = [one.text for one in transcript.utterances(inward, (await recall(store, talk.id, inward)).heard)]
    custody = custody_of(talk)
    past = Past(
        contact_at=max((transcript.wrote_at(entry) for entry in inward), default=0),
        ours_at=max(ours, default=0),
        answered=await _answered(store, talk.id, inward),
        held=talk.hold is not None or custody.people,
        opted_out="opted_out" in facts and not capabilities.pull,
        group=talk.group,
        asking=standing(talk) is not None,
        done=says_goodbye(words),
        people_at=max(chain(theirs, [custody.since if custody.spell else 0])),
        resolved_at=custody.since if custody.ended == "resolved" else 0,
        facts=facts,
        reply_window_ms=round(capabilities.reply_window * 1000),
    )
    return Remembered(past, words)


def _outward(entries: Sequence[Entry]) -> tuple[list[int], list[int]]:
    """When we said something, and when people did."""
    told = [transcript.told_by(entry) for entry in entries]
    return [at for by, at in told if by != "person"], [at for by, at in told if by == "person"]


async def _answered(store: Store, id: ConversationId, inward: Sequence[Entry]) -> bool:
    """Nothing waits, and the last message there was got its answer; a reaction behind it asks for none."""
    messages = [entry for entry in inward if transcript.received(entry).meaning == "message"]
    if not messages or await store.turn_covering(id, inward[-1].seq) is None:
        return False
    turn = await store.turn_covering(id, messages[-1].seq)
    return turn is not None and turn.outcome is Outcome.ANSWERED
