"""What the gateway may ask of a store, in a few short protocols.

    StoreError
    ├── Fenced           somebody else owns the lane now: throw the work away
    ├── Unavailable      disk full, database locked or gone: nothing was written, try again (retry_after, seconds)
    ├── NewerDatabase    written by a newer recado: refuse to start
    └── AlreadyOpen      another process has this SQLite file: refuse to start

Each implementation passes `tests/contracts/store_suite.py`. The store's clock is the only clock of the lanes.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from storage.model import (
    Claim,
    Conversation,
    ConversationId,
    Cursor,
    DeadLetter,
    Depths,
    Entry,
    Fetched,
    GivenUp,
    Kind,
    Known,
    Media,
    MediaId,
    Passing,
    Post,
    Posted,
    Receipt,
    Settled,
    Settlement,
    Spent,
    Turn,
    Unread,
    Work,
)


class StoreError(Exception):
    """Something the store could not do."""


class Fenced(StoreError):
    """Somebody else owns the lane now: the work must be thrown away."""


class Unavailable(StoreError):
    """The database cannot write now. Nothing was written, or, where the connection was cut, nobody knows: what is
    written twice is written once. `alone`: it concerns this one conversation, not the database."""

    def __init__(self, message: str, retry_after: float = 5.0, *, alone: bool = False) -> None:
        super().__init__(message)
        self.retry_after, self.alone = retry_after, alone


class NewerDatabase(StoreError):
    """The database was written by a newer version."""


class AlreadyOpen(StoreError):
    """Another process has the database open for writing."""


class Lanes(Protocol):
    """The durable core. Semantics and measurements: docs/architecture.md."""

    async def accept(self, conversation: Conversation, post: Post, media: Sequence[MediaId] = ()) -> Posted:
        """Commit one inbound message (and the conversation, when it is new). Returns only after the commit.

        An existing conversation keeps its queue, hold and creation time; a non-empty name or address replaces the
        old one. Raises Unavailable.
        """
        ...

    async def take_over(
        self,
        conversation: Conversation,
        post: Post,
        provider_id: str,
        passing: Passing,
        *,
        desk: Sequence[Post] = (),
        wake_at: int | None = None,
    ) -> Posted | None:
        """Commit what a person of the business wrote: an OUT entry, known by the provider's id, and who has the
        conversation from now on. DUPLICATE, and nothing written, when the id is known in the channel. None, and
        nothing written, when the custody is no longer `passing.before`.
        """
        ...

    async def knock(self, posts: Sequence[Post]) -> bool:
        """Append to a conversation's inbound lane what nobody wrote. False, and nothing written, while anything waits
        or runs there: it would cut a window short or throw a draft away."""
        ...

    async def send_also(self, post: Post) -> Posted:
        """Append to the conversation's outbound lane, outside of a turn."""
        ...

    async def cancel(self, id: ConversationId, reason: str) -> Turn | None:
        """End what waits or runs in the conversation's inbound lane, in one turn: IGNORED with this reason. Whoever
        runs it is fenced. None when nothing waits."""
        ...

    async def claim(
        self, kind: Kind, limit: int, lease: int, owner: str, beside: Collection[str] = ()
    ) -> list[Claim]:
        """Take due lanes, and lanes whose owner let the lease (ms) run out, oldest first. `beside`: but not of these
        queues, or of these channels where the lanes lead out."""
        ...

    async def whose(self, kind: Kind, ids: Sequence[ConversationId]) -> Mapping[str, str]:
        """The queue of each conversation, or its channel where the lanes lead out: what `beside` names."""
        ...

    async def load(self, claim: Claim) -> Work:
        """All that was committed before the claim."""
        ...

    async def renew(self, claim: Claim, lease: int) -> None:
        """Raises Fenced."""
        ...

    async def settle(self, claim: Claim, settlement: Settlement) -> Settled:
        """Consume the claim and write all of the settlement, or nothing. Raises Fenced, Unavailable."""
        ...

    async def fold(self, claim: Claim, max_folds: int) -> bool:
        """Throw the draft away if newer messages came and fewer than `max_folds` were: they make one turn.

        False: there is nothing to fold or no fold left; the claim is still ours. Raises Fenced.
        """
        ...

    async def retry(self, claim: Claim, delay: int) -> None:
        """Give the claim back; it is due again in `delay` ms and no new message shortens that. Raises Fenced."""
        ...

    async def pause(self, kind: Kind, key: ConversationId, why: str | None) -> None:
        """Stop a lane from being claimed (None: go on). Nothing is lost meanwhile."""
        ...

    async def at_work(self, kind: Kind, key: ConversationId) -> int | None:
        """Of a lane that somebody has claimed, the last entry that was done before; None: nobody has."""
        ...

    async def next_wake(self, kind: Kind) -> int | None:
        """When the next lane is due; None when all are asleep."""
        ...

    async def rest(self, kind: Kind) -> float:
        """Seconds until it is worth looking for due lanes again, when no bell rings before."""
        ...

    async def now(self) -> int:
        """The store's clock; never falls."""
        ...


class Conversations(Protocol):
    async def conversation(self, id: ConversationId) -> Conversation | None: ...

    async def pass_on(
        self,
        id: ConversationId,
        passing: Passing,
        *,
        posts: Sequence[Post] = (),
        desk: Sequence[Post] = (),
        media: Sequence[MediaId] = (),
        wake_at: int | None = None,
    ) -> bool:
        """Who has it from now on, with what follows: OUT entries, DESK entries, media
        the conversation may open, a wake-up. False, and nothing written,
        when there is no such conversation or its custody is no longer `passing.before`."""
        ...

    async def posted(self, id: ConversationId, dedup: str) -> bool:
        """Whether an OUT entry of that name is there, sent or not."""
        ...

    async def held(self, limit: int, after: tuple[int, str] = (0, "")) -> list[Conversation]:
        """Those that people have or are called to, since longest first. `after`: (hold.at, id) of the last one."""
        ...

    async def transcript(self, id: ConversationId, after: Cursor, limit: int) -> list[Entry]:
        """Entries of both directions after the cursor, in the order they were accepted."""
        ...

    async def recent(self, id: ConversationId, limit: int) -> list[Entry]:
        """The newest `limit` entries of both directions, oldest first."""
        ...

    async def said(self, id: ConversationId, limit: int) -> list[Entry]:
        """As `recent`, without what the contact never got: withdrawn, replaced by a template, or failed for good."""
        ...

    async def turns(self, id: ConversationId, after: int, limit: int) -> list[Turn]:
        """Turns with epoch > after, in order."""
        ...

    async def turn_covering(self, id: ConversationId, seq: int) -> Turn | None:
        """The turn that gave inbound entry `seq` its outcome; None while it waits."""
        ...

    async def latest(self, id: ConversationId, kind: Kind, limit: int) -> list[Entry]:
        """The newest `limit` entries of one direction, newest first."""
        ...

    async def requeue(self, id: ConversationId, queue: str) -> bool:
        """Another queue answers from now on. False when there is no such conversation."""
        ...

    async def record(self, receipt: Receipt) -> bool:
        """False, and nothing written, when this delivery has this status already. A provider's id becomes `known`."""
        ...

    async def receipts(self, id: ConversationId) -> list[Receipt]: ...

    async def resolve(self, receipt: Receipt) -> bool:
        """An unsure delivery turns out to be sent: `record`, and its dead letter goes."""
        ...

    async def bury(self, dead: DeadLetter) -> None:
        """A delivery that was over turns out to have failed."""
        ...

    async def dead(self, limit: int, after: GivenUp | None = None) -> list[GivenUp]:
        """What was given up, newest first. `after`: the last one of the page before."""
        ...

    async def given_up(self, id: ConversationId, kind: Kind, seq: int) -> GivenUp | None: ...

    async def repost(self, id: ConversationId, kind: Kind, seq: int) -> Posted | None:
        """A copy of what was given up goes to the end of its lane, due at once, under a name of its own, and the dead
        letter is gone. None, and nothing written, when it is gone already."""
        ...

    async def facts(self, id: ConversationId) -> dict[str, int]:
        """What is remembered about the contact (`no_voice`, `opted_out`, ...) and since when."""
        ...

    async def set_fact(self, id: ConversationId, name: str, on: bool) -> None: ...

    async def readdress(self, id: ConversationId, address: Mapping[str, str]) -> None: ...

    async def known(self, channel: str, id: str) -> Known | None:
        """What a provider's id stands for: a message posted with `once`, a recorded delivery, a person's message."""
        ...

    async def known_as(self, channel: str, ids: Sequence[str], *, lasting: str = "") -> str:
        """The one name of a contact that goes by all of `ids` (the most lasting first), learned for good.

        lasting: the one of them that is never given to anybody else. Two contacts with different ones are never
        merged: what they share, such as a number that changed hands, is the later one's from then on.
        Of contacts known before, the one with the oldest conversation wins; the others become its aliases, and
        their hold, facts, flow and name at a desk become its own. Writes only when there is something to learn.
        """
        ...

    async def withdrawn(self, id: ConversationId) -> set[str]:
        """The deliveries a person's arrival stopped: written, and never sent."""
        ...


class Library(Protocol):
    """Small facts beside the conversations."""

    async def add_media(self, media: Media) -> None: ...

    async def media(self, id: MediaId) -> Media | None: ...

    async def media_open_to(self, id: MediaId, conversation: ConversationId) -> bool: ...

    async def media_open_to_channel(self, id: MediaId, channel: str) -> bool:
        """True when any conversation of the channel may open it."""
        ...

    async def heard(self, media: MediaId) -> tuple[str, str] | None:
        """(text, language) of a voice note that was transcribed before."""
        ...

    async def remember_heard(self, media: MediaId, text: str, language: str) -> None: ...

    async def fetched(self, id: ConversationId, after: int, upto: int) -> list[Fetched]:
        """Of the inbound entries in (after, upto]."""
        ...

    async def remember_fetched(self, id: ConversationId, fetched: Fetched) -> None:
        """And the conversation may open it. The first word on a medium stays."""
        ...

    async def keep_unread(self, channel: str, why: str, body: bytes) -> None:
        """The newest 200 of each channel are kept, 64 KiB of each."""
        ...

    async def unread(self, limit: int) -> list[Unread]:
        """Newest first."""
        ...

    async def sealed(self, name: str) -> bytes | None:
        """A secret as the vault sealed it."""
        ...

    async def seal(self, name: str, blob: bytes, *, anew: bool = True) -> None:
        """`anew`: instead of what is sealed under that name already; otherwise that stays."""
        ...

    async def spend(
        self, queue: str, day: str, *, characters: int = 0, seconds: float = 0.0, saved: int = 0, tokens: int = 0
    ) -> None:
        """Add to what the queue's speech and answers came to on that day. `day`: `YYYY-MM-DD`, UTC. Nothing is written
        for nothing.

        Raises ValueError for what is negative, not finite or no such day; Unavailable.
        """
        ...

    async def spent(self, queue: str, since_day: str) -> Spent:
        """The sum of `since_day` (`YYYY-MM-DD`, UTC) and every later day. Raises ValueError for what is no such day."""
        ...

    async def depths(self) -> Depths: ...


class Fleet(Protocol):
    """What several processes agree on."""

    alone: bool
    """Nobody else writes here: what this process remembers is all there is."""

    async def lease(self, name: str, owner: str, ms: int) -> bool:
        """Whether `owner` does for the next `ms` milliseconds what only one may do. Asked again, it goes on."""
        ...

    async def let_go(self, name: str, owner: str) -> None: ...

    async def leased(self, name: str) -> bool:
        """Whether anybody has it."""
        ...

    async def take_room(self, name: str, rate: float, burst: float) -> float:
        """0: one of `rate` sends a second, `burst` at once after a rest, is yours. Otherwise the seconds until there
        may be room; nothing was taken."""
        ...

    async def no_room(self, name: str, seconds: float, rate: float, burst: float) -> None:
        """Nobody gets any for so long."""
        ...

    async def under_way(self, ids: Sequence[ConversationId]) -> Mapping[ConversationId, bool]:
        """Those with messages that no turn has settled: whether somebody works on them."""
        ...

    async def marks(self, ids: Sequence[ConversationId]) -> Mapping[str, object]:
        """By conversation: something that changes whenever somebody writes there or it passes from hand to hand."""
        ...


class Store(Lanes, Conversations, Library, Fleet, Protocol):
    """All of it; opened and closed by whoever built it."""

    async def open(self) -> None:
        """Raises NewerDatabase, AlreadyOpen, Unavailable."""
        ...

    async def close(self) -> None:
        """Finish what was asked, commit, let go. Safe to call twice."""
        ...
