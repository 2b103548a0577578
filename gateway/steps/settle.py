"""settle: the outcome and the outbox in one commit, unless newer messages or a person came first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gateway import live, transcript
from gateway.burst import Burst, Ending
from gateway.live import Live
from gateway.rules.precedence import ABSENCE
from gateway.steps.speak import Spoken
from gateway.telemetry import Telemetry
from storage.model import DeadLetter, Hold, Kind, Outcome, Post, Settled, Settlement, Turn, TurnId
from storage.store import Store

MAX_FOLDS = 2
"""Drafts thrown away for newer messages before one is sent whatever comes."""

TAKEN_OVER = Ending(Outcome.HELD, "person_took_over")
"""A person came while the draft was made: it is discarded."""


@dataclass(frozen=True, slots=True)
class Settle:
    store: Store
    live: Live
    telemetry: Telemetry

    async def __call__(self, burst: Burst, ending: Ending, spoken: Spoken) -> None:
        """Raises Fenced when the lane is no longer ours; then nothing of this turn ever happened."""
        burst.note("settle", ending.reason, outcome=str(ending.outcome))
        settled = await self.store.settle(burst.claim, settlement(burst, ending, spoken))
        if settled is Settled.HELD:
            return await self(burst, TAKEN_OVER, Spoken())
        if settled is Settled.FOLDED:
            self.telemetry.folded.inc()
            return self.live.say(burst.conversation.id, live.WAITING)
        self.telemetry.turns.labels(burst.crew.queue.name, str(ending.outcome)).inc()
        return self.live.say(burst.conversation.id, live.IDLE)


def settlement(burst: Burst, ending: Ending, spoken: Spoken) -> Settlement:
    """Everything the turn writes."""
    turn = _turn(burst, ending, spoken)
    gives_up, says = ending.outcome is Outcome.DEAD, bool(spoken.parts)
    may_be_thrown_away = says and not gives_up
    return Settlement(
        upto=burst.claim.tail,
        posts=_posts(turn, spoken),
        turn=turn,
        hold=Hold(ending.hold_for, ending.reason, turn.ended_at) if ending.hold_for else None,
        dead=_dead_letters(burst, turn) if gives_up else (),
        media=spoken.media,
        max_folds=MAX_FOLDS if may_be_thrown_away else 0,
        yields_to_hold=says,
        facts=_facts(burst, ending),
    )


def _facts(burst: Burst, ending: Ending) -> dict[str, bool]:
    """Whoever writes to us can be written to."""
    facts = {"unreachable": False} if "unreachable" in burst.facts else {}
    if burst.preference:
        facts |= {f"prefers_{wish}": burst.preference == wish for wish in ("text", "voice")}
    if ending.tells:
        past = [fact for fact in burst.facts if fact.startswith(ABSENCE)]
        facts |= {**dict.fromkeys(past, False), ending.tells: True}
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


def _posts(turn: Turn, spoken: Spoken) -> list[Post]:
    """One entry a part. What an assistant wrote yields to a person; a transfer message does not."""
    envelope = {k: v for k, v in (turn.reply or {}).items() if k != "parts"}
    yields, last = turn.outcome is Outcome.ANSWERED, len(spoken.parts) - 1
    return [
        Post(
            key=turn.conversation,
            dedup=f"{turn.id}:{i}",
            body=transcript.sent_body(turn.id, part, envelope=envelope, yields=yields, last=i == last),
        )
        for i, part in enumerate(spoken.parts)
    ]


def _dead_letters(burst: Burst, turn: Turn) -> list[DeadLetter]:
    return [DeadLetter(Kind.IN, turn.conversation, m.seq, turn.reason, turn.ended_at) for m in burst.messages]
