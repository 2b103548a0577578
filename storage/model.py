"""The nouns: what exists, with no I/O and no clock.

Every time in this file is milliseconds since the Unix epoch, UTC, unless a field says otherwise.
Ids are opaque outside the module that makes them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Any, NewType

ConversationId = NewType("ConversationId", str)
TurnId = NewType("TurnId", str)
MediaId = NewType("MediaId", str)


class Kind(IntEnum):
    """The direction of a lane."""

    IN = 0
    """What a contact wrote; its claims become turns. Key: a ConversationId."""
    OUT = 1
    """What we send; its claims become deliveries. Key: a ConversationId."""
    DESK = 2
    """What people at a desk are told. Key: a ConversationId."""
    LATER = 3
    """When to look at a conversation again; has no entries. Key: a ConversationId."""


def conversation_id(channel: str, contact: str) -> ConversationId:
    """One contact on one channel is one conversation. Stable, and no contact can be read off it."""
    digest = hashlib.blake2b(f"{channel}\x00{contact}".encode(), digest_size=12).hexdigest()
    return ConversationId(f"c_{digest}")


# -- lanes -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Post:
    """One entry to append to a lane."""

    key: ConversationId
    dedup: str
    """IN: the provider's message id. OUT: `<turn>:<part>`, the idempotency key of the delivery."""
    body: str
    """JSON, read by whoever wrote it: the store never looks inside."""
    digest: str = ""
    """Of the content: the same `dedup` with another digest is a conflict, not a duplicate."""
    window: int = 0
    """Milliseconds of silence that end the burst."""
    max_wait: int = 0
    """Milliseconds after the first unclaimed message that end it anyway. Below `window` it is raised to it."""
    once: bool = False
    """`dedup` is unique over the whole channel: the same one in another of its conversations is a duplicate."""


class Verdict(StrEnum):
    NEW = "new"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"


@dataclass(frozen=True, slots=True)
class Posted:
    verdict: Verdict
    seq: int
    """The entry's number in its lane: the new one, or that of the entry already there."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Proof of owning a lane for the length of a lease: (kind, key, epoch, owner)."""

    kind: Kind
    key: ConversationId
    epoch: int
    owner: str
    head: int
    """Consumed up to here."""
    tail: int
    """Claimed up to here. `tail - head` is no count: holes are legal."""
    tries: int
    """Claims since the last success, this one included; a draft folded into the next turn is not counted."""
    folds: int
    """Drafts thrown away since the last success because newer messages came."""
    ripe_at: int
    """When the lane became due: lateness is claim time minus this."""
    claimed_at: int
    """The store's clock at the claim."""


@dataclass(frozen=True, slots=True)
class Entry:
    kind: Kind
    seq: int
    dedup: str
    body: str
    at: int
    """When the store accepted it. Never falls within a lane."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in a conversation's transcript: the last seen entry of each direction."""

    inbound: int = 0
    outbound: int = 0

    def __str__(self) -> str:
        return f"{self.inbound}-{self.outbound}"

    @classmethod
    def parse(cls, text: str) -> Cursor:
        """Raises ValueError when `text` is not `<int>-<int>`."""
        inbound, dash, outbound = text.partition("-")
        if not (dash and inbound.isascii() and inbound.isdigit() and outbound.isascii() and outbound.isdigit()):
            raise ValueError(f"not a cursor: {text[:40]!r}")
        if len(inbound) > 18 or len(outbound) > 18:
            raise ValueError("cursor out of range")
        return cls(int(inbound), int(outbound))


# -- conversations, turns, facts about deliveries ------------------------------------------------


@dataclass(frozen=True, slots=True)
class Hold:
    """A conversation held for people: the assistant is silent until it is released."""

    queue: str
    """The queue whose people hold it."""
    reason: str
    """A reason code, e.g. `marker`, `assistant_unavailable`, `api`."""
    at: int


@dataclass(frozen=True, slots=True)
class Conversation:
    id: ConversationId
    channel: str
    contact: str
    """The channel's own id of the contact: a phone, a BSUID, a visitor. Never logged."""
    name: str
    queue: str
    hold: Hold | None = None
    created_at: int = 0
    address: Mapping[str, str] = field(default_factory=dict)
    """What the channel needs to find the contact, as it last said; the store never looks inside."""
    group: bool = False
    custody: str = ""
    """Who has it, and how it came about; the store never looks inside. Empty: the assistant, ever since."""
    flow: str = ""
    """Where it stands in a flow; the store never looks inside. Empty: in none."""
    place: Mapping[str, str] = field(default_factory=dict)
    """What a desk calls it; the store never looks inside."""


@dataclass(frozen=True, slots=True)
class Work:
    """What a claim is about."""

    entries: Sequence[Entry]
    """Of (head, tail], in order. May be none: holes in `seq` are legal."""
    conversation: Conversation | None = None
    facts: Mapping[str, int] = field(default_factory=dict)
    """As `facts` of the store."""


@dataclass(frozen=True, slots=True)
class Passing:
    """A conversation passes from hand to hand: written only while its custody is still `before`."""

    before: str
    after: str
    hold: Hold | None = None
    """From now on; None: people do not have it."""


@dataclass(frozen=True, slots=True)
class Known:
    """What a provider's id stands for."""

    conversation: ConversationId
    kind: Kind
    seq: int
    """Of the entry; 0 when only its delivery is known."""
    dedup: str
    """Of the entry: IN: that id, OUT: the delivery."""


@dataclass(frozen=True, slots=True)
class Unread:
    """A request of a provider that nobody could read."""

    channel: str
    at: int
    why: str
    body: bytes = field(repr=False)


class Outcome(StrEnum):
    """How a turn ended. Every inbound message is covered by exactly one turn."""

    ANSWERED = "answered"
    TRANSFERRED = "transferred"
    """Handed over to people, with the transfer message."""
    HELD = "held"
    """A person has the conversation: the assistant stayed silent."""
    IGNORED = "ignored"
    """Nothing to answer; the reason says why."""
    DEAD = "dead"
    """Given up after too many claims; parked in dead letters and handed over."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One burst and its single outcome; written once, at settle."""

    id: TurnId
    conversation: ConversationId
    epoch: int
    head: int
    tail: int
    """It covers the inbound entries in (head, tail]."""
    started_at: int
    ended_at: int
    outcome: Outcome
    reason: str
    timeline: Sequence[Mapping[str, Any]] = ()
    """Steps in order: {"step", "at", "ms", "reason", ...}; JSON values only."""
    reply: Mapping[str, Any] | None = None
    """The public reply object; JSON values only."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """A fact about a delivery. Append-only."""

    conversation: ConversationId
    delivery: str
    """The OUT entry's `dedup`."""
    status: str
    """sent | delivered | read | played | failed | withdrawn | unsure | templated"""
    at: int
    provider_id: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    kind: Kind
    conversation: ConversationId
    seq: int
    reason: str
    at: int


@dataclass(frozen=True, slots=True)
class GivenUp:
    """A dead letter, with what it was."""

    kind: Kind
    conversation: ConversationId
    seq: int
    reason: str
    at: int
    body: str = field(repr=False)
    """Of the entry; empty where that is gone."""


@dataclass(frozen=True, slots=True)
class Media:
    """A blob by content hash, with what is known about it."""

    id: MediaId
    mime: str
    bytes: int
    seconds: float | None = None
    waveform: tuple[int, ...] = ()
    """64 samples, 0 to 100, when it is a voice note."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """What became of a medium that a message only named."""

    seq: int
    """Of the inbound entry."""
    n: int
    """Its place among the message's attachments, from 0."""
    media: Media | None
    problem: str = ""
    """Why it could not be had, for good."""


@dataclass(frozen=True, slots=True)
class Settlement:
    """Everything one finished claim writes, in one transaction."""

    upto: int
    posts: Sequence[Post] = ()
    """Appended to the OUT lane of the same conversation."""
    turn: Turn | None = None
    passing: Passing | None = None
    """Who has the conversation from now on. While that is no longer `before`, nothing is written at all."""
    receipts: Sequence[Receipt] = ()
    dead: Sequence[DeadLetter] = ()
    media: Sequence[MediaId] = ()
    """Blobs this conversation may open from now on."""
    max_folds: int = 0
    """While fewer drafts than this were thrown away, newer messages throw this one away too."""
    pause: int = 0
    """Milliseconds before this lane may be claimed again; no new message shortens it."""
    facts: Mapping[str, bool] = field(default_factory=dict)
    """Facts about the contact that begin (True) or end (False)."""
    address: Mapping[str, str] | None = None
    """The contact's new address."""
    desk: Sequence[Post] = ()
    """Appended to the DESK lane of the same conversation."""
    flow: str | None = None
    """Where the conversation stands in a flow from now on; empty: in none."""
    place: Mapping[str, str] | None = None
    """What a desk calls the conversation from now on."""
    wake_at: int | None = None
    """When to look at the conversation again; an earlier wake-up stays."""
    known: Sequence[tuple[str, str]] = ()
    """(channel, id) by which the conversation is known from now on: the names a desk gives it."""


class Settled(StrEnum):
    DONE = "done"
    FOLDED = "folded"
    """Newer messages came: nothing was written, the lane waits for its window and will be claimed with them."""
    MOVED = "moved"
    """The conversation is in other hands than it was: nothing was written, the claim is still ours."""


@dataclass(frozen=True, slots=True)
class Spent:
    """What a queue's speech and answers came to over some days."""

    characters: int = 0
    """Charged by the voice's provider."""
    seconds: float = 0.0
    """Of speech."""
    saved: int = 0
    """Characters that cost nothing, because their sound was there already."""
    tokens: int = 0
    """Read and written, as the assistant's provider counts them."""


@dataclass(frozen=True, slots=True)
class Depths:
    """Gauges of the store, for metrics."""

    waiting: Mapping[str, int] = field(default_factory=dict)
    """Lanes that wait or run, by direction: {"in": n, "out": n, "desk": n}."""
    dead: int = 0
    held: int = 0
    conversations: int = 0
