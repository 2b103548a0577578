"""follow: a flow decides what is said. What it has done elsewhere is done within the turn, before anything settles."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import quote

from gateway import live
from gateway.assistants.base import Passage
from gateway.burst import Burst, Ending
from gateway.loops import LEASE
from gateway.rules.custody import custody_of
from gateway.rules.flows import (
    Assist,
    Call,
    Effect,
    Flow,
    Moment,
    Result,
    Say,
    State,
    Transfer,
    Value,
    resume,
    start,
    step,
    timed_out,
)
from gateway.rules.precedence import Ask, Decision, Follow, Ignore, Plain, Wait, in_progress
from gateway.rules.shaping import Draft
from gateway.rules.voicing import Directive
from gateway.steps.answer import Answer, ours, transfer
from gateway.telemetry import Telemetry
from gateway.transcript import is_wake, received
from storage.model import Conversation, ConversationId, Kind, Outcome

MARGIN = 300.0
"""Seconds before a reply window ends in which nobody is reminded of a question any more."""
LATELY = 20
"""Entries among which the contact's last message is."""
MOST_CALLS = 5
"""Actions of one turn: the customer waits for all of them."""


@dataclass(slots=True)
class Walked:
    """What a flow has said, and had done, in this turn."""

    flow: Flow
    texts: list[str] = field(default_factory=list)
    choices: Sequence[str] = ()
    citations: Sequence[Passage] = ()
    directive: Directive = ""
    as_text: bool = False
    assisted: str = ""
    """The language in which the assistant answered, and owned up to what it could not understand; empty: it was not
    asked."""
    calls: int = 0

    def say(self, effect: Say) -> None:
        """A text that is nothing but a variable may turn out empty."""
        if effect.text.strip() or effect.options:
            self.texts.append(effect.text)
            self.choices = effect.options

    def take(self, ending: Ending) -> None:
        """What the assistant answered."""
        assert ending.draft is not None
        self.texts.append(ending.draft.text)
        self.assisted = ending.draft.language
        self.choices, self.as_text = (), self.as_text or ending.as_text
        self.citations, self.directive = ending.draft.citations, ending.draft.directive

    def before(self, ending: Ending) -> Ending:
        """An ending that is not the flow's own, after what the flow has said."""
        acted = replace(ending, acted=self.calls > 0)
        if ending.draft is None or not self.texts:
            return acted
        return replace(acted, draft=replace(ending.draft, text="\n\n".join([*self.texts, ending.draft.text])))

    @property
    def draft(self) -> Draft:
        language = self.assisted if len(self.texts) == 1 else ""
        text = "\n\n".join(self.texts)
        return Draft(text, language or self.flow.language, self.citations, self.directive, self.choices)


@dataclass(frozen=True, slots=True)
class Walk:
    answer: Answer
    keep: Callable[[ConversationId], None]
    """`gateway.loops.Loop.keep` of the turns."""
    telemetry: Telemetry

    async def __call__(self, burst: Burst, decision: Decision) -> Ending:
        """What will be said, or why nothing will; by a flow where one was decided on."""
        match decision:
            case Wait(reason, until):
                return Ending(Outcome.IGNORED, reason, wake_at=until)
            case Follow() if decision.reason == "flow_timeout" and await self._too_late(burst):
                ending = Ending(Outcome.IGNORED, "outside_reply_window", flow="")
            case Follow():
                ending = await self._follow(burst, decision)
            case _:
                ending = await self.answer(burst, decision)
        return _let_go(burst, ending)

    async def _too_late(self, burst: Burst) -> bool:
        """Nobody is reminded where the provider would ask for a template: that would be a new conversation."""
        window = burst.capabilities.reply_window
        if not window:
            return False
        latest = await self.answer.store.latest(burst.conversation.id, Kind.IN, LATELY)
        wrote = [received(entry).at for entry in latest if not is_wake(entry)]
        return _now(burst) - max(wrote, default=0) > (window - MARGIN) * 1000

    async def _follow(self, burst: Burst, follow: Follow) -> Ending:
        walked, moment = Walked(follow.flow), _first(burst, follow)
        while True:
            self._note(burst, follow.flow, moment)
            for effect in moment.effects:
                if ending := await self._done(burst, follow, effect, walked):
                    return walked.before(ending)
            call = next((effect for effect in moment.effects if isinstance(effect, Call)), None)
            if call is None or moment.state is None:
                return await self._ended(burst, follow, moment, walked)
            result = await self._call(burst, call, moment, walked)
            moment = resume(follow.flow, moment.state, result, _now(burst))

    async def _done(self, burst: Burst, follow: Follow, effect: Effect, walked: Walked) -> Ending | None:
        """An ending when people go on."""
        match effect:
            case Say():
                walked.say(effect)
            case Transfer(to, text):
                return transfer(burst, "flow", to=to, text=text)
            case Assist(instructions):
                ending = await self.answer(burst, _asked(follow, instructions))
                if ending.outcome is not Outcome.ANSWERED or ending.draft is None:
                    return ending
                walked.take(ending)
        return None

    async def _call(self, burst: Burst, call: Call, moment: Moment, walked: Walked) -> Result:
        """`id` is equal however often this turn is begun: nothing of the lane is consumed before it ends. Raises Fenced
        when a newer message has thrown the turn away: then nothing is called."""
        walked.calls += 1
        assert burst.crew.actions is not None, "a queue with flows has it"
        if walked.calls > MOST_CALLS:
            return Result(call.id, failed="too_many_actions")
        talk, within_s = burst.conversation, None
        if moment.state is not None and moment.wake_at_ms is not None:
            within_s = (moment.wake_at_ms - moment.state.asked_at) / 1000
        self.keep(talk.id)
        self.answer.live.say(talk.id, live.THINKING, talk.channel)
        await self.answer.store.renew(burst.claim, LEASE)
        id = f"{talk.id}.{burst.claim.head}.{quote(call.step, safe='')}"
        with burst.step("action", self.telemetry) as facts:
            facts["action"] = call.action
            return await burst.crew.actions(call, talk, id=id, within_s=within_s)

    async def _ended(self, burst: Burst, follow: Follow, moment: Moment, walked: Walked) -> Ending:
        """Without a word to the customer, the next rung answers."""
        flow = _kept(burst, follow.flow, moment)
        if not walked.texts:
            silent = await self._next_rung(burst, Ignore("flow_waits") if flow else follow.otherwise)
            return replace(walked.before(silent), flow=flow, wake_at=moment.wake_at_ms)
        if follow.ask.unheard and not walked.assisted:
            walked.texts.insert(0, ours(burst, follow.ask.unheard, follow.flow.language))
        return Ending(
            Outcome.ANSWERED,
            "flow",
            walked.draft,
            as_text=walked.as_text or bool(walked.choices),
            flow=flow,
            wake_at=moment.wake_at_ms,
            acted=walked.calls > 0,
        )

    async def _next_rung(self, burst: Burst, decision: Plain) -> Ending:
        burst.note("decide", decision.reason, rung=type(decision).__name__)
        return await self.answer(burst, decision)

    def _note(self, burst: Burst, flow: Flow, moment: Moment) -> None:
        for name, reason in moment.trail:
            burst.note("flow", reason, flow=flow.name, at_step=name)


def _first(burst: Burst, follow: Follow) -> Moment:
    """What the burst, or the time, moves."""
    flow, now = follow.flow, _now(burst)
    if follow.stands is None:
        return start(flow, now, _given(burst, follow))
    if follow.reason == "flow_timeout":
        return timed_out(flow, follow.stands, now)
    stands, at = follow.stands, flow.steps.get(follow.stands.step)
    if at is not None and at.kind == "action":  # of an edited file: no action is awaited from one turn to the next
        stands = replace(stands, step="")
    return step(flow, stands, follow.texts, now, follow.intent)


def _given(burst: Burst, follow: Follow) -> dict[str, Value]:
    talk = burst.conversation
    known = {"contact_name": talk.name, "channel": talk.channel, "queue": burst.crew.queue.name}
    return {**known, "message": "\n".join(follow.texts), "intent": follow.intent}


def _asked(follow: Follow, instructions: str) -> Ask:
    """Where nobody wrote, because a time has come, what was written last is answered."""
    last = str(follow.stands.variables.get("message", "")) if follow.stands else ""
    return replace(follow.ask, question=follow.ask.question or last, instructions=instructions)


def _kept(burst: Burst, flow: Flow, moment: Moment) -> str:
    """As `Conversation.flow` holds it; empty when the flow has ended. `wake_at` is for whoever asks when it is due,
    `titles` for `rules.flows.picks`."""
    if moment.state is None:
        return ""
    titles = [option.title for option in flow.steps[moment.state.step].options]
    more = {"spell": burst.custody.spell, "wake_at": moment.wake_at_ms, "titles": titles}
    return json.dumps({**moment.state.to_dict(), **more}, ensure_ascii=False)


def stands(burst: Burst) -> State | None:
    return standing(burst.conversation)


def standing(conversation: Conversation) -> State | None:
    """Where it stands in a flow; None too when people have had it since: they ended the flow."""
    try:
        kept = json.loads(conversation.flow or "{}")
        return State.from_dict(kept) if kept.get("spell") == custody_of(conversation).spell else None
    except (ValueError, AttributeError):
        return None


def waits_until(conversation: Conversation) -> int | None:
    """When the question that its flow asked has waited long enough; None: it is in none, or waits for ever."""
    try:
        kept = json.loads(conversation.flow or "{}")
        return int(kept["wake_at"]) if kept["spell"] == custody_of(conversation).spell and kept["wake_at"] else None
    except (ValueError, KeyError, TypeError):
        return None


def _let_go(burst: Burst, ending: Ending) -> Ending:
    """People who take a conversation, a contact who wants no more, and an edit that takes the flow away end it."""
    people = burst.conversation.hold is not None or bool(ending.hold_for)
    leaves = bool(ending.opts_out) or "opted_out" in burst.facts
    gone = ending.flow is None and in_progress(burst.crew.flows, stands(burst)) is None
    over = people or leaves or gone
    return replace(ending, flow="") if over and (burst.conversation.flow or ending.flow) else ending


def _now(burst: Burst) -> int:
    return burst.claim.claimed_at + burst.elapsed_ms()
