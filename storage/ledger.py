"""A store in SQL: every question and every procedure, asked of an engine underneath.

What SQLite and PostgreSQL have in common is here, and neither is named. An engine says how a statement is run, how a
procedure becomes one transaction, and how far back a claim looks.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from storage import again, lanes, procedures
from storage.lanes import Row, Values
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
    Verdict,
    Work,
    conversation_id,
)
from storage.procedures import Procedure

T = TypeVar("T")
Rang = Callable[[Kind, ConversationId], None]
Bells = Iterable[tuple[Kind, ConversationId]]

EVER = 1 << 50
"""Milliseconds: longer ago than anything."""


class Ledger(ABC):
    """`storage.store.Store`, but for opening, closing and the clock.

    rang: called on the event loop after a commit that posted to, woke or changed a lane or a hold, once per lane and
    request. Claims and renewals do not ring: whoever makes them knows.
    """

    _familiar_most = 0
    """Answers to "who is it?" that are remembered; then it begins anew. Only where nobody else writes."""

    _depths = lanes.DEPTHS

    def __init__(self, rang: Rang | None = None) -> None:
        self._rang = rang
        self._familiar: dict[tuple[str, tuple[str, ...]], str] = {}
        """Contacts by channel and names. Another one is begun whenever a name is learned, so that a look which was
        under way meanwhile writes into one that nobody reads any more."""

    # -- the engine ----------------------------------------------------------------------------------

    @abstractmethod
    async def _write(self, procedure: Procedure[T], bells: Callable[[T], Bells] | None = None) -> T:
        """All of it in one transaction, or nothing. Rings after the commit, even when nobody waits for it any more."""

    @abstractmethod
    async def _all(self, sql: str, values: Values) -> Sequence[Row]:
        """The rows of one statement that may write, or must see what was written just now."""

    @abstractmethod
    async def _read(self, sql: str, values: Values) -> Sequence[Row]:
        """The rows of one statement that no lane waits for."""

    def _back(self, kind: Kind) -> int:
        """How long ago a lane may have become due for a claim to see it, in milliseconds."""
        return EVER

    def _entry(self, row: Row) -> Entry:
        return lanes.entry_of(row)

    # -- asking the engine -----------------------------------------------------------------------------

    async def _one(self, sql: str, values: Values, bells: Callable[[Row | None], Bells] | None = None) -> Row | None:
        """One statement that writes."""
        return await self._write(procedures.once(sql, values), bells)

    async def _mine(self, sql: str, claim: Claim, bells: Bells = (), **more: int) -> None:
        await self._write(procedures.mine(sql, claim, **more), lambda _: bells)

    async def _read_one(self, sql: str, values: Values) -> Any:
        rows = await self._read(sql, values)
        return rows[0] if rows else None

    def _ring(self, bells: Bells) -> None:
        if self._rang is not None:
            for kind, key in bells:
                self._rang(kind, key)

    async def inspect(self, sql: str, values: Values) -> Sequence[Row]:
        """What a question of `inspection.py` finds, or of `retention.py`."""
        return await self._read(sql, values)

    async def forget(self, procedure: Procedure[T]) -> T:
        """What `retention.py` says has been kept for long enough."""
        return await self._write(procedure)

    # -- lanes -----------------------------------------------------------------------------------------

    async def accept(self, conversation: Conversation, post: Post, media: Sequence[MediaId] = ()) -> Posted:
        if post.key != conversation.id:
            raise ValueError("the post is for another conversation")
        return await self._write(
            procedures.accept(conversation, post, media),
            lambda posted: [(Kind.IN, post.key)] if posted.verdict is Verdict.NEW else [],
        )

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
        if any(one.key != conversation.id for one in (post, *desk)):
            raise ValueError("the post is for another conversation")
        settlement = Settlement(0, [post], passing=passing, desk=desk, wake_at=wake_at)
        return await self._write(
            procedures.take_over(conversation, provider_id, settlement),
            lambda posted: written_bells(post.key, settlement) if posted and posted.verdict is Verdict.NEW else [],
        )

    async def knock(self, posts: Sequence[Post]) -> bool:
        return await self._write(
            procedures.knock(posts),
            lambda done: dict.fromkeys((Kind.IN, post.key) for post in posts) if done else [],
        )

    async def send_also(self, post: Post) -> Posted:
        return await self._write(procedures.send_also(post), lambda posted: [(Kind.OUT, post.key)])

    async def cancel(self, id: ConversationId, reason: str) -> Turn | None:
        return await self._write(procedures.cancel(id, reason), lambda turn: [(Kind.IN, id)] if turn else [])

    async def claim(self, kind: Kind, limit: int, lease: int, owner: str, beside: Collection[str] = ()) -> list[Claim]:
        values = {"kind": int(kind), "limit": limit, "lease": lease, "owner": owner, "back": self._back(kind)}
        if beside:
            rows = await self._all(lanes.CLAIM_BESIDE[_shares(kind)], {**values, "beside": f"|{'|'.join(beside)}|"})
        else:
            rows = await self._all(lanes.CLAIM, values)
        return sorted((lanes.claim_of(kind, row) for row in rows), key=lambda claim: claim.ripe_at)

    async def whose(self, kind: Kind, ids: Sequence[ConversationId]) -> Mapping[str, str]:
        padded = _padded(ids)
        rows = await self._read(lanes.whose(_shares(kind), len(padded)), _named(padded)) if ids else []
        return {row[0]: row[1] for row in rows}

    @abstractmethod
    async def load(self, claim: Claim) -> Work: ...

    async def renew(self, claim: Claim, lease: int) -> None:
        await self._mine(lanes.RENEW, claim, lease=lease)

    async def settle(self, claim: Claim, settlement: Settlement) -> Settled:
        fits(claim, settlement)
        return await self._write(
            procedures.settle(claim, settlement), lambda settled: settle_bells(claim, settlement, settled)
        )

    async def fold(self, claim: Claim, max_folds: int) -> bool:
        folding = procedures.fold(claim, max_folds)
        return await self._write(folding, lambda folded: [(claim.kind, claim.key)] if folded else [])

    async def retry(self, claim: Claim, delay: int) -> None:
        await self._mine(lanes.RETRY, claim, [(claim.kind, claim.key)], delay=delay)

    async def pause(self, kind: Kind, key: ConversationId, why: str | None) -> None:
        values = {"kind": int(kind), "key": key, "why": why}
        await self._one(lanes.PAUSE, values, lambda _: [(kind, key)])

    async def at_work(self, kind: Kind, key: ConversationId) -> int | None:
        row = await self._read_one(lanes.AT_WORK, {"kind": int(kind), "key": key})
        return None if row is None else int(row[0])

    async def next_wake(self, kind: Kind) -> int | None:
        row = await self._one(lanes.NEXT_WAKE, {"kind": int(kind)})
        return None if row is None else int(row[0])

    # -- conversations ---------------------------------------------------------------------------------

    async def conversation(self, id: ConversationId) -> Conversation | None:
        row = await self._read_one(lanes.CONVERSATION, {"id": id})
        return None if row is None else lanes.conversation_of(row)

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
        if any(post.key != id for post in (*posts, *desk)):
            raise ValueError("a post is for another conversation")
        settlement = Settlement(0, posts, passing=passing, media=media, desk=desk, wake_at=wake_at)
        return await self._write(
            procedures.pass_on(id, settlement), lambda done: written_bells(id, settlement) if done else []
        )

    async def posted(self, id: ConversationId, dedup: str) -> bool:
        return await self._read_one(lanes.SEEN, {"kind": int(Kind.OUT), "key": id, "dedup": dedup}) is not None

    async def held(self, limit: int, after: tuple[int, str] = (0, "")) -> list[Conversation]:
        rows = await self._read(lanes.HELD, {"at": after[0], "id": after[1], "limit": limit})
        return [lanes.conversation_of(row) for row in rows]

    async def transcript(self, id: ConversationId, after: Cursor, limit: int) -> list[Entry]:
        values = {"id": id, "inbound": after.inbound, "outbound": after.outbound, "limit": limit}
        return [self._entry(row) for row in await self._read(lanes.TRANSCRIPT, values)]

    async def recent(self, id: ConversationId, limit: int) -> list[Entry]:
        rows = await self._read(lanes.RECENT, {"id": id, "limit": limit})
        return [self._entry(row) for row in reversed(rows)]

    async def said(self, id: ConversationId, limit: int) -> list[Entry]:
        rows = await self._read(lanes.SAID, {"id": id, "limit": limit})
        return [self._entry(row) for row in reversed(rows)]

    async def turns(self, id: ConversationId, after: int, limit: int) -> list[Turn]:
        rows = await self._read(lanes.TURNS, {"id": id, "after": after, "limit": limit})
        return [lanes.turn_of(row) for row in rows]

    async def turn_covering(self, id: ConversationId, seq: int) -> Turn | None:
        row = await self._read_one(lanes.COVERING, {"id": id, "seq": seq})
        return None if row is None else lanes.turn_of(row)

    async def latest(self, id: ConversationId, kind: Kind, limit: int) -> list[Entry]:
        rows = await self._read(lanes.LATEST, {"id": id, "kind": int(kind), "limit": limit})
        return [self._entry(row) for row in rows]

    async def requeue(self, id: ConversationId, queue: str) -> bool:
        values = {"id": id, "queue": queue}
        return await self._one(lanes.REQUEUE, values) is not None

    async def record(self, receipt: Receipt) -> bool:
        return await self._write(procedures.recorded(receipt))

    async def resolve(self, receipt: Receipt) -> bool:
        return await self._write(procedures.resolve(receipt))

    async def receipts(self, id: ConversationId) -> list[Receipt]:
        return [lanes.receipt_of(row) for row in await self._read(lanes.RECEIPTS, {"id": id})]

    async def withdrawn(self, id: ConversationId) -> set[str]:
        return {delivery for (delivery,) in await self._read(lanes.WITHDRAWN, {"id": id})}

    async def bury(self, dead: DeadLetter) -> None:
        await self._one(lanes.BURY, lanes.dead_values(dead))

    async def dead(self, limit: int, after: GivenUp | None = None) -> list[GivenUp]:
        return [self._given_up(row) for row in await self._read(again.DEAD, again.behind(after, limit))]

    async def given_up(self, id: ConversationId, kind: Kind, seq: int) -> GivenUp | None:
        row = await self._read_one(again.ONE, again.letter(id, kind, seq))
        return None if row is None else self._given_up(row)

    def _given_up(self, row: Row) -> GivenUp:
        given = again.given_up_of(row)
        return replace(given, body=self._entry((given.kind, given.seq, "", given.body, given.at)).body)

    async def repost(self, id: ConversationId, kind: Kind, seq: int) -> Posted | None:
        return await self._write(again.repost(id, kind, seq), lambda posted: [(kind, id)] if posted else [])

    async def facts(self, id: ConversationId) -> dict[str, int]:
        return {row[0]: row[1] for row in await self._read(lanes.FACTS, {"id": id})}

    async def set_fact(self, id: ConversationId, name: str, on: bool) -> None:
        await self._one(lanes.BEGIN_FACT if on else lanes.END_FACT, {"id": id, "name": name})

    async def readdress(self, id: ConversationId, address: Mapping[str, str]) -> None:
        await self._one(lanes.READDRESS, {"id": id, "address": lanes.address_text(address)})

    async def known(self, channel: str, id: str) -> Known | None:
        row = await self._read_one(lanes.KNOWN, {"channel": channel, "id": id})
        return None if row is None else lanes.known_of(row)

    # -- the names of a contact --------------------------------------------------------------------------

    async def known_as(self, channel: str, ids: Sequence[str], *, lasting: str = "") -> str:
        names = tuple(id for id in dict.fromkeys(ids) if id)  # an empty name would make one contact of all who have it
        if not names:
            raise ValueError("a contact needs a name")
        familiar = self._familiar
        contact = familiar.get((channel, names)) or await self._contact(channel, names)
        if contact:
            if len(familiar) >= self._familiar_most:
                familiar.clear()
            if self._familiar_most:
                familiar[channel, names] = contact
            return contact
        learned = await self._write(
            procedures.learn(channel, names, lasting), lambda learned: self._learned(channel, learned)
        )
        return learned[0]

    async def _contact(self, channel: str, names: tuple[str, ...]) -> str:
        """Empty when there is something to learn."""
        values = {f"alias{n}": name for n, name in enumerate(names)}
        rows = await self._read(lanes.aliases(len(names)), {"channel": channel, **values})
        known: dict[str, str] = {row[0]: row[1] for row in rows}
        if len(names) == 1:
            return known.get(names[0], names[0])
        contacts = set(known.values())
        return contacts.pop() if len(known) == len(names) and len(contacts) == 1 else ""

    def _learned(self, channel: str, learned: procedures.Learned) -> Bells:
        self._familiar = {}
        contact, merged, held = learned
        bells = {Kind.LATER: merged, Kind.IN: held}
        return [(kind, conversation_id(channel, contact)) for kind, rings in bells.items() if rings]

    # -- the library -----------------------------------------------------------------------------------

    async def add_media(self, media: Media) -> None:
        await self._one(lanes.ADD_MEDIA, lanes.media_values(media))

    async def media(self, id: MediaId) -> Media | None:
        row = await self._read_one(lanes.MEDIA, {"id": id})
        return None if row is None else lanes.media_of(row)

    async def media_open_to(self, id: MediaId, conversation: ConversationId) -> bool:
        values = {"media": id, "conversation": conversation}
        return await self._read_one(lanes.MEDIA_OPEN, values) is not None

    async def media_open_to_channel(self, id: MediaId, channel: str) -> bool:
        values = {"media": id, "channel": channel}
        return await self._read_one(lanes.MEDIA_OPEN_TO_CHANNEL, values) is not None

    async def heard(self, media: MediaId) -> tuple[str, str] | None:
        row = await self._read_one(lanes.HEARD, {"media": media})
        return None if row is None else (row[0], row[1])

    async def remember_heard(self, media: MediaId, text: str, language: str) -> None:
        values = {"media": media, "text": text, "language": language}
        await self._one(lanes.REMEMBER_HEARD, values)

    async def fetched(self, id: ConversationId, after: int, upto: int) -> list[Fetched]:
        rows = await self._read(lanes.FETCHED, {"id": id, "after": after, "upto": upto})
        return [lanes.fetched_of(row) for row in rows]

    async def remember_fetched(self, id: ConversationId, fetched: Fetched) -> None:
        await self._write(procedures.remember_fetched(id, fetched))

    async def keep_unread(self, channel: str, why: str, body: bytes) -> None:
        await self._write(procedures.keep_unread(channel, why, body))

    async def unread(self, limit: int) -> list[Unread]:
        return [lanes.unread_of(row) for row in await self._read(lanes.UNREAD, {"limit": limit})]

    async def sealed(self, name: str) -> bytes | None:
        row = await self._read_one(lanes.SEALED, {"name": name})
        return None if row is None else bytes(row[0])

    async def seal(self, name: str, blob: bytes, *, anew: bool = True) -> None:
        await self._one(lanes.SEAL if anew else lanes.SEAL_FIRST, {"name": name, "blob": blob})

    async def spend(
        self, queue: str, day: str, *, characters: int = 0, seconds: float = 0.0, saved: int = 0, tokens: int = 0
    ) -> None:
        values = lanes.spending_values(queue, day, characters, seconds, saved, tokens)
        if characters or seconds or saved or tokens:
            await self._bill(values)

    async def _bill(self, values: Values) -> None:
        await self._one(lanes.SPEND, values)

    async def spent(self, queue: str, since_day: str) -> Spent:
        row = await self._read_one(lanes.SPENT, {"queue": queue, "since_day": lanes.day_value(since_day)})
        return lanes.spent_of(row)

    async def depths(self) -> Depths:
        inbound, outbound, desk, dead, held, conversations = await self._read_one(self._depths, {})
        return Depths({"in": inbound, "out": outbound, "desk": desk}, dead, held, conversations)

    # -- a fleet ---------------------------------------------------------------------------------------

    async def lease(self, name: str, owner: str, ms: int) -> bool:
        return await self._one(lanes.LEASE, {"name": name, "owner": owner, "lease": ms}) is not None

    async def let_go(self, name: str, owner: str) -> None:
        await self._one(lanes.LET_GO, {"name": name, "owner": owner})

    async def leased(self, name: str) -> bool:
        return await self._one(lanes.LEASED, {"name": name}) is not None

    async def take_room(self, name: str, rate: float, burst: float) -> float:
        room = lanes.room_values(name, rate, burst)
        if await self._one(lanes.TAKE_ROOM, room) is not None:
            return 0.0
        missing = await self._one(lanes.ROOM, {"name": name, "slack": room["slack"]})
        return max(0.001, missing[0] / 1e6) if missing else 0.001

    async def no_room(self, name: str, seconds: float, rate: float, burst: float) -> None:
        slack = lanes.room_values(name, rate, burst)["slack"]
        await self._one(lanes.NO_ROOM, {"name": name, "rest": round(seconds * 1000), "slack": slack})

    async def under_way(self, ids: Sequence[ConversationId]) -> Mapping[ConversationId, bool]:
        rows = await self._read(lanes.under_way(len(padded)), _named(padded)) if (padded := _padded(ids)) else []
        return {key: bool(busy) for key, busy in rows}

    async def marks(self, ids: Sequence[ConversationId]) -> Mapping[str, object]:
        if not ids:
            return {}
        padded = _padded(ids)
        found: dict[str, list[tuple[Any, ...]]] = {}
        for key, *mark in await self._read(lanes.marks(len(padded)), _named(padded)):
            found.setdefault(key, []).append(tuple(mark))
        return {key: sorted(marked) for key, marked in found.items()}


def _padded(ids: Sequence[ConversationId]) -> list[ConversationId]:
    """To a power of two: few statements, whatever the number."""
    return [*ids, *[ids[0]] * ((1 << (len(ids) - 1).bit_length()) - len(ids))] if ids else []


def _named(ids: Sequence[ConversationId]) -> Values:
    return {f"id{n}": id for n, id in enumerate(ids)}


def _shares(kind: Kind) -> str:
    return "channel" if kind is Kind.OUT else "queue"


def fits(claim: Claim, settlement: Settlement) -> None:
    """Raises ValueError."""
    if not claim.head <= settlement.upto <= claim.tail:
        raise ValueError(f"{settlement.upto} is not within ({claim.head}, {claim.tail}]")
    if any(post.key != claim.key for post in (*settlement.posts, *settlement.desk)):
        raise ValueError("a post is for another conversation")


def settle_bells(claim: Claim, settlement: Settlement, settled: Settled) -> Bells:
    """A MOVED settle changed nothing; the others changed their own lane, and what they wrote another one."""
    if settled is Settled.MOVED:
        return []
    written = written_bells(claim.key, settlement) if settled is Settled.DONE else []
    return dict.fromkeys([(claim.kind, claim.key), *written])


def written_bells(key: ConversationId, settlement: Settlement) -> Bells:
    passing = settlement.passing
    passes = passing is not None and passing.after != passing.before
    written = {
        Kind.OUT: settlement.posts,
        Kind.DESK: settlement.desk,
        Kind.LATER: settlement.wake_at is not None,
        Kind.IN: passes,
    }
    return [(kind, key) for kind, what in written.items() if what]
