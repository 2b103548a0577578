"""The ladder: who answers a burst, and why. The first rung that applies decides.

Each decision carries a reason code; the codes are the "why did it (not) answer" of every turn and are listed with
their meaning in docs/reasons.md.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from gateway.config import OptOut, Queue
from gateway.rules.budget import nobody_left, spent
from gateway.rules.flows import Flow, State, intents_wanted, picks
from gateway.rules.hours import is_open, next_opening
from gateway.rules.opting import wants_back, wants_out
from gateway.rules.rating import Heard
from gateway.rules.triggers import TooSlow, Trigger, closest, which, worded
from gateway.rules.unasked import Due
from gateway.rules.wishes import asks_for_person, has_phrase
from storage.model import Hold, Media

LONGEST_WISH = 200
"""Characters of a message in which a wish for a person is looked for before its window ends."""
ABSENCE = "closed_until:"
"""Begins the fact that a customer was told of an absence; the moment it ends stands behind it."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A picture or document of the contact that the queue's assistant can look at."""

    kind: str
    """As it was sent: `image`, `sticker`, `document`."""
    media: Media
    name: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    """One message of the burst, as far as it could be understood."""

    text: str
    spoken: bool = False
    problem: str = ""
    """Why there are no words: `hearing_unavailable`, `nothing_heard`, `cannot_read`, `media_lost`."""
    id: str = ""
    meaning: str = "message"
    of: str = ""
    """The id of the message that is edited, revoked or reacted to."""
    aside: str = ""
    """Why nobody is to answer it."""
    quote: str = ""
    """The words it answers."""
    seen: Sequence[Seen] = ()


@dataclass(frozen=True, slots=True)
class Situation:
    burst: Sequence[Said]
    hold: Hold | None
    exhausted: bool = False
    """It was claimed too often: something in it breaks the turn."""
    opted_out: bool = False
    opt_out: OptOut = field(default_factory=OptOut)
    queue: Queue = field(default_factory=lambda: Queue(name="queue"))
    now: int = 0
    """Milliseconds since the epoch."""
    facts: Collection[str] = ()
    """What is remembered about the contact."""
    name: str = ""
    """The contact's."""
    first: bool = False
    """The burst begins the conversation."""
    flows: Mapping[str, Flow] = field(default_factory=dict)
    """The queue's, by file."""
    stands: State | None = None
    """Where the conversation stands in a flow."""
    woken: Collection[str] = ()
    """What it may be time for: `flow`, when a question waited long enough, `unasked`."""
    rating: Heard | None = None
    """What the burst says to the open question for a rating."""
    intent: str | None = None
    """What the queue's assistant takes the burst to want, "" for nothing that is waited for; None: nobody asked it."""
    unasked: Due | None = None
    """What nobody asked for, and is to be said now."""
    tokens: int = 0
    """What the queue's assistants came to this month."""


@dataclass(frozen=True, slots=True)
class Ignore:
    reason: str
    facts: Mapping[str, bool] = field(default_factory=dict)
    """About the contact, that begin (True) or end (False) with it."""
    ends_flow: bool = False


@dataclass(frozen=True, slots=True)
class StaySilent:
    """A person has the conversation."""

    reason: str


@dataclass(frozen=True, slots=True)
class Say:
    """A sentence of ours, by its name in `rules.sentences`."""

    sentence: str
    reason: str
    opts_out: bool | None = None
    """True: nothing more is said to this contact; False: we may again."""
    text: str = ""
    """The queue's own words in its place."""
    tells: str = ""
    """A fact to remember about the contact: this was said."""
    facts: Mapping[str, bool] = field(default_factory=dict)
    """Further ones, that begin (True) or end (False) with it."""
    ends_flow: bool = False
    scores: bool = False
    """It asks for a score: the five choices stand under it."""


@dataclass(frozen=True, slots=True)
class Ask:
    """The assistant answers."""

    question: str
    reason: str = "assistant"
    unheard: str = ""
    """The sentence that owns up to what could not be understood in the burst; the answer ends with it."""
    seen: Sequence[Seen] = ()
    instructions: str = ""
    """Beside the queue's."""
    passed_over: Collection[int] = frozenset()
    """Places of the queue's assistants that are not asked, 0 for the first: their month's tokens are spent."""


@dataclass(frozen=True, slots=True)
class Transfer:
    reason: str
    dead: bool = False
    to: str = ""
    """The people's queue, where it is not the usual one."""
    text: str = ""
    """The transfer message, where it is not the usual one."""


Plain = Ignore | StaySilent | Say | Ask | Transfer


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing now; the conversation is looked at again."""

    reason: str
    until: int
    """Milliseconds since the epoch."""


@dataclass(frozen=True, slots=True)
class Follow:
    """A flow decides what is said."""

    reason: str
    """`flow_trigger`, `flow_in_progress` or `flow_timeout`."""
    flow: Flow
    stands: State | None = None
    """None: it begins."""
    texts: Sequence[str] = ()
    intent: str = ""
    """What the burst was judged to want, of what the flow asks for."""
    ask: Ask = Ask("")
    """What its assistant is asked, but for the instructions."""
    otherwise: Plain = Ignore("empty_burst")
    """The next rung, for when the flow ends without a word."""


Decision = Plain | Wait | Follow


def decide(situation: Situation, *, tell: Callable[[TooSlow], None] = lambda slow: None) -> Decision:
    """The rung that answers. `tell`: see `rules.triggers.which`."""
    if situation.hold is not None:
        return StaySilent("held_by_person")
    if not situation.burst:
        return _timed_out(situation) or _unasked(situation) or Ignore(_nothing_to_do(situation))
    unanswered = _opting(situation) or _aside(situation)
    if situation.exhausted and not isinstance(unanswered, Ignore):
        return Transfer("too_many_tries", dead=True)
    if unanswered or (unanswered := _rated(situation)):
        return unanswered
    return _automatically(situation, tell) if situation.queue.automatic else _switched_off(situation, tell)


def _automatically(situation: Situation, tell: Callable[[TooSlow], None]) -> Decision:
    above = _closed(situation) or _called(situation) or _auto_reply(situation, tell)
    return above or _flow(situation, tell) or _answer(situation)


def _opting(situation: Situation) -> Say | Ignore | None:
    """Nobody is written to who does not want it."""
    texts = [said.text for said in situation.burst if said.meaning == "message" and not said.aside]
    if situation.opted_out:
        back = wants_back(texts, situation.opt_out)
        return Say("opted_in", "opted_in", opts_out=False) if back else Ignore("opted_out")
    return Say("opted_out", "opts_out", opts_out=True) if wants_out(texts, situation.opt_out) else None


def _aside(situation: Situation) -> Decision | None:
    """Nothing in the burst asks for an answer."""
    if any(said.meaning == "message" and not said.aside for said in situation.burst):
        return None
    aside = next((said.aside for said in situation.burst if said.aside), "")
    return Ignore(aside or UNANSWERED[situation.burst[0].meaning])


def _rated(situation: Situation) -> Say | None:
    """A score and no more. It stands above hours, fixed replies and flows, for it answers what we asked: nobody has to
    be there for it, and "2" is no keyword and no option. Who asks for a person in the same breath gets one."""
    heard = situation.rating
    if heard is None or heard.score is None or heard.goes_on or _called(situation):
        return None
    return Say("rating_thanks", "rated", text=situation.queue.rating.thanks)


def _switched_off(situation: Situation, tell: Callable[[TooSlow], None]) -> Decision:
    """People answer here, without being called; only flows go their way, and the assistant where they ask it."""
    flow = _flow(situation, tell)
    return _closed(situation) or _called(situation) or flow if flow else StaySilent("switched_off")


def _closed(situation: Situation) -> Decision | None:
    """Once in an absence the customer is told; what comes after that waits for people."""
    hours = situation.queue.hours
    if hours.assistant or is_open(hours, situation.now):
        return None
    if hours.to:
        return Transfer("out_of_hours", to=hours.to, text=hours.message)
    absence = f"{ABSENCE}{next_opening(hours, situation.now) or 0}"
    if absence in situation.facts:
        return StaySilent("out_of_hours")
    return Say("out_of_hours", "out_of_hours", text=hours.message, tells=absence)


def _called(situation: Situation) -> Transfer | None:
    """The customer asks for a person: no assistant stands in the way."""
    reason = asks_for_person(texts_of(situation), situation.queue.handoff.phrases)
    return Transfer(reason) if reason else None


def _auto_reply(situation: Situation, tell: Callable[[TooSlow], None]) -> Say | None:
    replies, texts = situation.queue.auto_replies, texts_of(situation)
    if not (replies and texts):
        return None
    place = which(replies, texts, first=situation.first, intent=situation.intent, tell=tell)
    return None if place is None else Say("", "auto_reply", text=worded(replies[place], situation.name))


# -- flows ------------------------------------------------------------------------------------------------


def _flow(situation: Situation, tell: Callable[[TooSlow], None]) -> Follow | None:
    """The one in progress, else the first one the burst sets off. Without a word in it neither."""
    if not (texts := texts_of(situation)):
        return None
    if (flow := in_progress(situation.flows, situation.stands)) is not None:
        return _following(situation, "flow_in_progress", flow, texts, _judged(situation, flow, texts))
    rows = situation.queue.flows
    place = which(rows, texts, first=situation.first, intent=situation.intent, tell=tell) if rows else None
    if place is None or (begun := situation.flows.get(rows[place].file)) is None:
        return None
    return replace(_following(situation, "flow_trigger", begun, texts, rows[place].name), stands=None)


def in_progress(flows: Mapping[str, Flow], stands: State | None) -> Flow | None:
    """The flow a conversation is in; None too when it was taken out of the configuration meanwhile."""
    return next((flow for flow in flows.values() if stands and flow.name == stands.flow), None)


def _following(situation: Situation, reason: str, flow: Flow, texts: Sequence[str], intent: str) -> Follow:
    asked = _asked(situation)
    return Follow(
        reason,
        flow,
        situation.stands,
        texts,
        intent,
        asked if isinstance(asked, Ask) else Ask("", passed_over=_passed_over(situation)),
        _answer(situation) if situation.queue.automatic else StaySilent("switched_off"),
    )


def _judged(situation: Situation, flow: Flow, texts: Sequence[str]) -> str:
    """Which intent the burst is of, where the flow waits for one."""
    assert situation.stands is not None
    if not intents_wanted(flow, situation.stands):
        return ""
    return closest(_intents(situation), texts) if situation.intent is None else situation.intent


def intents_in_question(situation: Situation) -> Sequence[Trigger]:
    """What the burst may be judged by, where that decides anything: no rung above fixed replies answers it."""
    intents = _intents(situation)
    if not intents or situation.hold is not None or situation.exhausted or not texts_of(situation):
        return ()
    above = _opting(situation) or _aside(situation) or _rated(situation) or _closed(situation) or _called(situation)
    return () if above else intents


def _intents(situation: Situation) -> list[Trigger]:
    queue = situation.queue
    triggers = (*queue.flows, *(queue.auto_replies if queue.automatic else ()))
    return [each for each in triggers if each.trigger == "intent"]


def _timed_out(situation: Situation) -> Decision | None:
    """A question waited long enough. Nobody is reminded of it while the queue is closed."""
    flow = in_progress(situation.flows, situation.stands)
    if "flow" not in situation.woken or flow is None or situation.opted_out:
        return None
    hours = situation.queue.hours
    closed = not hours.assistant and not is_open(hours, situation.now)
    if closed and (opens := next_opening(hours, situation.now)) is not None:
        return Wait("flow_out_of_hours", opens)
    ask = Ask("", passed_over=_passed_over(situation))
    return Follow("flow_timeout", flow, situation.stands, ask=ask, otherwise=Ignore("flow_timeout"))


# -- what nobody asked for --------------------------------------------------------------------------------


def _nothing_to_do(situation: Situation) -> str:
    """Of a turn that nobody's words began: people's time was over, or somebody was faster."""
    if "release" in situation.woken:
        return "released"
    return "nothing_due" if situation.woken else "empty_burst"


def _unasked(situation: Situation) -> Say | Ignore | None:
    """A follow-up, a closing, the question for a rating; whether it is time for one `rules.unasked` says."""
    if "unasked" not in situation.woken:
        return None
    if situation.opted_out:
        return Ignore("opted_out")
    if (due := situation.unasked) is None:
        return Ignore("nothing_due")
    if not due.sentence:
        return Ignore(due.reason, due.facts, due.ends_flow)
    asks = due.reason == "rating_asked"
    return Say(due.sentence, due.reason, text=due.text, facts=due.facts, ends_flow=due.ends_flow, scores=asks)


# -- what the customer wrote ------------------------------------------------------------------------------


def texts_of(situation: Situation) -> list[str]:
    """What the customer wrote or said, oldest first."""
    burst = [said for said in situation.burst if said.meaning == "message" and not said.aside]
    return [said.text for said in burst if said.text.strip()]


def answers_at_once(queue: Queue, text: str) -> bool:
    """Nothing is gained by waiting for the rest of the burst: a person is called, or a fixed reply answers."""
    if not queue.automatic or not text.strip():
        return False
    if has_phrase(text, queue.handoff.phrases) or asks_for_person([text[:LONGEST_WISH]]):
        return True
    return bool(queue.auto_replies) and which(queue.auto_replies, [text]) is not None


def picks_option(queue: Queue, flow: str, text: str) -> bool:
    """Nothing is gained by waiting either where a flow asked to choose. `flow`: as the conversation keeps it."""
    if not flow or all(row.trigger == "none" for row in queue.flows):
        return False
    try:
        return picks(json.loads(flow)["titles"], text)
    except (ValueError, KeyError, TypeError):
        return False


UNANSWERED = {"edit": "edited_after_answer", "revoke": "revoked", "reaction": "reaction", "message": "empty_burst"}
"""What asks for no answer by itself."""


def _answer(situation: Situation) -> Ask | Say | Transfer:
    """What would ask an assistant goes to people where the month's tokens of all of them are spent."""
    asked = _asked(situation)
    unpaid = isinstance(asked, Ask) and nobody_left(situation.queue, situation.tokens)
    return Transfer("budget") if unpaid else asked


def _asked(situation: Situation) -> Ask | Say:
    burst = [said for said in situation.burst if said.meaning == "message" and not said.aside]
    seen = tuple(one for said in burst for one in said.seen)
    question = "\n".join(_quoting(said) for said in burst if said.text.strip())
    problem = next((said.problem for said in burst if said.problem), "")
    if question or seen:
        return Ask(question, unheard=_owning_up(problem), seen=seen, passed_over=_passed_over(situation))
    return Say(_owning_up(problem or "nothing_heard"), problem or "nothing_heard")


def _passed_over(situation: Situation) -> Collection[int]:
    return spent(situation.queue, situation.tokens)


def _quoting(said: Said) -> str:
    """With the words it answers, as people quote."""
    return f"> {said.quote}\n{said.text}" if said.quote else said.text


def _owning_up(problem: str) -> str:
    """The sentence for a problem; a voice note without an ear is answered with a request to type."""
    return problem if problem in ("", "nothing_heard", "cannot_read", "media_lost") else "please_type"
