"""The default store: one SQLite file, owned by one process.

Everything that writes, and every lane operation, runs on the writer's thread (storage/writer.py). Reads that
no lane waits for go through read-only connections beside it, each a single statement, so that no forgotten
read transaction keeps the write-ahead log from being folded back into the file.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import sqlite3
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import aiosqlite

from storage import lanes
from storage.lanes import SQLITE
from storage.model import (
    Claim,
    Conversation,
    ConversationId,
    Cursor,
    DeadLetter,
    Depths,
    Entry,
    Fetched,
    Kind,
    Known,
    Media,
    MediaId,
    Outcome,
    Passing,
    Post,
    Posted,
    Receipt,
    Settled,
    Settlement,
    Spent,
    Turn,
    TurnId,
    Unread,
    Verdict,
    conversation_id,
)
from storage.store import AlreadyOpen, Fenced, NewerDatabase, StoreError, Unavailable
from storage.writer import SteadyClock, Writer, unavailable

T = TypeVar("T")
Rang = Callable[[Kind, ConversationId], None]
Bells = Iterable[tuple[Kind, ConversationId]]

READERS = 2

FAMILIAR = 10_000
"""Answers to "who is it?" that are remembered; then it begins anew."""
UNREAD_KEPT = 200
UNREAD_BYTES = 64 * 1024


def wall_ms() -> int:
    return time.time_ns() // 1_000_000


class SqliteStore:
    """`storage.store.Store` on the file at `path`.

    clock: returns milliseconds since the Unix epoch; may be called from two threads. synchronous: FULL
    survives a power cut; NORMAL and OFF are for tests and measurements. busy_ms: how long to wait for a
    foreign lock on the file before `Unavailable`. rang: called on the event loop after a commit that posted
    to, woke or changed a lane or a hold, once per lane and request. Claims and renewals do not ring: whoever
    makes them knows. steps: the schema, for tests; `lanes.steps()` otherwise.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        clock: Callable[[], int] = wall_ms,
        synchronous: str = "FULL",
        busy_ms: int = 5000,
        rang: Rang | None = None,
        steps: Mapping[int, str] | None = None,
    ) -> None:
        self.path = Path(path).absolute()
        self._clock = SteadyClock(clock)
        self._synchronous = synchronous
        self._busy_ms = busy_ms
        self._rang = rang
        self._steps = lanes.steps() if steps is None else steps
        self._lock = FileLock(self.path.with_name(self.path.name + ".lock"))
        self._writer: Writer | None = None
        self._readers: list[aiosqlite.Connection] = []
        self._reads = itertools.count()
        self._familiar: dict[tuple[str, tuple[str, ...]], str] = {}
        """Contacts by channel and names. Another one is begun whenever a name is learned, so that a look which was
        under way meanwhile writes into one that nobody reads any more. Nobody else writes to this file."""
        self._door = asyncio.Lock()

    # -- opening and closing -----------------------------------------------------------------------

    async def open(self) -> None:
        async with self._door:
            if self._writer is not None:
                return
            try:
                self._lock.take()
                await self._start()
            except (sqlite3.Error, OSError) as error:
                await self._stop()
                raise unavailable(error) from error
            except BaseException:
                await self._stop()
                raise

    async def _start(self) -> None:
        self._writer = Writer(self._connect, self._clock)
        await self._writer.start()
        for _ in range(READERS):
            self._readers.append(await _reader(self.path, self._busy_ms))

    async def close(self) -> None:
        async with self._door:
            await self._stop()

    async def _stop(self) -> None:
        self._familiar = {}
        while self._readers:
            await self._readers.pop().close()
        if self._writer is not None:
            await self._writer.stop()
            self._writer = None
        self._lock.drop()

    def _connect(self) -> sqlite3.Connection:
        """On the writer's thread: open the file, bring its schema up to date, end the leases of the dead."""
        os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))  # private from the start
        db = sqlite3.connect(self.path, isolation_level=None, timeout=self._busy_ms / 1000)
        try:
            version = _refuse_foreign(db, self._steps)
            _prepare(db, self._synchronous)
            db.create_function("now_ms", 0, self._transaction_time, deterministic=True)
            _migrate(db, self._steps, version, self._clock())
            _recover(db)
        except BaseException:
            db.close()
            raise
        return db

    def _transaction_time(self) -> int:
        return self._writer.now if self._writer is not None and self._writer.now else self._clock()

    # -- asking the writer and the readers -----------------------------------------------------------

    def _write(self, work: Callable[[], T], bells: Callable[[T], Bells] | None = None) -> asyncio.Future[T]:
        if self._writer is None:
            raise Unavailable("the store is closed")
        ring = self._rang
        if bells is None:
            return self._writer.ask(work)

        def after(result: T) -> None:
            for kind, key in bells(result):
                if ring is not None:
                    ring(kind, key)

        return self._writer.ask(work, after)

    def _all(self, sql: str, values: Mapping[str, Any]) -> list[Any]:
        assert self._writer is not None
        return self._writer.db.execute(sql, values).fetchall()

    def _one(self, sql: str, values: Mapping[str, Any]) -> Any:
        assert self._writer is not None
        return self._writer.db.execute(sql, values).fetchone()

    def _mine(self, sql: str, claim: Claim, **more: int) -> None:
        if self._one(sql, {**lanes.fence_values(claim), **more}) is None:
            raise Fenced(f"epoch {claim.epoch} of this lane is over")

    async def _read(self, sql: str, values: Mapping[str, Any]) -> list[Any]:
        if not self._readers:
            raise Unavailable("the store is closed")
        try:
            reader = self._readers[next(self._reads) % len(self._readers)]
            return list(await reader.execute_fetchall(sql, dict(values)))
        except sqlite3.Error as error:
            raise unavailable(error) from error

    async def _read_one(self, sql: str, values: Mapping[str, Any]) -> Any:
        rows = await self._read(sql, values)
        return rows[0] if rows else None

    # -- lanes -----------------------------------------------------------------------------------------

    async def accept(self, conversation: Conversation, post: Post, media: Sequence[MediaId] = ()) -> Posted:
        if post.key != conversation.id:
            raise ValueError("the post is for another conversation")
        return await self._write(
            lambda: self._accept(conversation, post, media),
            lambda posted: [(Kind.IN, post.key)] if posted.verdict is Verdict.NEW else [],
        )

    def _accept(self, conversation: Conversation, post: Post, media: Sequence[MediaId]) -> Posted:
        known = self._known(conversation.channel, post.dedup) if post.once else None
        if known is not None and known.conversation != conversation.id:
            return Posted(Verdict.DUPLICATE, known.seq)
        posted = self._post(Kind.IN, post)
        if posted.verdict is Verdict.NEW:
            self._one(lanes.MEET, lanes.conversation_values(conversation))
            self._open_media(media, conversation.id)
            if post.once:
                self._know(conversation.channel, post.dedup, Kind.IN, post, posted.seq)
        return posted

    def _known(self, channel: str, id: str) -> Known | None:
        row = self._one(lanes.KNOWN, {"channel": channel, "id": id})
        return None if row is None else lanes.known_of(row)

    def _know(self, channel: str, id: str, kind: Kind, post: Post, seq: int) -> None:
        about = {"conversation": post.key, "kind": int(kind), "seq": seq, "dedup": post.dedup}
        self._one(lanes.KNOW, {"channel": channel, "id": id, **about})

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
            lambda: self._take_over(conversation, provider_id, settlement),
            lambda posted: _written_bells(post.key, settlement) if posted and posted.verdict is Verdict.NEW else [],
        )

    def _take_over(self, conversation: Conversation, provider_id: str, settlement: Settlement) -> Posted | None:
        (post,), passing = settlement.posts, settlement.passing
        known = self._known(conversation.channel, provider_id)
        if known is not None:
            return Posted(Verdict.DUPLICATE, known.seq)
        if passing is None or self._custody(conversation.id) != passing.before:
            return None
        posted = self._post(Kind.OUT, post)
        if posted.verdict is Verdict.NEW:
            self._one(lanes.MEET, lanes.conversation_values(conversation))
            self._know(conversation.channel, provider_id, Kind.OUT, post, posted.seq)
            self._write_down(conversation.id, replace(settlement, posts=()))
        return posted

    def _custody(self, id: ConversationId) -> str:
        """Of a conversation that is not there yet, too."""
        row = self._one(lanes.CUSTODY, {"id": id})
        return "" if row is None else str(row[0])

    async def knock(self, posts: Sequence[Post]) -> bool:
        return await self._write(
            lambda: self._knock(posts),
            lambda done: dict.fromkeys((Kind.IN, post.key) for post in posts) if done else [],
        )

    def _knock(self, posts: Sequence[Post]) -> bool:
        if any(self._one(lanes.PENDING, {"key": post.key}) is not None for post in posts):
            return False
        for post in posts:
            self._post(Kind.IN, post)
        return True

    async def send_also(self, post: Post) -> Posted:
        return await self._write(lambda: self._post(Kind.OUT, post), lambda posted: [(Kind.OUT, post.key)])

    async def cancel(self, id: ConversationId, reason: str) -> Turn | None:
        return await self._write(lambda: self._cancel(id, reason), lambda turn: [(Kind.IN, id)] if turn else [])

    def _cancel(self, id: ConversationId, reason: str) -> Turn | None:
        pending = self._one(lanes.PENDING, {"key": id})
        if pending is None:
            return None
        epoch, tail, now = self._one(lanes.CANCEL, {"key": id})
        turn = Turn(TurnId(f"{id}.{epoch}"), id, epoch, pending[0], tail, now, now, Outcome.IGNORED, reason)
        self._one(lanes.END_TURN, lanes.turn_values(turn))
        return turn

    def _post(self, kind: Kind, post: Post) -> Posted:
        lane = lanes.lane_values(kind, post)
        seen = self._one(lanes.SEEN, lane)
        if seen is not None:
            seq, digest = seen
            return Posted(Verdict.DUPLICATE if digest == post.digest else Verdict.CONFLICT, seq)
        seq, at = self._one(lanes.BUMP, lane)
        self._one(lanes.APPEND, {**lane, "seq": seq, "digest": post.digest, "body": post.body, "at": at})
        return Posted(Verdict.NEW, seq)

    def _open_media(self, media: Iterable[MediaId], conversation: ConversationId) -> None:
        for id in media:
            self._one(lanes.OPEN_MEDIA, {"media": id, "conversation": conversation})

    async def claim(self, kind: Kind, limit: int, lease: int, owner: str) -> list[Claim]:
        values = {"kind": int(kind), "limit": limit, "lease": lease, "owner": owner}
        rows = await self._write(lambda: self._all(lanes.CLAIM, values))
        return sorted((lanes.claim_of(kind, row) for row in rows), key=lambda claim: claim.ripe_at)

    async def load(self, claim: Claim) -> list[Entry]:
        values = {"kind": int(claim.kind), "key": claim.key, "head": claim.head, "tail": claim.tail}
        return [lanes.entry_of(row) for row in await self._write(lambda: self._all(lanes.LOAD, values))]

    async def renew(self, claim: Claim, lease: int) -> None:
        await self._write(lambda: self._mine(lanes.RENEW, claim, lease=lease))

    async def settle(self, claim: Claim, settlement: Settlement) -> Settled:
        if not claim.head <= settlement.upto <= claim.tail:
            raise ValueError(f"{settlement.upto} is not within ({claim.head}, {claim.tail}]")
        if any(post.key != claim.key for post in (*settlement.posts, *settlement.desk)):
            raise ValueError("a post is for another conversation")
        return await self._write(
            lambda: self._settle(claim, settlement), lambda settled: _settle_bells(claim, settlement, settled)
        )

    def _settle(self, claim: Claim, settlement: Settlement) -> Settled:
        self._mine(lanes.HELD_MINE, claim)
        if settlement.passing is not None and self._custody(claim.key) != settlement.passing.before:
            return Settled.MOVED
        if self._fold(claim, settlement.max_folds):
            return Settled.FOLDED
        self._mine(lanes.SETTLE, claim, upto=settlement.upto, pause=max(0, settlement.pause))
        self._write_down(claim.key, settlement)
        return Settled.DONE

    def _write_down(self, key: ConversationId, settlement: Settlement) -> None:
        for post in settlement.posts:
            self._post(Kind.OUT, post)
        for post in settlement.desk:
            self._post(Kind.DESK, post)
        if settlement.turn is not None:
            self._one(lanes.END_TURN, lanes.turn_values(settlement.turn))
        if settlement.passing is not None and settlement.passing.after != settlement.passing.before:
            self._one(lanes.PASS_ON, lanes.passing_values(key, settlement.passing))
        for receipt in settlement.receipts:
            if not self._record(receipt):
                self._know_delivery(receipt)  # also when the provider was faster in saying so, without its id
        for name, on in settlement.facts.items():
            self._set_fact(key, name, on)
        if settlement.address is not None:
            self._readdress(key, settlement.address)
        if settlement.flow is not None:
            self._one(lanes.FOLLOW, {"id": key, "flow": settlement.flow})
        if settlement.place is not None:
            self._one(lanes.PLACE, {"id": key, "place": lanes.address_text(settlement.place)})
        for channel, id in settlement.known:
            about = {"conversation": key, "kind": int(Kind.DESK), "seq": 0, "dedup": ""}
            self._one(lanes.KNOW, {"channel": channel, "id": id, **about})
        if settlement.wake_at is not None:
            self._one(lanes.ARM, {"key": key, "at": settlement.wake_at})
        for dead in settlement.dead:
            self._one(lanes.BURY, lanes.dead_values(dead))
        self._open_media(settlement.media, key)

    async def fold(self, claim: Claim, max_folds: int) -> bool:
        def work() -> bool:
            self._mine(lanes.HELD_MINE, claim)
            return self._fold(claim, max_folds)

        return await self._write(work, lambda folded: [(claim.kind, claim.key)] if folded else [])

    def _fold(self, claim: Claim, max_folds: int) -> bool:
        values = {**lanes.fence_values(claim), "tail": claim.tail, "max_folds": max_folds}
        return self._one(lanes.FOLD, values) is not None

    async def retry(self, claim: Claim, delay: int) -> None:
        await self._write(lambda: self._mine(lanes.RETRY, claim, delay=delay), lambda _: [(claim.kind, claim.key)])

    async def pause(self, kind: Kind, key: ConversationId, why: str | None) -> None:
        values = {"kind": int(kind), "key": key, "why": why}
        await self._write(lambda: self._one(lanes.PAUSE, values), lambda _: [(kind, key)])

    async def next_wake(self, kind: Kind) -> int | None:
        row = await self._write(lambda: self._one(lanes.NEXT_WAKE, {"kind": int(kind)}))
        return None if row is None else int(row[0])

    async def now(self) -> int:
        return self._clock()

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
            lambda: self._pass_on(id, settlement), lambda done: _written_bells(id, settlement) if done else []
        )

    def _pass_on(self, id: ConversationId, settlement: Settlement) -> bool:
        row = self._one(lanes.CUSTODY, {"id": id})
        if row is None or settlement.passing is None or row[0] != settlement.passing.before:
            return False
        self._write_down(id, settlement)
        return True

    async def posted(self, id: ConversationId, dedup: str) -> bool:
        return await self._read_one(lanes.SEEN, {"kind": int(Kind.OUT), "key": id, "dedup": dedup}) is not None

    async def held(self, limit: int, after: tuple[int, str] = (0, "")) -> list[Conversation]:
        rows = await self._read(lanes.HELD, {"at": after[0], "id": after[1], "limit": limit})
        return [lanes.conversation_of(row) for row in rows]

    async def transcript(self, id: ConversationId, after: Cursor, limit: int) -> list[Entry]:
        values = {"id": id, "inbound": after.inbound, "outbound": after.outbound, "limit": limit}
        return [lanes.entry_of(row) for row in await self._read(lanes.TRANSCRIPT, values)]

    async def recent(self, id: ConversationId, limit: int) -> list[Entry]:
        rows = await self._read(lanes.RECENT, {"id": id, "limit": limit})
        return [lanes.entry_of(row) for row in reversed(rows)]

    async def turns(self, id: ConversationId, after: int, limit: int) -> list[Turn]:
        rows = await self._read(lanes.TURNS, {"id": id, "after": after, "limit": limit})
        return [lanes.turn_of(row) for row in rows]

    async def turn_covering(self, id: ConversationId, seq: int) -> Turn | None:
        row = await self._read_one(lanes.COVERING, {"id": id, "seq": seq})
        return None if row is None else lanes.turn_of(row)

    async def latest(self, id: ConversationId, kind: Kind, limit: int) -> list[Entry]:
        rows = await self._read(lanes.LATEST, {"id": id, "kind": int(kind), "limit": limit})
        return [lanes.entry_of(row) for row in rows]

    async def requeue(self, id: ConversationId, queue: str) -> bool:
        values = {"id": id, "queue": queue}
        return await self._write(lambda: self._one(lanes.REQUEUE, values) is not None)

    async def record(self, receipt: Receipt) -> bool:
        return await self._write(lambda: self._record(receipt))

    def _record(self, receipt: Receipt) -> bool:
        values = lanes.receipt_values(receipt)
        if self._one(lanes.RECORDED, values) is not None:
            return False
        self._one(lanes.RECORD, values)
        self._know_delivery(receipt)
        return True

    def _know_delivery(self, receipt: Receipt) -> None:
        if receipt.provider_id:
            self._one(lanes.KNOW_DELIVERY, lanes.receipt_values(receipt))

    async def resolve(self, receipt: Receipt) -> bool:
        return await self._write(lambda: self._resolve(receipt))

    def _resolve(self, receipt: Receipt) -> bool:
        self._one(lanes.EXHUME, {"conversation": receipt.conversation, "delivery": receipt.delivery})
        return self._record(receipt)

    async def receipts(self, id: ConversationId) -> list[Receipt]:
        return [lanes.receipt_of(row) for row in await self._read(lanes.RECEIPTS, {"id": id})]

    async def unsaid(self, id: ConversationId) -> set[str]:
        return {delivery for (delivery,) in await self._read(lanes.UNSAID, {"id": id})}

    async def withdrawn(self, id: ConversationId) -> set[str]:
        return {delivery for (delivery,) in await self._read(lanes.WITHDRAWN, {"id": id})}

    async def bury(self, dead: DeadLetter) -> None:
        await self._write(lambda: self._one(lanes.BURY, lanes.dead_values(dead)))

    async def facts(self, id: ConversationId) -> dict[str, int]:
        return dict(await self._read(lanes.FACTS, {"id": id}))

    async def set_fact(self, id: ConversationId, name: str, on: bool) -> None:
        await self._write(lambda: self._set_fact(id, name, on))

    def _set_fact(self, id: ConversationId, name: str, on: bool) -> None:
        self._one(lanes.BEGIN_FACT if on else lanes.END_FACT, {"id": id, "name": name})

    async def readdress(self, id: ConversationId, address: Mapping[str, str]) -> None:
        await self._write(lambda: self._readdress(id, address))

    def _readdress(self, id: ConversationId, address: Mapping[str, str]) -> None:
        self._one(lanes.READDRESS, {"id": id, "address": lanes.address_text(address)})

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
            if len(familiar) >= FAMILIAR:
                familiar.clear()
            familiar[channel, names] = contact
            return contact
        learned = await self._write(
            lambda: self._learn(channel, names, lasting), lambda learned: self._learned(channel, learned)
        )
        return learned[0]

    async def _contact(self, channel: str, names: tuple[str, ...]) -> str:
        """Empty when there is something to learn."""
        values = {f"alias{n}": name for n, name in enumerate(names)}
        known: dict[str, str] = dict(await self._read(lanes.aliases(len(names)), {"channel": channel, **values}))
        if len(names) == 1:
            return known.get(names[0], names[0])
        contacts = set(known.values())
        return contacts.pop() if len(known) == len(names) and len(contacts) == 1 else ""

    def _learned(self, channel: str, learned: tuple[str, bool, bool]) -> Bells:
        self._familiar = {}
        contact, merged, held = learned
        bells = {Kind.LATER: merged, Kind.IN: held}
        return [(kind, conversation_id(channel, contact)) for kind, rings in bells.items() if rings]

    def _learn(self, channel: str, names: Sequence[str], lasting: str) -> tuple[str, bool, bool]:
        """The contact, whether another one was merged into it, and whether it is held now because that one was."""
        same = [name for name in names if not self._is_somebody_elses(channel, name, lasting)]
        contact, *losers = self._eldest_first(channel, same)
        held = [self._merge(channel, contact, loser) for loser in losers]
        for alias in names:
            row = {"channel": channel, "alias": alias, "contact": contact, "lasting": int(alias == lasting)}
            self._one(lanes.LEARN_ALIAS, row)
        return contact, bool(held), any(held)

    def _is_somebody_elses(self, channel: str, name: str, lasting: str) -> bool:
        """A number that was given to a new owner: from now on it is the new one's, and what was said stays apart."""
        alias = self._one(lanes.ALIAS, {"channel": channel, "alias": name})
        if not lasting or name == lasting or alias is None:
            return False
        values = {"channel": channel, "contact": alias[0], "lasting": lasting}
        return self._one(lanes.SOMEBODY_ELSE, values) is not None

    def _eldest_first(self, channel: str, names: Sequence[str]) -> list[str]:
        """The contacts that are known by these names; when there is none, the first name becomes one."""
        known, born = dict[str, None](), dict[str, tuple[int, str]]()
        for name in names:
            alias = self._one(lanes.ALIAS, {"channel": channel, "alias": name})
            contact = name if alias is None else str(alias[0])
            id = conversation_id(channel, contact)
            row = self._one(lanes.BORN, {"id": id})
            if row is not None:
                born[contact] = (row[0], id)
            if row is not None or alias is not None:
                known[contact] = None
        nameless = [contact for contact in known if contact not in born]
        return [*sorted(born, key=lambda contact: born[contact]), *nameless] or [names[0]]

    def _merge(self, channel: str, contact: str, loser: str) -> bool:
        """True when the loser's hold is the contact's own now. The loser keeps it too: its last turns may still run."""
        id, lost = conversation_id(channel, contact), conversation_id(channel, loser)
        ids = {"id": id, "loser": lost}
        self._one(lanes.REPOINT, {"channel": channel, "contact": contact, "loser": loser})
        for inherit in (lanes.INHERIT_FACTS, lanes.INHERIT_FLOW, lanes.INHERIT_DESK):
            self._one(inherit, ids)
        self._one(lanes.ARM, {"key": id, "at": self._transaction_time()})  # whatever it was time for over there
        return self._one(lanes.INHERIT_HOLD, ids) is not None

    # -- the library -----------------------------------------------------------------------------------

    async def add_media(self, media: Media) -> None:
        await self._write(lambda: self._one(lanes.ADD_MEDIA, lanes.media_values(media)))

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
        await self._write(lambda: self._one(lanes.REMEMBER_HEARD, values))

    async def fetched(self, id: ConversationId, after: int, upto: int) -> list[Fetched]:
        rows = await self._read(lanes.FETCHED, {"id": id, "after": after, "upto": upto})
        return [lanes.fetched_of(row) for row in rows]

    async def remember_fetched(self, id: ConversationId, fetched: Fetched) -> None:
        await self._write(lambda: self._remember_fetched(id, fetched))

    def _remember_fetched(self, id: ConversationId, fetched: Fetched) -> None:
        media = fetched.media
        place = {"id": id, "seq": fetched.seq, "n": fetched.n}
        what = {"media": media and media.id, "problem": fetched.problem}
        if self._one(lanes.REMEMBER_FETCHED, {**place, **what}) is not None and media is not None:
            self._one(lanes.KEEP_MEDIA, lanes.media_values(media))
            self._open_media([media.id], id)

    async def keep_unread(self, channel: str, why: str, body: bytes) -> None:
        await self._write(lambda: self._keep_unread(channel, why, body[:UNREAD_BYTES]))

    def _keep_unread(self, channel: str, why: str, body: bytes) -> None:
        self._one(lanes.KEEP_UNREAD, {"channel": channel, "why": why, "body": body})
        self._one(lanes.DROP_UNREAD, {"channel": channel, "kept": UNREAD_KEPT})

    async def unread(self, limit: int) -> list[Unread]:
        return [lanes.unread_of(row) for row in await self._read(lanes.UNREAD, {"limit": limit})]

    async def sealed(self, name: str) -> bytes | None:
        row = await self._read_one(lanes.SEALED, {"name": name})
        return None if row is None else bytes(row[0])

    async def seal(self, name: str, blob: bytes) -> None:
        await self._write(lambda: self._one(lanes.SEAL, {"name": name, "blob": blob}))

    async def spend(
        self, queue: str, day: str, *, characters: int = 0, seconds: float = 0.0, saved: int = 0, tokens: int = 0
    ) -> None:
        values = lanes.spending_values(queue, day, characters, seconds, saved, tokens)
        if characters or seconds or saved or tokens:
            await self._write(lambda: self._one(lanes.SPEND, values))

    async def spent(self, queue: str, since_day: str) -> Spent:
        row = await self._read_one(lanes.SPENT, {"queue": queue, "since_day": lanes.day_value(since_day)})
        return lanes.spent_of(row)

    async def depths(self) -> Depths:
        inbound, outbound, desk, dead, held, conversations = await self._read_one(lanes.DEPTHS, {})
        return Depths({"in": inbound, "out": outbound, "desk": desk}, dead, held, conversations)

    # -- what it cost ------------------------------------------------------------------------------------

    @property
    def commits(self) -> int:
        """Transactions since open; `requests` over `commits` is the size of a group."""
        return self._writer.commits if self._writer else 0

    @property
    def requests(self) -> int:
        return self._writer.requests if self._writer else 0


def _settle_bells(claim: Claim, settlement: Settlement, settled: Settled) -> Bells:
    """A MOVED settle changed nothing; the others changed their own lane, and what they wrote another one."""
    if settled is Settled.MOVED:
        return []
    written = _written_bells(claim.key, settlement) if settled is Settled.DONE else []
    return dict.fromkeys([(claim.kind, claim.key), *written])


def _written_bells(key: ConversationId, settlement: Settlement) -> Bells:
    passing = settlement.passing
    passes = passing is not None and passing.after != passing.before
    written = {
        Kind.OUT: settlement.posts,
        Kind.DESK: settlement.desk,
        Kind.LATER: settlement.wake_at is not None,
        Kind.IN: passes,
    }
    return [(kind, key) for kind, what in written.items() if what]


async def unread_in(path: str | Path, limit: int) -> list[Unread]:
    """`Store.unread` of a file that another process may own: nothing is locked, changed or made.

    Empty when there is no such file, or none that ever kept any. Raises Unavailable when it cannot be read.
    """
    return [lanes.unread_of(row) for row in await _rows_in(path, "unread", lanes.UNREAD, {"limit": limit})]


async def spent_in(path: str | Path, queue: str, since_day: str) -> Spent:
    """`Store.spent`, likewise; nothing where the file is of a time in which tokens were not counted."""
    values = {"queue": queue, "since_day": lanes.day_value(since_day)}
    rows = await _rows_in(path, "spending", lanes.SPENT, values, column="tokens")
    return lanes.spent_of(rows[0]) if rows else Spent()


async def _rows_in(
    path: str | Path, table: str, sql: str, values: Mapping[str, Any], *, column: str = ""
) -> list[tuple[Any, ...]]:
    """None where there is no such file, table or column yet."""
    return await asyncio.to_thread(_rows, Path(path), table, sql, values, column)


def _rows(file: Path, table: str, sql: str, values: Mapping[str, Any], column: str) -> list[tuple[Any, ...]]:
    if not file.is_file():
        return []
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True, timeout=5.0)) as db:
            known = [name for (name,) in db.execute("SELECT name FROM pragma_table_info(?)", (table,))]
            return db.execute(sql, values).fetchall() if known and (not column or column in known) else []
    except sqlite3.Error as error:
        raise unavailable(error) from error


async def _reader(path: Path, busy_ms: int) -> aiosqlite.Connection:
    return await aiosqlite.connect(f"{path.as_uri()}?mode=ro", uri=True, isolation_level=None, timeout=busy_ms / 1000)


def _prepare(db: sqlite3.Connection, synchronous: str) -> None:
    (mode,) = db.execute("PRAGMA journal_mode=WAL").fetchone()
    if mode != "wal":
        raise Unavailable(f"the database is in {mode} mode and cannot change: it must lie on a local, writable disk")
    db.execute(f"PRAGMA synchronous={synchronous}")
    db.execute("PRAGMA wal_autocheckpoint=4000")
    db.execute("PRAGMA journal_size_limit=67108864")
    db.execute("PRAGMA cache_size=-32768")


def _refuse_foreign(db: sqlite3.Connection, steps: Mapping[int, str]) -> int:
    """The schema's version, before anything is changed. Raises NewerDatabase, or StoreError for a foreign file."""
    version, known = _version(db), max(steps)
    if version > known:
        raise NewerDatabase(
            f"the database was written by a newer recado (schema {version}, this one knows {known}): "
            "start that version again, or restore a backup made before the upgrade"
        )
    return version


def _version(db: sqlite3.Connection) -> int:
    tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not tables:
        return 0
    if "schema_version" not in tables:
        raise StoreError("this SQLite file belongs to another program: name another file in storage.url")
    return int(db.execute(lanes.VERSION).fetchone()[0] or 0)


def _migrate(db: sqlite3.Connection, steps: Mapping[int, str], version: int, now: int) -> None:
    """All missing steps in one transaction."""
    missing = sorted(step for step in steps if step > version)
    if not missing:
        return
    script = "\n".join(f"{SQLITE.says(steps[step])}\n{_stepped(step, now)}" for step in missing)
    try:
        db.executescript(f"BEGIN IMMEDIATE;\n{script}\nCOMMIT;")
    except sqlite3.Error:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def _stepped(step: int, now: int) -> str:
    """A script takes no values, and these two are our own integers."""
    return f"INSERT INTO schema_version (version, at) VALUES ({step:d}, {now:d});"  # noqa: S608


def _recover(db: sqlite3.Connection) -> None:
    db.execute("BEGIN IMMEDIATE")
    db.execute(lanes.EXPIRE)
    db.execute(lanes.REWIND)
    db.execute("COMMIT")


class FileLock:
    """Held by the process that owns the database; the kernel lets go of it when that process dies."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle: int | None = None

    def take(self) -> None:
        """Raises AlreadyOpen, OSError. The file stays: removing it would let two owners lock two files."""
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _lock(handle)
        except (BlockingIOError, PermissionError) as error:
            os.close(handle)
            raise AlreadyOpen(
                f"another recado is running on {self._path.with_suffix('')}: "
                "stop it, or name another file in storage.url"
            ) from error
        except BaseException:
            os.close(handle)
            raise
        self._handle = handle

    def drop(self) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


if sys.platform == "win32":  # flock is not there; locking the first byte means the same
    import msvcrt

    def _lock(handle: int) -> None:
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
