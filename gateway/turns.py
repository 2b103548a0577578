"""One burst, one turn, one outcome. READ THIS FIRST.

Before this, `intake` put the messages on disk and answered 200; their window ended and `loops` claimed the lane.
After this, the parts lie in the outbox and `deliveries` sends them. In between nothing has an effect: a turn can be
thrown away at any point, because newer messages came (they make one turn with this one), because a person took over,
or because the process died.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from gateway import transcript
from gateway.burst import Burst, Ending
from gateway.channels.base import Capabilities
from gateway.config import OptOut
from gateway.crew import Crew
from gateway.rules.precedence import Decision, Situation, decide
from gateway.rules.revising import revised
from gateway.rules.shaping import Shape, shape
from gateway.steps.answer import Answer
from gateway.steps.hear import Hear
from gateway.steps.settle import Settle
from gateway.steps.speak import Speak
from storage.model import Claim
from storage.store import Store
from tts.speakable import Speakable, speakable

UNSPOKEN = Speakable("", "")
UNKNOWN = Capabilities()
"""Of a channel that is no longer configured: the delivery will say so."""
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
    hear: Hear
    answer: Answer
    speak: Speak
    settle: Settle

    async def run(self, claim: Claim) -> None:
        """Raises Fenced when the lane was lost; after any other exception the claim is to be tried again."""
        burst = await self.load(claim)
        await self.hear(burst)
        await self._look_again(burst)
        decision = self.decide(burst)
        ending = await self.answer(burst, decision)
        shaped = self.shape(burst, ending)
        spoken = await self.speak(burst, shaped)
        await self.settle(burst, ending, spoken)

    async def load(self, claim: Claim) -> Burst:
        """The burst in the provider's order, and who it belongs to."""
        conversation = await self.store.conversation(claim.key)
        if conversation is None:
            raise LookupError(f"{claim.key} has a lane and no conversation")
        messages = map(transcript.received, await self.store.load(claim))
        crew = self.crews.get(conversation.queue) or self._home(conversation.channel)
        in_order = sorted(messages, key=lambda m: (m.at, m.seq))
        facts = await self.store.facts(conversation.id)
        burst = Burst(claim, conversation, crew, in_order, exhausted=claim.tries > MAX_TRIES, facts=facts)
        burst.note("claim", "window_ended", messages=len(burst.messages), tries=claim.tries, folds=claim.folds)
        return burst

    async def _look_again(self, burst: Burst) -> None:
        """Hearing takes a while: a person may have let go meanwhile. (One who took over is met at settle.)"""
        if burst.conversation.hold is not None:
            burst.conversation = await self.store.conversation(burst.conversation.id) or burst.conversation

    def _home(self, channel: str) -> Crew:
        return self.crews[self.homes.get(channel) or next(iter(self.crews))]

    def decide(self, burst: Burst) -> Decision:
        """Which rung of the ladder answers, and why."""
        said, held = revised(burst.said), burst.conversation.hold
        out, words = "opted_out" in burst.facts, burst.crew.queue.opt_out
        if self._capabilities(burst).pull:  # nobody is written to there who did not just ask
            out, words = False, OptOut(words=())
        decision = decide(Situation(said, held, burst.exhausted, opted_out=out, opt_out=words))
        burst.note("decide", decision.reason, rung=type(decision).__name__)
        return decision

    def _capabilities(self, burst: Burst) -> Capabilities:
        """The channel's, as far as this contact can have them."""
        capabilities = self.capabilities.get(burst.conversation.channel, UNKNOWN)
        return replace(capabilities, voice_note=False) if "no_voice" in burst.facts else capabilities

    def shape(self, burst: Burst, ending: Ending) -> Shape:
        """Voice or text, and why."""
        draft = ending.draft
        if draft is None:
            return Shape((), "nothing_to_say")
        voice = burst.crew.voice is not None and not ending.as_text
        format = (burst.wish.format or burst.crew.queue.reply.format) if voice else "text"
        words = speakable(draft.text, draft.language) if format != "text" else UNSPOKEN
        capabilities = self._capabilities(burst)
        reply = burst.crew.queue.reply.model_copy(update={"format": format})
        shaped = shape(draft, words, reply, capabilities, spoke=burst.spoken)
        burst.note("shape", shaped.reason, parts=len(shaped.parts), speakable_characters=len(words.spoken))
        return shaped
