"""settle: the outcome and the outbox in one commit, unless newer messages or a person came first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, get_args

from gateway import live, transcript
from gateway.burst import Burst, Ending
from gateway.live import Live
from gateway.people import People, wakes_at
from gateway.rules.custody import Detector, Effect, Transferred, may_send, move, passing
from gateway.rules.precedence import ABSENCE
from gateway.rules.unasked import next_at, soonest
from gateway.steps.speak import Spoken
from gateway.telemetry import Telemetry
from storage.model import ConversationId, DeadLetter, Kind, Outcome, Passing, Post, Settled, Settlement, Turn, TurnId
from storage.store import Store

MAX_FOLDS = 2
"""Drafts thrown away for newer messages before one is sent whatever comes."""

TAKEN_OVER = Ending(Outcome.HELD, "person_took_over")
"""A person came while the draft was made: it is discarded."""


@dataclass(frozen=True, slots=True)
class Settle:
    store: Store
    people: People
    live: Live
    keep: Callable[[ConversationId], None]
    """`gateway.loops.Loop.keep` of the turns: what newer messages mean from here on, the commit itself finds out."""
    telemetry: Telemetry

    async def __call__(self, burst: Burst, ending: Ending, spoken: Spoken) -> None:
        """Raises Fenced when the lane is no longer ours; then nothing of this turn ever happened."""
        spell = burst.custody.spell
        self.keep(burst.conversation.id)
        burst.note("settle", ending.reason, outcome=str(ending.outcome))
        while (settled := await self._settle(burst, ending, spoken)) is Settled.MOVED:
            burst.conversation = await self.store.conversation(burst.conversation.id) or burst.conversation
            if not may_send(burst.custody, spell):
                ending, spoken = replace(TAKEN_OVER, opts_out=ending.opts_out), Spoken()
                burst.note("settle", ending.reason, outcome=str(ending.outcome))
        if settled is Settled.FOLDED:
            self.telemetry.folded.inc()
            return self.live.say(burst.conversation.id, live.WAITING)
        self.telemetry.turns.labels(burst.crew.queue.name, str(ending.outcome)).inc()
        if burst.rating and burst.rating.score:
            self.telemetry.ratings.labels(burst.crew.queue.name, str(burst.rating.score)).inc()
        return self.live.say(burst.conversation.id, live.IDLE)

    async def _settle(self, burst: Burst, ending: Ending, spoken: Spoken) -> Settled:
        return await self.store.settle(burst.claim, settlement(burst, ending, spoken, self.people))


def settlement(burst: Burst, ending: Ending, spoken: Spoken, people: People) -> Settlement:
    """Everything the turn writes."""
    turn = _turn(burst, ending, spoken)
    gives_up, says = ending.outcome is Outcome.DEAD, bool(spoken.parts)
    may_be_thrown_away = says and not gives_up and not ending.acted
    passed, effects, told = _passed(burst, ending, turn, people)
    wakes = [at for at in (ending.wake_at, wakes_at(effects), _looks_again(burst, ending)) if at is not None]
    return Settlement(
        upto=burst.claim.tail,
        posts=_posts(turn, spoken, burst.custody.spell),
        turn=turn,
        passing=passed if says or ending.hold_for else None,
        dead=_dead_letters(burst, turn) if gives_up else (),
        media=spoken.media,
        max_folds=MAX_FOLDS if may_be_thrown_away else 0,
        facts=_facts(burst, ending),
        desk=told,
        flow=ending.flow,
        wake_at=min(wakes, default=None),
    )


def _passed(
    burst: Burst, ending: Ending, turn: Turn, people: People
) -> tuple[Passing, Sequence[Effect], Sequence[Post]]:
    """Who has the conversation after the turn, and what its desk is told."""
    talk, before = burst.conversation, burst.custody
    if not ending.hold_for:
        heard = ending.outcome is Outcome.HELD and before.people and burst.messages
        news = {"what": "news", "after": burst.claim.head, "upto": burst.claim.tail}
        return passing(talk, before), (), people.told(talk, f"news:{turn.epoch}", news) if heard else ()
    event = Transferred(
        turn.id, turn.ended_at, detector(ending.reason), ending.hold_for, ending.reason, not burst.closed, burst.online
    )
    after, effects = move(before, event, people.policy(talk))
    return passing(talk, after), effects, people.follows(talk, after, effects)


def detector(reason: str) -> Detector:
    """What found that a person should go on: the kind of a turn's reason."""
    found: Detector | None = next((known for known in get_args(Detector) if known == reason), None)
    return found or ("phrase" if reason == "wish" else "hard_error")


def _looks_again(burst: Burst, ending: Ending) -> int | None:
    """When something may be to be said that nobody asks for. After an answer it is enough to look too early: the look
    itself finds out. What was due and gave way, to a flow's question or to people, is looked for at once."""
    queue, now = burst.crew.queue, burst.claim.claimed_at
    if burst.past is not None:
        gave_way = burst.due is not None and ending.reason != burst.due.reason
        return now if gave_way else next_at(burst.past, queue, now)
    nobody = burst.conversation.group or burst.capabilities.asked_only
    return None if nobody or ending.outcome is not Outcome.ANSWERED else soonest(queue, now)


def _facts(burst: Burst, ending: Ending) -> dict[str, bool]:
    """Whoever writes to us can be written to."""
    facts = {"unreachable": False} if burst.messages and "unreachable" in burst.facts else {}
    if burst.preference:
        facts |= {f"prefers_{wish}": burst.preference == wish for wish in ("text", "voice")}
    if ending.tells:
        past = [fact for fact in burst.facts if fact.startswith(ABSENCE)]
        facts |= {**dict.fromkeys(past, False), ending.tells: True}
    facts |= {**(burst.rating.facts if burst.rating else {}), **ending.facts}
    return facts if ending.opts_out is None else {**facts, "opted_out": ending.opts_out}


def _turn(burst: Burst, ending: Ending, spoken: Spoken) -> Turn:
    claim, id = burst.claim, TurnId(f"{burst.conversation.id}.{burst.claim.epoch}")
    return Turn(
        id=id,
        conversation=burst.conversation.id,
        epoch=claim.epoch,
        head=claim.head,
        tail=claim.tail,
        started_at=claim.claimed_at,
        ended_at=claim.claimed_at + burst.elapsed_ms(),
        outcome=ending.outcome,
        reason=ending.reason,
        timeline=tuple(burst.timeline),
        reply=_reply(id, burst, ending, spoken),
    )


def _reply(id: TurnId, burst: Burst, ending: Ending, spoken: Spoken) -> dict[str, Any]:
    draft = ending.draft
    return {
        "conversation": burst.conversation.id,
        "turn": id,
        "outcome": str(ending.outcome),
        "reason": ending.reason,
        "language": draft.language if draft else burst.crew.queue.language,
        "parts": [{k: v for k, v in part.items() if k != "written"} for part in spoken.parts],
        "citations": [
            {"document": p.document, "paragraph": p.paragraph, "text": p.text}
            for p in (draft.citations if draft else ())
        ],
    }


def _posts(turn: Turn, spoken: Spoken, spell: int) -> list[Post]:
    """One entry a part. What an assistant wrote yields to a person; a transfer message does not."""
    envelope = {k: v for k, v in (turn.reply or {}).items() if k != "parts"}
    yields, last = spell if turn.outcome is Outcome.ANSWERED else None, len(spoken.parts) - 1
    return [
        Post(
            key=turn.conversation,
            dedup=f"{turn.id}:{i}",
            body=transcript.sent_body(turn.id, part, envelope=envelope, spell=yields, last=i == last),
        )
        for i, part in enumerate(spoken.parts)
    ]


def _dead_letters(burst: Burst, turn: Turn) -> list[DeadLetter]:
    return [DeadLetter(Kind.IN, turn.conversation, m.seq, turn.reason, turn.ended_at) for m in burst.messages]
