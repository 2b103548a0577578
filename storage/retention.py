"""What is older than it has to be kept goes, a little at a time: a walk over everything, in short pieces.

Three walks, in this order, so that nothing ever names what is gone (the invariants of `inspection.py` hold after every
piece): providers' ids; what was said, conversation by conversation; media that nobody may open any more. No index is
kept for it, since one would be paid for by every message: the walks follow primary keys, and read of a conversation
only its oldest entry to know whether there is something to do.

Never goes: what waits in a lane, lanes themselves, the newest entries of a conversation that people have, a dead letter
that is younger and what lies behind it, and what is known about a contact (names, facts, who has it, where it stands in
a flow).
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from storage import lanes
from storage.lanes import Row, Values
from storage.media import MediaStore
from storage.model import ConversationId, Kind, Media, MediaId
from storage.procedures import Procedure, alone
from storage.store import Unavailable

T = TypeVar("T")

DAY = 86_400_000
LEAST = 7
"""Days for which providers may repeat themselves: younger than that an id has to be known."""
LOOK = 500
"""Rows of one look."""
AT_ONCE = 100
"""Entries of one transaction at most: with their receipts and turns some five hundred rows."""
NOTES_AT_ONCE = 20
"""Media of one transaction at most: each is looked for in what is left of its conversation."""
KEPT = 100
"""Newest entries of each direction that stay while people have the conversation."""
UNOPENED = 86_400.0
"""Seconds for which a blob is left alone after it was last written: whoever wrote it may be about to name it."""
MEDIUM = re.compile(r"[0-9a-f]{64}")

Count = Callable[[str, int], None]
"""What is gone, `message`, `id` or `media`, and how many."""


class Books(Protocol):
    """What is asked of a store."""

    async def now(self) -> int: ...

    async def inspect(self, sql: str, values: Values) -> Sequence[Row]: ...

    async def forget(self, procedure: Procedure[T]) -> T: ...

    async def add_media(self, media: Media) -> None: ...


# -- statements --------------------------------------------------------------------------------------

OLD_ID = """
  ((p.kind IN (0, 1) AND p.seq > 0 AND EXISTS (
     SELECT 1 FROM entry AS e WHERE e.kind = p.kind AND e.key = p.conversation AND e.seq = p.seq AND e.at < :before))
   OR (p.kind = 1 AND p.seq = 0 AND EXISTS (
     SELECT 1 FROM lane AS l WHERE l.kind = 1 AND l.key = p.conversation AND l.last_at < :before)))
"""

IDS = f"""
SELECT p.channel, p.id, CASE WHEN {OLD_ID} THEN 1 ELSE 0 END FROM provider_id AS p
WHERE (p.channel, p.id) > (:channel, :id) ORDER BY p.channel, p.id LIMIT :look
"""  # noqa: S608 - constants of this file

FORGET_IDS = f"""
DELETE FROM provider_id AS p
WHERE (p.channel, p.id) > (:channel, :id) AND (p.channel, p.id) <= (:last_channel, :last_id) AND {OLD_ID}
"""  # noqa: S608

OLDEST = "(SELECT e.at FROM entry AS e WHERE e.kind = {} AND e.key = c.id ORDER BY e.seq LIMIT 1)"

CONVERSATIONS = f"""
SELECT c.id, c.hold_at, {OLDEST.format(0)}, {OLDEST.format(1)}, {OLDEST.format(2)} FROM conversation AS c
WHERE c.id > :id ORDER BY c.id LIMIT :look
"""  # noqa: S608

# The end of what may go: before what waits, and of a conversation that people have before its newest.
ENTRIES = """
SELECT e.seq, e.at, e.body, COALESCE(d.at, 0) FROM lane AS l
JOIN entry AS e ON e.kind = l.kind AND e.key = l.key
LEFT JOIN dead AS d ON d.conversation = e.key AND d.kind = e.kind AND d.seq = e.seq
WHERE l.kind = :kind AND l.key = :key AND e.kind = :kind AND e.key = :key
  AND e.seq <= l.head AND e.seq <= COALESCE((
    SELECT k.seq FROM entry AS k WHERE k.kind = :kind AND k.key = :key ORDER BY k.seq DESC LIMIT 1 OFFSET :kept), 0)
ORDER BY e.seq LIMIT :limit
"""

FETCHED = "SELECT media FROM fetched WHERE conversation = :key AND seq <= :upto AND media IS NOT NULL"

RECEIPTS = """
DELETE FROM receipt WHERE conversation = :key
  AND delivery IN (SELECT dedup FROM entry WHERE kind = 1 AND key = :key AND seq <= :upto)
"""

FETCHES = "DELETE FROM fetched WHERE conversation = :key AND seq <= :upto"

LETTERS = "DELETE FROM dead WHERE conversation = :key AND kind = :kind AND seq <= :upto"

SAID = "DELETE FROM entry WHERE kind = :kind AND key = :key AND seq <= :upto"

TURNS = "DELETE FROM turn WHERE conversation = :key AND tail <= :upto"

CLOSE = """
DELETE FROM media_open WHERE media = :media AND conversation = :key
  AND NOT EXISTS (SELECT 1 FROM entry WHERE kind IN (0, 1) AND key = :key AND body LIKE :named)
  AND NOT EXISTS (SELECT 1 FROM fetched WHERE conversation = :key AND media = :media)
"""

MEDIA = """
SELECT m.id, m.mime, m.bytes, m.seconds, m.waveform,
       CASE WHEN EXISTS (SELECT 1 FROM media_open AS o WHERE o.media = m.id) THEN 1 ELSE 0 END
FROM media AS m WHERE m.id > :id ORDER BY m.id LIMIT :look
"""

CLOSED = "NOT EXISTS (SELECT 1 FROM media_open AS o WHERE o.media = :media)"
LOSE = f"DELETE FROM media WHERE id = :media AND {CLOSED}"  # noqa: S608
UNHEAR = f"DELETE FROM heard WHERE media = :media AND {CLOSED}"  # noqa: S608

UNREAD = "DELETE FROM unread WHERE at < :before"


# -- procedures --------------------------------------------------------------------------------------


def forget_ids(after: tuple[str, str], upto: tuple[str, str], before: int) -> Procedure[None]:
    """The old ones of a stretch that was looked at."""
    stretch = {"channel": after[0], "id": after[1], "last_channel": upto[0], "last_id": upto[1]}
    yield FORGET_IDS, {**stretch, "before": before}


def forget_said(kind: Kind, key: ConversationId, upto: int, media: Sequence[str]) -> Procedure[None]:
    """The beginning of a lane, with all that hangs on it."""
    yield from alone(key)
    lane = {"kind": int(kind), "key": key, "upto": upto}
    if kind is Kind.OUT:
        yield RECEIPTS, {"key": key, "upto": upto}
    if kind is Kind.IN:
        yield FETCHES, {"key": key, "upto": upto}
    yield LETTERS, lane
    yield SAID, lane
    if kind is Kind.IN:
        yield TURNS, {"key": key, "upto": upto}
    for id in media:
        yield CLOSE, {"media": id, "key": key, "named": f"%{id}%"}


def forget_medium(id: MediaId) -> Procedure[None]:
    for sql in (LOSE, UNHEAR):
        yield sql, {"media": id}


def forget_unread(before: int) -> Procedure[None]:
    yield UNREAD, {"before": before}


# -- the walk ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Retention:
    """keep: milliseconds, at least `LEAST` days. suffixes: the other forms a blob may lie in."""

    books: Books
    media: MediaStore
    keep: int
    suffixes: Sequence[str] = ()
    count: Count = lambda what, many: None

    async def walk(self) -> AsyncIterator[None]:
        """Once over everything; each step is one short piece of work, and whoever asks may rest in between. Raises
        Unavailable, and then it can begin again. Twice at the same time does no harm."""
        before = await self.books.now() - self.keep
        await self.books.forget(forget_unread(before))
        for walk in (self._ids(before), self._conversations(before), self._media()):
            async for _ in walk:
                yield

    async def _ids(self, before: int) -> AsyncIterator[None]:
        at = ("", "")
        while rows := await self.books.inspect(IDS, {"channel": at[0], "id": at[1], "before": before, "look": LOOK}):
            upto = (rows[-1][0], rows[-1][1])
            if old := sum(is_old for *_, is_old in rows):
                await self.books.forget(forget_ids(at, upto, before))
                self.count("id", old)
            at = upto
            yield

    async def _conversations(self, before: int) -> AsyncIterator[None]:
        at = ""
        while rows := await self.books.inspect(CONVERSATIONS, {"id": at, "look": LOOK}):
            for id, hold_at, *oldest in rows:
                kept = KEPT if hold_at is not None else 0
                for kind in (Kind.DESK, Kind.OUT, Kind.IN):  # turns go last, with what they were about
                    more = oldest[kind] is not None and oldest[kind] < before
                    while more:
                        more = await self._said(kind, id, before, kept)
                        yield
            at = rows[-1][0]
            yield

    async def _said(self, kind: Kind, key: ConversationId, before: int, kept: int) -> bool:
        """Whether there may be more."""
        values = {"kind": int(kind), "key": key, "kept": kept, "limit": AT_ONCE}
        rows = await self.books.inspect(ENTRIES, values)
        going, media = _beginning(rows, before)
        if not going:
            return False
        upto = going[-1][0]
        if kind is Kind.IN:
            media |= {id for (id,) in await self.books.inspect(FETCHED, {"key": key, "upto": upto})}
        try:
            await self.books.forget(forget_said(kind, key, upto, sorted(media)))
        except Unavailable as error:
            if error.alone:  # somebody is busy there: the next walk comes by
                return False
            raise
        self.count("message", len(going))
        return len(going) == len(rows) == AT_ONCE or len(going) < len(rows)

    async def _media(self) -> AsyncIterator[None]:
        at = ""
        while rows := await self.books.inspect(MEDIA, {"id": at, "look": LOOK}):
            for *medium, is_open in rows:
                if not is_open and await self._lose(lanes.media_of(medium)):
                    yield
            at = rows[-1][0]
            yield

    async def _lose(self, medium: Media) -> bool:
        """The bytes first: rows without bytes are found again, bytes without a row never. Whoever puts the same bytes
        meanwhile names them before they may be opened, so the row comes back with them."""
        if not await self.media.remove(medium.id, UNOPENED, self.suffixes):
            return False
        await self.books.forget(forget_medium(medium.id))
        if not await self.media.remove(medium.id, UNOPENED):
            await self.books.add_media(medium)
        self.count("media", 1)
        return True


def _beginning(rows: Sequence[Row], before: int) -> tuple[list[Row], set[str]]:
    """What may go from the front of a lane in one transaction, and which media it names."""
    going: list[Row] = []
    media: set[str] = set()
    for row in rows:
        _, at, body, died_at = row
        named = set(MEDIUM.findall(body))
        if at >= before or died_at >= before or (going and len(media | named) > NOTES_AT_ONCE):
            break
        going.append(row)
        media |= named
    return going, media
