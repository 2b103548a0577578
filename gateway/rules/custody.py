"""Custody: who has a conversation, the assistant or people, and how it passes from one to the other. Pure.

    assistant ──Transferred──▶ requested ──TakenOver, PersonWrote──▶ held ──Resolved, Released, Woke──▶ released
        │                          └───────────────Resolved, Released, Woke────────────────────────────▲  │
        └──TakenOver, PersonWrote──▶ held                          ContactWrote: assistant ◀──────────────┘

`move` takes what happened and gives the new custody and what follows from it, as values. Whoever carries them out
writes both in one commit; then a crash in front of it loses both, and one behind it repeats an event that is known
by its id and changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Literal, get_args

from gateway.config import Queue
from gateway.rules.hours import next_business_day
from storage.model import Conversation, Cursor, Hold, Passing

State = Literal["assistant", "requested", "held", "released"]
Resume = Literal["manual", "on_resolve", "idle_hours", "next_business_day"]
Variant = Literal["normal", "out_of_hours", "nobody_online"]
Detector = Literal[
    "marker",
    "tool",
    "phrase",
    "repeated_failure",
    "low_confidence",
    "hard_error",
    "budget",
    "api",
    "flow",
    "out_of_hours",
]
Taker = Literal["phone", "desk", "api"]

HOUR_MS = 3_600_000
START = Cursor()
REMEMBERED = 32
"""Ids of events that are kept, to know one that comes again."""
TOLD = 20
"""Steps of the course that are kept."""


@dataclass(frozen=True, slots=True)
class Step:
    """One passing from hand to hand."""

    at: int
    state: State
    to: str
    person: str
    reason: str
    """Why people got it, or why they let go."""


@dataclass(frozen=True, slots=True)
class Custody:
    """Of one conversation. Times are milliseconds since 1970."""

    state: State = "assistant"
    spell: int = 0
    """How often people got the conversation. A draft begun in an earlier spell is thrown away."""
    transfer: str = ""
    """The id of the transfer, the idempotency key of its message; empty: people came by themselves."""
    to: str = ""
    """The queue whose people have it."""
    reason: str = ""
    person: str = ""
    """Who took it, where that is known."""
    since: int = 0
    """When the spell began, or ended."""
    ended: str = ""
    """Why the last spell ended: `resolved`, `idle_hours`, who let go; empty while one lasts, and before the first."""
    active_at: int = 0
    """When people last got or did something: `idle_hours` count from here, whatever the contact writes."""
    horizon: Cursor = START
    """The transcript's end at the last release."""
    seen: tuple[str, ...] = ()
    course: tuple[Step, ...] = ()
    """How it came here, the newest last."""

    @property
    def people(self) -> bool:
        """People have it, or are called: the assistant is silent."""
        return self.state in ("requested", "held")


@dataclass(frozen=True, slots=True)
class Policy:
    """When the assistant may answer again without anybody saying so. As the queue's `[queues.handoff]` has it."""

    resume: Resume = "manual"
    idle_hours: float = 12
    next_business_day: Callable[[int], int] = lambda at: at + 24 * HOUR_MS
    """The beginning of the first business day after that of `at`, both in milliseconds since 1970."""

    @classmethod
    def of(cls, queue: Queue) -> Policy:
        return cls(queue.handoff.resume, queue.handoff.idle_hours, partial(next_business_day, queue.hours))


# -- what happened ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Transferred:
    """Something found that a person should go on."""

    id: str
    """The same on every retry: a turn's, a request's."""
    at: int
    by: Detector
    to: str
    reason: str = ""
    """The turn's reason code, where `by` does not say enough: `assistant_failed:…`."""
    open: bool = True
    online: bool = True
    """Somebody is there to take it; True where nobody can tell."""


@dataclass(frozen=True, slots=True)
class TakenOver:
    """People came by themselves, or took what they were called to."""

    id: str
    at: int
    by: Taker
    to: str
    person: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class PersonWrote:
    """From a phone, an app or a desk: whoever writes has the conversation."""

    id: str
    at: int
    to: str
    person: str = ""


@dataclass(frozen=True, slots=True)
class Resolved:
    """The desk says that it is done."""

    id: str
    at: int
    place: Cursor = START
    """The transcript's end."""


@dataclass(frozen=True, slots=True)
class Released:
    id: str
    at: int
    by: str
    """`api`, `desk`, a person's name: who let go."""
    place: Cursor = START


@dataclass(frozen=True, slots=True)
class Woke:
    """A wake-up came, early, in time or late: `idle(now)` and `next_business_day(now)` are told apart by the policy."""

    at: int
    place: Cursor = START


@dataclass(frozen=True, slots=True)
class ContactWrote:
    at: int
    place: Cursor = START
    """The transcript's end before what it wrote."""


Happened = Transferred | TakenOver | PersonWrote | Resolved | Released | Woke | ContactWrote


# -- what follows -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SayTransfer:
    """The transfer message, once for each transfer; `key` is its idempotency key."""

    variant: Variant
    key: str


@dataclass(frozen=True, slots=True)
class HoldConversation:
    to: str
    reason: str


@dataclass(frozen=True, slots=True)
class WakeAt:
    """In place of any wake-up before it."""

    ms: int
    why: Resume


@dataclass(frozen=True, slots=True)
class Release:
    """The hold ends, and its wake-up with it."""

    reason: str


@dataclass(frozen=True, slots=True)
class WithdrawPending:
    """What the assistant wrote and nobody sent yet is not sent."""


@dataclass(frozen=True, slots=True)
class Notify:
    """The queue's desk is told: with the summary, the transcript and the reason."""

    to: str
    reason: str


Effect = SayTransfer | HoldConversation | WakeAt | Release | WithdrawPending | Notify
Moved = tuple[Custody, tuple[Effect, ...]]


# -- the machine --------------------------------------------------------------------------------------


def move(custody: Custody, event: Happened, policy: Policy) -> Moved:
    """What becomes of it, and what is to be done. An event that came before changes nothing.

    >>> custody, effects = move(Custody(), Transferred("t1", 1_000, "marker", "humanos"), Policy())
    >>> custody.state, [type(effect).__name__ for effect in effects]
    ('requested', ['SayTransfer', 'HoldConversation', 'Notify'])
    """
    if isinstance(event, ContactWrote | Woke):
        after, effects = _in_time(custody, event, policy)
        return _told(custody, after, event.at), effects
    if event.id in custody.seen:
        return custody, ()
    after, effects = _happened(custody, event, policy)
    after = replace(after, seen=(*custody.seen, event.id)[-REMEMBERED:])
    return _told(custody, after, event.at), effects


def _told(before: Custody, after: Custody, at: int) -> Custody:
    """With a step more, when it passed on in a way that people would want to know."""
    stood, stands = ((one.people, one.spell, one.to, one.person) for one in (before, after))
    if stood == stands or (not before.people and not after.people):
        return after
    reason = after.reason if after.people else after.ended
    return replace(after, course=(*after.course, Step(at, after.state, after.to, after.person, reason))[-TOLD:])


def wake(custody: Custody, policy: Policy) -> WakeAt | None:
    """When the assistant may answer again by itself; None: when somebody says so.

    It follows from the custody and the queue's present policy, so that a changed policy holds for old conversations.
    """
    if not custody.people:
        return None
    if policy.resume == "idle_hours":
        return WakeAt(custody.active_at + int(policy.idle_hours * HOUR_MS), policy.resume)
    if policy.resume == "next_business_day":
        return WakeAt(max(policy.next_business_day(custody.active_at), custody.active_at + 1), policy.resume)
    return None


def may_send(custody: Custody, spell: int) -> bool:
    """Whether what the assistant began to write in that spell may still go out. Asked at settle and at send."""
    return not custody.people and custody.spell == spell


def _happened(
    custody: Custody, event: Transferred | TakenOver | PersonWrote | Resolved | Released, policy: Policy
) -> Moved:
    match event:
        case Transferred():
            return _transferred(custody, event, policy)
        case TakenOver() | PersonWrote():
            return _taken(custody, event, policy)
        case Resolved() if policy.resume == "manual":
            return custody, ()
        case Resolved():
            return _released(custody, event.at, event.place, "resolved")
        case Released():
            return _released(custody, event.at, event.place, event.by)


def _transferred(custody: Custody, event: Transferred, policy: Policy) -> Moved:
    """Whoever is called already is not called twice; another program may still name another queue, whose people are
    called then: who had it has it no more."""
    reason = event.reason or event.by
    if custody.people:
        if event.by not in ("api", "flow") or event.to == custody.to:
            return custody, ()
        after = replace(custody, to=event.to, reason=reason, state="requested", person="")
        return after, _held_for(event.to, reason)
    after = replace(_spell(custody, event.to, reason, event.at), state="requested", transfer=event.id)
    open = event.open and event.by != "out_of_hours"
    say = SayTransfer(variant(open=open, online=event.online), event.id)
    return after, (say, *_held_for(event.to, reason), *_woken(after, policy))


def _taken(custody: Custody, event: TakenOver | PersonWrote, policy: Policy) -> Moved:
    """Sticky: it ends with a release, never with the next message."""
    if custody.people:
        after = replace(custody, person=custody.person, active_at=max(custody.active_at, event.at), state="held")
        told: tuple[Effect, ...] = ()
    else:
        reason = _takeover(event)
        after = replace(_spell(custody, event.to, reason, event.at), state="held")
        told = _held_for(event.to, reason)
    person = event.person if isinstance(event, TakenOver) or not after.person else after.person
    after = replace(after, person=person or after.person)
    return after, (WithdrawPending(), *told, *_woken(after, policy))


def _takeover(event: TakenOver | PersonWrote) -> str:
    if isinstance(event, TakenOver) and event.by != "phone":
        return event.reason or event.by
    return "person_answered_elsewhere"


def _in_time(custody: Custody, event: ContactWrote | Woke, policy: Policy) -> Moved:
    """A wake-up that was lost is made up for when the contact writes: nobody waits for a person who is not coming."""
    due = wake(custody, policy)
    if due and event.at >= due.ms:
        custody, effects = _released(custody, event.at, event.place, due.why)
    else:
        effects = (due,) if due and isinstance(event, Woke) else ()
    if isinstance(event, ContactWrote) and custody.state == "released":
        custody = replace(custody, state="assistant")
    return custody, effects


def _released(custody: Custody, at: int, place: Cursor, reason: str) -> Moved:
    if not custody.people:
        return custody, ()
    horizon = Cursor(max(place.inbound, custody.horizon.inbound), max(place.outbound, custody.horizon.outbound))
    after = replace(custody, state="released", person="", since=at, ended=reason, horizon=horizon)
    return after, (Release(reason),)


def _spell(custody: Custody, to: str, reason: str, at: int) -> Custody:
    spell = custody.spell + 1
    return replace(
        custody, spell=spell, transfer="", to=to, reason=reason, person="", since=at, ended="", active_at=at
    )


def variant(*, open: bool, online: bool) -> Variant:
    """Which transfer message fits the moment."""
    if not open:
        return "out_of_hours"
    return "normal" if online else "nobody_online"


def _held_for(to: str, reason: str) -> tuple[Effect, ...]:
    return HoldConversation(to, reason), Notify(to, reason)


def _woken(custody: Custody, policy: Policy) -> tuple[Effect, ...]:
    due = wake(custody, policy)
    return (due,) if due else ()


# -- the horizon ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Past:
    """One thing said, with what makes it transfer wording."""

    inbound: bool
    seq: int
    """Of the entry in its direction."""
    calls: bool
    """It belongs to a turn that handed over, or it asks for a person (`wishes.asks_for_person`)."""


def readable(past: Sequence[Past], horizon: Cursor) -> list[bool]:
    """For each, whether the assistant is to read it.

    Up to the horizon what called for a person is left out, so that it calls for nobody again; what the contact and
    people said to each other stays, for the assistant must know what was agreed. Behind it everything is read.
    """
    return [not one.calls or one.seq > (horizon.inbound if one.inbound else horizon.outbound) for one in past]


# -- kept ---------------------------------------------------------------------------------------------


def custody_of(conversation: Conversation) -> Custody:
    """As it was kept; of a conversation that was held before custody was kept, as far as its hold tells."""
    hold = conversation.hold
    if hold is None or conversation.custody:
        return from_json(conversation.custody)
    return Custody("held", 1, to=hold.queue, reason=hold.reason, since=hold.at, active_at=hold.at)


def passing(conversation: Conversation, after: Custody) -> Passing:
    """What the store is asked for, so that the conversation passes on from where it was seen."""
    hold = Hold(after.to, after.reason, after.since) if after.people else None
    kept = conversation.custody if after == custody_of(conversation) else to_json(after)
    return Passing(conversation.custody, kept, hold)


def to_json(custody: Custody) -> str:
    return json.dumps({**asdict(custody), "horizon": str(custody.horizon)}, ensure_ascii=False, separators=(",", ":"))


def from_json(text: str) -> Custody:
    """Empty: the assistant has had it ever since. Raises ValueError when it is no custody.

    A key it does not know was written by a later version, and is left out.
    """
    if not text:
        return Custody()
    found = json.loads(text)
    if not isinstance(found, dict) or found.get("state") not in get_args(State):
        raise ValueError("no custody")
    known = {name: found[name] for name in Custody.__dataclass_fields__ if name in found}
    known |= {"horizon": Cursor.parse(known.get("horizon", "0-0")), "seen": tuple(known.get("seen", ()))}
    known["course"] = tuple(Step(**step) for step in known.get("course", ()))
    return Custody(**known)
