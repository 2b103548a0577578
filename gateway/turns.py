"""One burst, one turn, one outcome. READ THIS FIRST.

Before this, `intake` put the messages on disk and answered 200; their window ended and `loops` claimed the lane.
After this, the parts lie in the outbox and `deliveries` sends them. In between nothing has an effect: a turn can be
thrown away at any point, because newer messages came (they make one turn with this one), because a person took over,
or because the process died.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gateway import transcript
from gateway.burst import UNKNOWN, Burst, Ending
from gateway.channels.base import Capabilities
from gateway.crew import Crew
from gateway.rules.precedence import Decision, Situation, decide
from gateway.rules.revising import revised
from gateway.rules.shaping import Script, Shape, shape
from gateway.rules.voicing import WRITTEN, Verdict, after, reads
from gateway.steps.consider import Consider
from gateway.steps.follow import Walk, stands
from gateway.steps.hear import Hear
from gateway.steps.judge import Judge
from gateway.steps.remember import Remember
from gateway.steps.resume import Resume
from gateway.steps.settle import Settle
from gateway.steps.speak import Speak
from storage.model import Claim
from storage.store import Store

ENDLESS = 4
"""Times `max_voice_chars`: nobody needs to know what would be said of a text so much longer."""
MAX_TRIES = 8
"""Claims of one burst, crashes included, before it is given up and handed over."""


@dataclass(frozen=True, slots=True)
class Turns:
    store: Store
    crews: Mapping[str, Crew]
    """By queue name."""
    homes: Mapping[str, str]
    """By channel name: the queue that takes what belongs to a queue that is no longer configured."""
    capabilities: Mapping[str, Capabilities]
    """By channel name."""
    online: Callable[[str], bool]
    """By queue name: whether somebody is there to take a conversation."""
    hear: Hear
    resume: Resume
    remember: Remember
    judge: Judge
    consider: Consider
    answer: Walk
    speak: Speak
    settle: Settle

    async def run(self, claim: Claim) -> None:
        """Raises Fenced when the lane was lost; after any other exception the claim is to be tried again."""
        burst = await self.load(claim)
        await self.hear(burst)
        await self.resume(burst)
        await self.remember(burst)
        decision = await self.decide(burst)
        verdict = await self.consider(burst, decision)
        async with self.speak.ahead(burst, verdict):
            ending = await self.answer(burst, decision)
            shaped = self.shape(burst, ending, verdict)
            spoken = await self.speak(burst, shaped)
        await self.settle(burst, ending, spoken)

    async def load(self, claim: Claim) -> Burst:
        """The burst in the provider's order, and who it belongs to."""
        work = await self.store.load(claim)
        if (conversation := work.conversation) is None:
            raise LookupError(f"{claim.key} has a lane and no conversation")
        entries = transcript.burst_of(work.entries, anyway=claim.tries > MAX_TRIES)
        messages = sorted((m for m in entries if m.meaning != transcript.WAKE), key=lambda m: (m.at, m.seq))
        crew = self.crews.get(conversation.queue) or self._home(conversation.channel)
        burst = Burst(claim, conversation, crew, messages, claim.tries > MAX_TRIES, facts=work.facts)
        burst.online = self.online(crew.queue.name)
        burst.woken = frozenset(entry.of for entry in entries if entry.meaning == transcript.WAKE)
        burst.capabilities = self.capabilities.get(conversation.channel, UNKNOWN)
        burst.note("claim", "window_ended", messages=len(burst.messages), tries=claim.tries, folds=claim.folds)
        return burst

    def _home(self, channel: str) -> Crew:
        return self.crews[self.homes.get(channel) or next(iter(self.crews))]

    async def decide(self, burst: Burst) -> Decision:
        """Which rung of the ladder answers, and why."""
        talk = burst.conversation
        situation = Situation(
            revised(burst.said), talk.hold, burst.exhausted, burst.opted_out, burst.opt_out, burst.crew.queue,
            now=burst.claim.claimed_at, facts=burst.facts, name=talk.name, first=burst.claim.head == 0,
            flows=burst.crew.flows, stands=stands(burst), woken=burst.woken, rating=burst.rating, unasked=burst.due,
            tokens=burst.tokens,
        )  # fmt: skip
        situation = await self.judge(burst, situation)
        decision = decide(situation, tell=lambda slow: burst.note("decide", "pattern_too_slow", pattern=slow.pattern))
        burst.note("decide", decision.reason, rung=type(decision).__name__)
        return decision

    def shape(self, burst: Burst, ending: Ending, verdict: Verdict) -> Shape:
        """Voice or text, and why."""
        draft, occasion = ending.draft, None if ending.as_text else burst.occasion
        if draft is None:
            return Shape((), "nothing_to_say")
        long, script = len(draft.text) > ENDLESS * burst.crew.queue.reply.max_voice_chars, Script()
        if occasion and verdict.speaks and not long:
            script = burst.crew.script(draft.text, draft.language)
        characters = len(draft.text) if long else len(script.spoken)
        both = occasion is not None and occasion.format == "both"
        last = after(occasion, verdict, directive=draft.directive, characters=characters) if occasion else WRITTEN
        shaped = shape(draft, script, last, burst.capabilities, both=both)
        why = reads(shaped.reason, burst.crew.queue.language)
        burst.note("shape", shaped.reason, parts=len(shaped.parts), speakable_characters=characters, why=why)
        return shaped
