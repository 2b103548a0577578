"""What was given up, and how it is posted again: statements as in `lanes.py`, a procedure as in `procedures.py`.

The entry that was given up stays as it is. Its words are copied from row to row without passing through anybody, into a
new entry at the end of its lane, under a name of its own; with that the dead letter is gone, so nobody posts it twice.
"""

from __future__ import annotations

from itertools import count

from storage import lanes
from storage.lanes import Row, Values
from storage.model import ConversationId, GivenUp, Kind, Post, Posted, Verdict
from storage.procedures import Procedure, alone

_COLUMNS = "d.kind, d.conversation, d.seq, d.reason, d.at, COALESCE(e.body, '')"
_FROM = """
FROM dead AS d LEFT JOIN entry AS e ON e.kind = d.kind AND e.key = d.conversation AND e.seq = d.seq
"""

NEWEST = 2**62
"""Milliseconds: behind no time."""

# Newest first, behind (at, conversation, kind, seq).
DEAD = f"""
SELECT {_COLUMNS} {_FROM}
WHERE d.at < :at OR (d.at = :at AND (d.conversation > :conversation
   OR (d.conversation = :conversation AND (d.kind > :kind OR (d.kind = :kind AND d.seq > :seq)))))
ORDER BY d.at DESC, d.conversation, d.kind, d.seq LIMIT :limit
"""

ONE = f"SELECT {_COLUMNS} {_FROM} WHERE d.conversation = :conversation AND d.kind = :kind AND d.seq = :seq"

NAME = """
SELECT e.dedup FROM dead AS d JOIN entry AS e ON e.kind = d.kind AND e.key = d.conversation AND e.seq = d.seq
WHERE d.conversation = :conversation AND d.kind = :kind AND d.seq = :seq
"""

COPY = """
INSERT INTO entry (kind, key, seq, dedup, digest, body, at)
SELECT kind, key, CAST(:copy AS BIGINT), CAST(:dedup AS TEXT), digest, body, CAST(:at AS BIGINT)
FROM entry WHERE kind = :kind AND key = :conversation AND seq = :seq
"""

# What a message only named may be gone at its provider by now.
COPY_FETCHED = """
INSERT INTO fetched (conversation, seq, n, media, problem)
SELECT conversation, CAST(:copy AS BIGINT), n, media, problem
FROM fetched WHERE conversation = :conversation AND seq = :seq AND media IS NOT NULL
"""

UNBURY = "DELETE FROM dead WHERE conversation = :conversation AND kind = :kind AND seq = :seq"


def behind(last: GivenUp | None, limit: int) -> Values:
    """For DEAD."""
    if last is None:
        return {"at": NEWEST, "conversation": "", "kind": 0, "seq": 0, "limit": limit}
    return {"at": last.at, **letter(last.conversation, last.kind, last.seq), "limit": limit}


def letter(id: ConversationId, kind: Kind, seq: int) -> Values:
    return {"conversation": id, "kind": int(kind), "seq": seq}


def given_up_of(row: Row) -> GivenUp:
    kind, conversation, seq, reason, at, body = row
    return GivenUp(Kind(kind), ConversationId(conversation), seq, reason, at, body)


def repost(id: ConversationId, kind: Kind, seq: int) -> Procedure[Posted | None]:
    """The new entry; None, and nothing written, when there is no such dead letter, or nothing left of what it was."""
    yield from alone(id)
    dead = letter(id, kind, seq)
    name = yield NAME, dead
    if name is None:
        return None
    for n in count(1):
        lane = lanes.lane_values(kind, Post(id, named_again(kind, name[0], n), ""))
        if (yield lanes.SEEN, lane) is None:
            break
    bumped = yield lanes.BUMP, lane
    assert bumped is not None
    copy, at = bumped
    yield COPY, {**dead, "copy": copy, "dedup": lane["dedup"], "at": at}
    if kind is Kind.IN:
        yield COPY_FETCHED, {**dead, "copy": copy}
    yield UNBURY, dead
    return Posted(Verdict.NEW, copy)


def named_again(kind: Kind, dedup: str, n: int) -> str:
    """A delivery is named after its turn, so that what becomes of it is told there."""
    return f"again:{dedup}:{n}" if kind is Kind.IN else f"{dedup}:again{n}"
