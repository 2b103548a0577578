"""A desk: where people answer. An adapter translates; when people are called, and what follows from what they do, the
core decides.

    Case        people are called, or came: who it is, why, a summary and what was said
    News        what was said since, by the contact or by whoever else answered
    Over        the assistant has the conversation again

    DeskError   it could not be told: reason · retryable · retry_after · hint
    Forged      a hook that does not prove where it comes from: 401, and nothing of it is stored

What one request of a desk means is told in events, in the order of the request:

    Written     a person wrote to the contact
    Assigned    a person has the conversation
    Resolved    the desk says that it is done
    Challenge   the desk asks whether this address is meant: the text is the answer
    Noise       nothing for us, and why: counted

The core keeps a desk's calls in a lane of their own: in order, one at a time for each conversation, tried again when
they fail. So an adapter never retries, never waits for long and keeps nothing: what it must find again (a ticket's
number, a thread) it hands back as `place` and is given with the next item.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from gateway.channels.base import Forged, Hook
from tts.findings import Finding

__all__ = [
    "Assigned",
    "Case",
    "Challenge",
    "Desk",
    "DeskError",
    "Event",
    "Forged",
    "Hook",
    "Item",
    "Line",
    "News",
    "Noise",
    "Over",
    "Placed",
    "Resolved",
    "Written",
]

# -- what a desk is told ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that was said."""

    by: Literal["contact", "assistant", "person"]
    text: str
    """Words, also those of a voice note; empty when nobody could hear them."""
    at: int
    """Milliseconds since the epoch."""
    voice: bytes | None = field(default=None, repr=False)
    """The voice note itself, where it is at hand and not too large; its kind is `mime`."""
    mime: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    id: str
    """The idempotency key: equal on each retry."""
    conversation: str
    contact: str
    """The channel's own id of the contact: a phone, a visitor."""
    name: str
    """As the contact calls itself; may be empty."""
    channel: str
    queue: str
    """The queue it comes from."""
    to: str
    """The people's queue."""
    reason: str
    """A code of docs/reasons.md."""
    why: str
    """The same as a sentence, in `language`."""
    summary: str
    """A few lines, in `language`."""
    language: str
    """The queue's, BCP 47: what people there read."""
    speaks: str
    """The contact's, BCP 47."""
    transcript: Sequence[Line] = ()
    """Oldest first; the newest of a long conversation."""
    url: str = ""
    """Where a person can open it in recado's own inbox; empty: nowhere."""
    place: Mapping[str, str] = field(default_factory=dict)
    """What the latest `Placed` of this conversation said; empty the first time."""


@dataclass(frozen=True, slots=True)
class News:
    id: str
    conversation: str
    contact: str
    name: str
    language: str
    lines: Sequence[Line]
    place: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Over:
    id: str
    conversation: str
    reason: str
    """`resolved`, `idle_hours`, `next_business_day`, or who let go."""
    language: str
    place: Mapping[str, str] = field(default_factory=dict)


Item = Case | News | Over


@dataclass(frozen=True, slots=True)
class Placed:
    """It is there."""

    place: Mapping[str, str] = field(default_factory=dict)
    """In the stead of any `place` before it; short texts. Empty: as before."""
    known_as: Sequence[str] = ()
    """By which ids the desk's hooks name this conversation from now on: `Written.thread` and so on."""


class DeskError(Exception):
    """A desk could not be told."""

    def __init__(self, reason: str, *, retryable: bool, retry_after: float | None = None, hint: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        """A short code, the desk's own where it has one: `invalid_auth`, `http_503`."""
        self.retryable = retryable
        """False: the same call will never be taken; a bug or a setting."""
        self.retry_after = retry_after
        """Seconds, by the desk's word."""
        self.hint = hint
        """For the operator: what to do. Never a key."""


# -- what a desk tells -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Written:
    """A person wrote to the contact. Notes among colleagues and what we wrote ourselves are Noise."""

    id: str
    """The desk's id of it: the same one twice is the same message."""
    thread: str
    """One of the ids of `Placed.known_as`."""
    text: str
    """Plain text; a file of the person's is a line with its link."""
    at: int
    """Milliseconds since the epoch by the desk's clock."""
    person: str = ""
    """As colleagues call them."""


@dataclass(frozen=True, slots=True)
class Assigned:
    id: str
    thread: str
    at: int
    person: str = ""
    """Empty: nobody has it any more."""


@dataclass(frozen=True, slots=True)
class Resolved:
    id: str
    """The same one twice is the same: where the desk gives none, made of the thread and the time of the change."""
    thread: str
    at: int
    person: str = ""


@dataclass(frozen=True, slots=True)
class Challenge:
    text: str


@dataclass(frozen=True, slots=True)
class Noise:
    reason: str


Event = Written | Assigned | Resolved | Challenge | Noise


class Desk(Protocol):
    @property
    def name(self) -> str:
        """For the operator: the type and what tells it from others."""
        ...

    async def send(self, item: Item) -> Placed:
        """Raises DeskError, and nothing else of the wire."""
        ...

    def prove(self, headers: Mapping[str, str]) -> None:
        """Asked before a body is read: raises Forged where headers alone tell. Names in lower case."""
        ...

    def read(self, hook: Hook) -> Sequence[Event]:
        """What a request means. Raises Forged. Whatever else a body holds, it becomes an event: never an error."""
        ...

    async def online(self) -> bool | None:
        """Whether somebody is there to take a conversation; None: nobody can tell. Raises nothing of the wire."""
        ...

    async def check(self) -> Sequence[Finding]:
        """For `recado check`: is the account right?"""
        ...

    async def close(self) -> None: ...
