"""What recado says without being asked: a follow-up after silence, a closing, the question for a rating. Pure.

`due` says what is to be said now, `next_at` when to look again. Both go by what is known (`Past`) and not by what was
planned, so a wake-up that is lost, early or doubled costs nothing, and a setting that changed holds at once.

A silence is named by the contact's last message: a new message begins another one, with nothing to be undone. What was
said in it is remembered in facts about the contact that carry this name:

    followed_up:CONTACT_AT:N     the N-th follow-up of the silence
    closed:CONTACT_AT            it was closed
    rating_asked:RESOLVED_AT     a rating was asked, once for each time people were done (`rules.rating` has the others)

All moments are milliseconds since 1970.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field, model_validator

from gateway.rules.courtesies import courtesy_of
from gateway.rules.hours import Hours, next_closing, next_opening
from gateway.rules.rating import ASKED, LET_GO, RATED, Rating

Reason = Literal["follow_up", "closed", "rating_asked"]
FOLLOWED_UP, CLOSED = "followed_up:", "closed:"
MARGIN_MS = 5 * 60_000
"""Before the reply window ends: a turn, a slow channel and a few tries must fit in between."""
LATE_MS = 24 * 3_600_000
"""What is so late is not said any more: the machine was off, or the setting is new."""
MINUTE_MS, HOUR_MS = 60_000, 3_600_000


class FollowUp(BaseModel):
    """`[queues.follow_up]`. `after_minutes = 0`: never. An empty message: recado's own sentence."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    after_minutes: int = Field(0, ge=0, le=10_080)
    message: str = Field("", max_length=2000)
    times: int = Field(1, ge=1, le=5)

    @model_validator(mode="after")
    def _happens(self) -> FollowUp:
        if self.model_fields_set & {"message", "times"} and "after_minutes" not in self.model_fields_set:
            raise ValueError("nothing is said without after_minutes, e.g. after_minutes = 60")
        return self


class Closing(BaseModel):
    """`[queues.closing]`. `after_hours = 0`: never. An empty message: recado's own sentence."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    after_hours: float = Field(0.0, ge=0, le=720)
    message: str = Field("", max_length=2000)

    @model_validator(mode="after")
    def _happens(self) -> Closing:
        if self.model_fields_set & {"message"} and "after_hours" not in self.model_fields_set:
            raise ValueError("nothing is closed without after_hours, e.g. after_hours = 24")
        if 0 < self.after_hours < 0.1:
            raise ValueError("after_hours is in hours: at least 0.1, which is six minutes, or 0 for never")
        return self


class Unasked(Protocol):
    """A queue, as far as it matters here."""

    @property
    def follow_up(self) -> FollowUp: ...

    @property
    def closing(self) -> Closing: ...

    @property
    def rating(self) -> Rating: ...

    @property
    def hours(self) -> Hours: ...


@dataclass(frozen=True, slots=True)
class Past:
    """What is known of a conversation."""

    contact_at: int
    """When the contact last wrote, a reaction included; 0: never, and then nothing is said."""
    ours_at: int
    """When we last said something, fixed replies, flows and what is said unasked included; people's words are not.
    0: never."""
    answered: bool
    """Nothing the contact wrote waits for an answer, neither in a lane nor for people: the last turn with a message in
    it was answered."""
    held: bool = False
    """People have it, or are called."""
    opted_out: bool = False
    group: bool = False
    asking: bool = False
    """A flow waits for an answer; it has timeouts of its own."""
    done: bool = False
    """The contact's last words were thanks or a goodbye (`says_goodbye`)."""
    people_at: int = 0
    """When people last wrote, had it or let go of it; 0: never."""
    resolved_at: int = 0
    """When people last said that they were done; 0: never."""
    facts: Mapping[str, int] = field(default_factory=dict)
    """About the contact, and since when."""
    reply_window_ms: int = 0
    """How long after the contact's last message the channel lets us write freely; 0: always."""


@dataclass(frozen=True, slots=True)
class Due:
    """What is to be said now, as one turn."""

    reason: Reason
    sentence: str
    """Its name in `rules.sentences`; empty: it happens without a word."""
    text: str
    """The queue's own words in its place."""
    facts: Mapping[str, bool]
    """For `storage.model.Settlement.facts`: what is remembered, and what need not be any more."""

    @property
    def ends_flow(self) -> bool:
        return self.reason == "closed"


def due(past: Past, queue: Unasked, now: int) -> Due | None:
    """What is to be said at this moment; None: nothing."""
    plan = _first(past, queue, now)
    return _due(plan, past, queue) if plan and plan.at <= now else None


def next_at(past: Past, queue: Unasked, now: int) -> int | None:
    """When to look again, always later than `now`; None: not before there is a new message, or a resolve.

    What is due now counts as said: the turn that says it asks this with the same `past`.
    """
    if said := due(past, queue, now):
        past = told(past, said, now)
    plan = _first(past, queue, now)
    return plan.at if plan else None


def soonest(queue: Unasked, now: int) -> int | None:
    """After a word said now: before this moment there is nothing to look for; None: nor ever."""
    waits = [queue.follow_up.after_minutes * MINUTE_MS, round(queue.closing.after_hours * HOUR_MS)]
    return min((now + wait for wait in waits if wait), default=None)


def told(past: Past, said: Due, now: int) -> Past:
    """What is known once it was said."""
    facts = {name: since for name, since in past.facts.items() if name not in said.facts}
    facts |= {name: now for name, on in said.facts.items() if on}
    return replace(past, facts=facts, ours_at=now if said.sentence else past.ours_at)


def says_goodbye(texts: Sequence[str]) -> bool:
    """Whether a burst ends with a message of thanks or a goodbye: then nobody asks whether there is anything else."""
    return bool(texts) and courtesy_of(texts[-1]) in ("thanks", "goodbye")


# -- when ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Plan:
    reason: Reason
    wanted: int
    """When it would be due in a queue that never closes."""
    at: int
    """When it can be said: not in the past."""
    aloud: bool = True


def _first(past: Past, queue: Unasked, now: int) -> _Plan | None:
    """Of what waits for the same opening, what was wanted first."""
    return min(_plans(past, queue, now), key=lambda plan: plan.wanted, default=None)


def _plans(past: Past, queue: Unasked, now: int) -> Iterator[_Plan]:
    if past.held or past.opted_out or past.group or not past.contact_at:
        return
    if max(past.people_at, past.resolved_at) >= past.contact_at:  # people had the last word: the silence is theirs
        found: tuple[_Plan | None, ...] = (_rating(past, queue, now),)
    elif past.answered and not _at_rest(past):
        found = (_follow_up(past, queue, now), _closing(past, queue, now))
    else:
        found = ()
    yield from (plan for plan in found if plan)


def _at_rest(past: Past) -> bool:
    """It was closed, or the contact's last word was a score."""
    scored = any(name.startswith(RATED) and since >= past.contact_at for name, since in past.facts.items())
    return scored or f"{CLOSED}{past.contact_at}" in past.facts


def _follow_up(past: Past, queue: Unasked, now: int) -> _Plan | None:
    settings, last_word = queue.follow_up, past.ours_at >= past.contact_at
    if not settings.after_minutes or not last_word or past.asking or past.done:
        return None
    if len(_follow_ups(past)) >= settings.times:
        return None
    wanted = _said_at(past) + settings.after_minutes * MINUTE_MS
    return _aloud(_Plan("follow_up", wanted, 0), past, queue, now)


def _closing(past: Past, queue: Unasked, now: int) -> _Plan | None:
    """It always happens; in words only where they can be read, and by somebody who has not said goodbye."""
    if not queue.closing.after_hours:
        return None
    wanted = _said_at(past) + round(queue.closing.after_hours * HOUR_MS)
    soonest = max(wanted, now)
    quiet = _Plan("closed", wanted, next_opening(queue.hours, soonest) or soonest, aloud=False)
    return quiet if past.done else _aloud(quiet, past, queue, now) or quiet


def _rating(past: Past, queue: Unasked, now: int) -> _Plan | None:
    new = past.resolved_at >= past.contact_at and f"{ASKED}{past.resolved_at}" not in past.facts
    if not queue.rating.ask or not new:
        return None
    return _aloud(_Plan("rating_asked", past.resolved_at, 0), past, queue, now)


def _aloud(plan: _Plan, past: Past, queue: Unasked, now: int) -> _Plan | None:
    """The same at the next moment when the queue is open; None: it can not be said any more."""
    first, at = next_opening(queue.hours, plan.wanted), next_opening(queue.hours, max(plan.wanted, now))
    if first is None or at is None or at > _latest(queue.hours, first) or "unreachable" in past.facts:
        return None
    if past.reply_window_ms and at > past.contact_at + past.reply_window_ms - MARGIN_MS:
        return None
    return replace(plan, at=at, aloud=True)


def _latest(hours: Hours, first: int) -> int:
    """A wake-up that came a second after the shop had closed is still good at the next opening."""
    closing = next_closing(hours, first)
    again = next_opening(hours, closing) if closing is not None else first
    return (again or first) + LATE_MS


def _said_at(past: Past) -> int:
    """The last word of anybody."""
    return max(past.contact_at, past.ours_at, *_follow_ups(past).values())


def _follow_ups(past: Past) -> dict[str, int]:
    """Of this silence."""
    return {name: at for name, at in past.facts.items() if name.startswith(f"{FOLLOWED_UP}{past.contact_at}:")}


# -- what ---------------------------------------------------------------------------------------------


def _due(plan: _Plan, past: Past, queue: Unasked) -> Due:
    match plan.reason:
        case "follow_up":
            n = len(_follow_ups(past)) + 1
            fact, sentence, text = f"{FOLLOWED_UP}{past.contact_at}:{n}", "follow_up", queue.follow_up.message
        case "closed":
            fact, sentence, text = f"{CLOSED}{past.contact_at}", "closing", queue.closing.message
        case "rating_asked":
            fact, sentence, text = f"{ASKED}{past.resolved_at}", "rating_ask", queue.rating.message
    facts = {**dict.fromkeys(_stale(past), False), fact: True}
    return Due(plan.reason, sentence, text, facts) if plan.aloud else Due(plan.reason, "", "", facts)


def _stale(past: Past) -> Iterator[str]:
    """Facts of silences and questions that are over. Scores are kept."""
    silence = (f"{FOLLOWED_UP}{past.contact_at}:", f"{CLOSED}{past.contact_at}")
    question = (f"{ASKED}{past.resolved_at}", f"{LET_GO}{past.resolved_at}")
    families = (FOLLOWED_UP, CLOSED, ASKED, LET_GO)
    return (name for name in past.facts if name.startswith(families) and not name.startswith((*silence, *question)))
