"""The lanes in SQL: one text for SQLite (3.35 or newer) and PostgreSQL (12 or newer).

A lane is one direction of a conversation: an append-only log of entries numbered by `seq` and two cursors,
`tail` (appended) and `head` (consumed). `wake_at` schedules everything: the end of the window, the end of a
backoff, or the end of the lease of whoever runs the lane. So a due lane, a retry and a dead owner are one
index range and one claim.

    asleep   wake_at NULL, head = tail      running   busy = 1, wake_at = end of the lease
    waiting  busy = 0, wake_at = due_at     backoff   retry_at > now      paused   hold is not NULL

Where the two engines differ, and nowhere else:

1. `now_ms()` is a function of the connection on SQLite and a function of the schema on PostgreSQL;
2. the comments /*skip locked*/ and /*clustered*/ are filled in by a `Dialect`;
3. SQLite takes a `:name` as it stands, PostgreSQL takes `$n`.

Only the common subset is used: no scalar max() (GREATEST over there), no FROM table named in RETURNING
(SQLite refuses it, hence the column `ripe_at`). No table has a bucket column: a shard can be computed from
the key, which every statement but the claim already names, and a constant at the front of every key would
cost space for nothing.

The schema is the sum of the numbered steps in `schema/`. A new database walks the same steps as an old one,
so there is one way to arrive at a schema and no second copy to keep equal.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import orjson

from storage.model import (
    Claim,
    Conversation,
    ConversationId,
    DeadLetter,
    Entry,
    Fetched,
    Hold,
    Kind,
    Known,
    Media,
    MediaId,
    Outcome,
    Passing,
    Post,
    Receipt,
    Spent,
    Turn,
    TurnId,
    Unread,
)

Row = Sequence[Any]
Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Dialect:
    skip_locked: str
    """Ends the choice of lanes in a claim, where several processes choose at once."""
    clustered: str
    """Follows a table's closing parenthesis."""

    def says(self, sql: str) -> str:
        return sql.replace("/*skip locked*/", self.skip_locked).replace("/*clustered*/", self.clustered)


SQLITE = Dialect(skip_locked="", clustered="WITHOUT ROWID")
POSTGRES = Dialect(skip_locked="FOR UPDATE SKIP LOCKED", clustered="")


def steps() -> dict[int, str]:
    """The schema steps by number, in order: `0001_lanes.sql` is step 1."""
    found = (file for file in files("storage").joinpath("schema").iterdir() if file.name.endswith(".sql"))
    return {int(file.name[:4]): file.read_text("utf-8") for file in sorted(found, key=lambda file: file.name)}


# The clock of PostgreSQL, within one statement the same; SQLite is given a function of that name by its store.
NOW = """
CREATE OR REPLACE FUNCTION now_ms() RETURNS BIGINT LANGUAGE sql STABLE PARALLEL SAFE AS
$$ SELECT CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000 AS BIGINT) $$
"""

VERSION = "SELECT MAX(version) FROM schema_version"

# -- posting -------------------------------------------------------------------------------------

SEEN = "SELECT seq, digest FROM entry WHERE kind = :kind AND key = :key AND dedup = :dedup"

# The window restarts with each message and ends max_wait after the first unclaimed one; max_wait = window
# never restarts. While a claim runs wake_at is its lease and must stay; a pause wakes nobody; a backoff is a
# floor.
BUMP = """
INSERT INTO lane AS l (kind, key, tail, last_at, first_at, due_at, wake_at)
VALUES (:kind, :key, 1, now_ms(), now_ms(), now_ms() + :window, now_ms() + :window)
ON CONFLICT (kind, key) DO UPDATE SET
  tail     = l.tail + 1,
  last_at  = CASE WHEN l.last_at > excluded.last_at THEN l.last_at ELSE excluded.last_at END,
  first_at = COALESCE(l.first_at, excluded.first_at),
  due_at   = CASE WHEN excluded.due_at < COALESCE(l.first_at, excluded.first_at) + :max_wait
                  THEN excluded.due_at ELSE COALESCE(l.first_at, excluded.first_at) + :max_wait END,
  wake_at  = CASE WHEN l.busy = 1 THEN l.wake_at
                  WHEN l.hold IS NOT NULL THEN NULL
                  WHEN l.retry_at > excluded.due_at THEN l.retry_at
                  WHEN excluded.due_at < COALESCE(l.first_at, excluded.first_at) + :max_wait
                  THEN excluded.due_at
                  WHEN l.retry_at > COALESCE(l.first_at, excluded.first_at) + :max_wait THEN l.retry_at
                  ELSE COALESCE(l.first_at, excluded.first_at) + :max_wait END
RETURNING tail, last_at
"""

# Two writers may race the same redelivery: the loser's number stays a hole, and holes are legal.
APPEND = """
INSERT INTO entry (kind, key, seq, dedup, digest, body, at)
VALUES (:kind, :key, :seq, :dedup, :digest, :body, :at)
ON CONFLICT (kind, key, dedup) DO NOTHING
"""

# What a provider's id stands for. The first word stays.
KNOWN = "SELECT conversation, kind, seq, dedup FROM provider_id WHERE channel = :channel AND id = :id"

KNOW = """
INSERT INTO provider_id (channel, id, conversation, kind, seq, dedup)
VALUES (:channel, :id, :conversation, :kind, :seq, :dedup)
ON CONFLICT (channel, id) DO NOTHING
"""

KNOW_DELIVERY = """
INSERT INTO provider_id (channel, id, conversation, kind, seq, dedup)
SELECT c.channel, :provider_id, c.id, 1,
       COALESCE((SELECT seq FROM entry WHERE kind = 1 AND key = :conversation AND dedup = :delivery), 0), :delivery
FROM conversation AS c WHERE c.id = :conversation
ON CONFLICT (channel, id) DO NOTHING
"""

# -- claiming ------------------------------------------------------------------------------------

# `back` bounds the search from below: behind a forgotten transaction PostgreSQL keeps every index entry of the past.
CLAIM = """
WITH ripe AS MATERIALIZED (
  SELECT key FROM lane
  WHERE kind = :kind AND wake_at <= now_ms() AND wake_at >= now_ms() - :back AND hold IS NULL
  ORDER BY wake_at LIMIT :limit /*skip locked*/
)
UPDATE lane SET epoch = lane.epoch + 1, owner = :owner, tries = lane.tries + 1, busy = 1,
                first_at = NULL, due_at = NULL, ripe_at = lane.wake_at, wake_at = now_ms() + :lease
FROM ripe WHERE lane.kind = :kind AND lane.key = ripe.key
RETURNING lane.key, lane.epoch, lane.owner, lane.head, lane.tail, lane.tries, lane.folds, lane.ripe_at, now_ms()
"""

# For when some have their share: who is due among the others.
_BESIDE = (
    "hold IS NULL\n    AND NOT EXISTS (SELECT 1 FROM conversation AS c "
    "WHERE c.id = lane.key AND :beside LIKE '%|' || c.{shares} || '|%')"
)
CLAIM_BESIDE = {
    column: CLAIM.replace("hold IS NULL", _BESIDE.format(shares=column), 1) for column in ("queue", "channel")
}


def whose(column: str, count: int) -> str:
    """The queues or channels of so many conversations: `:id0`, `:id1`, …"""
    ids = ", ".join(f":id{n}" for n in range(count))
    return f"SELECT id, {column} FROM conversation WHERE id IN ({ids})"  # noqa: S608 - a column of ours, and numbers


# Its own statement, after the claim: within one statement a re-checked lane row may be newer than the
# snapshot the entries are read from, and messages counted by `tail` but not seen would be settled unread.
LOAD = """
SELECT kind, seq, dedup, body, at FROM entry
WHERE kind = :kind AND key = :key AND seq > :head AND seq <= :tail ORDER BY seq
"""

MINE = "WHERE kind = :kind AND key = :key AND epoch = :epoch AND owner = :owner AND busy = 1"

HELD_MINE = f"SELECT tail, folds FROM lane {MINE}"  # noqa: S608 - a constant of this file

RENEW = f"UPDATE lane SET wake_at = now_ms() + :lease {MINE} RETURNING epoch"  # noqa: S608

# A pause is the floor of a backoff without the failure: it also holds for what comes to an empty lane. Without
# one, a window that ended during the claim keeps its time: lateness is counted from there. What is due now was posted
# or armed during the claim.
SETTLE = f"""
UPDATE lane SET head = :upto, busy = 0, owner = NULL, tries = 0, folds = 0,
                retry_at = CASE WHEN :pause > 0 THEN now_ms() + :pause ELSE 0 END,
                wake_at  = CASE WHEN hold IS NOT NULL OR (tail <= :upto AND due_at IS NULL) THEN NULL
                                WHEN due_at IS NULL OR (:pause > 0 AND due_at < now_ms() + :pause)
                                THEN now_ms() + :pause ELSE due_at END
{MINE} RETURNING epoch
"""  # noqa: S608

# A draft thrown away is no failure, so the try is given back: `tries` must only count what went wrong.
FOLD = f"""
UPDATE lane SET busy = 0, owner = NULL, tries = tries - 1, folds = folds + 1,
                wake_at = CASE WHEN hold IS NULL THEN COALESCE(due_at, now_ms()) END
{MINE} AND tail > :tail AND folds < :max_folds RETURNING epoch
"""  # noqa: S608

RETRY = f"""
UPDATE lane SET busy = 0, owner = NULL, retry_at = now_ms() + :delay,
                wake_at = CASE WHEN hold IS NULL THEN now_ms() + :delay END
{MINE} RETURNING epoch
"""  # noqa: S608

# A running claim keeps its lease, so that its death is still noticed once the lane goes on.
PAUSE = """
INSERT INTO lane AS l (kind, key, hold) VALUES (:kind, :key, :why)
ON CONFLICT (kind, key) DO UPDATE SET
  hold    = excluded.hold,
  wake_at = CASE WHEN l.busy = 1 THEN l.wake_at
                 WHEN excluded.hold IS NOT NULL OR l.tail = l.head THEN NULL
                 WHEN l.retry_at > now_ms() THEN l.retry_at
                 ELSE COALESCE(l.due_at, now_ms()) END
"""

# The earlier of two wake-ups: whoever wakes too early looks, and sleeps again.
ARM = """
INSERT INTO lane AS l (kind, key, due_at, wake_at) VALUES (3, :key, :at, :at)
ON CONFLICT (kind, key) DO UPDATE SET
  due_at  = CASE WHEN l.due_at < excluded.due_at THEN l.due_at ELSE excluded.due_at END,
  wake_at = CASE WHEN l.busy = 1 THEN l.wake_at
                 WHEN l.hold IS NOT NULL THEN NULL
                 WHEN l.wake_at < excluded.wake_at THEN l.wake_at ELSE excluded.wake_at END
"""

LOOK_NOW = ARM.replace(":at", "now_ms()")

AT_WORK = "SELECT head FROM lane WHERE kind = :kind AND key = :key AND busy = 1"

PENDING = "SELECT head FROM lane WHERE kind = 0 AND key = :key AND tail > head"

# The epoch fences whoever runs the lane, and is the turn's own.
CANCEL = """
UPDATE lane SET epoch = epoch + 1, head = tail, busy = 0, owner = NULL, wake_at = NULL, due_at = NULL,
                first_at = NULL, retry_at = 0, tries = 0, folds = 0
WHERE kind = 0 AND key = :key RETURNING epoch, tail, now_ms()
"""

NEXT_WAKE = """
SELECT wake_at FROM lane WHERE kind = :kind AND wake_at IS NOT NULL AND hold IS NULL ORDER BY wake_at LIMIT 1
"""

# For a store that only one process can open: whoever ran a lane before is gone, so no lease needs to run out.
EXPIRE = "UPDATE lane SET wake_at = now_ms() WHERE kind IN (0, 1, 2, 3) AND wake_at > now_ms() AND busy = 1"

# The clock was set back while nobody looked: a window must not become longer by as much.
REWIND = """
UPDATE lane SET due_at = due_at - (first_at - now_ms()), first_at = now_ms(),
                wake_at = CASE WHEN busy = 1 OR retry_at > 0 THEN wake_at ELSE wake_at - (first_at - now_ms()) END
WHERE kind IN (0, 1, 2) AND wake_at > now_ms() AND first_at > now_ms()
"""

# The same for a backoff. A lane was due before it was claimed, so a time at which it became due that is still to come
# tells by how much; put right, it tells nothing to the next who looks.
REWIND_BACKOFF = """
UPDATE lane SET ripe_at = now_ms(), wake_at = wake_at - (ripe_at - now_ms()), retry_at = retry_at - (ripe_at - now_ms())
WHERE kind IN (0, 1, 2, 3) AND wake_at > now_ms() AND ripe_at > now_ms() AND retry_at > now_ms() AND busy = 0
"""

LONGEST_LEASE = 30_000
"""Milliseconds: nobody is given a lane for longer, and who works on renews it in time."""
# The same for the lease of whoever died.
REWIND_LEASE = f"""
UPDATE lane SET wake_at = now_ms() + {LONGEST_LEASE}
WHERE kind IN (0, 1, 2, 3) AND wake_at > now_ms() + {LONGEST_LEASE} AND busy = 1
"""  # noqa: S608 - a number of ours

SET_BACK = (REWIND, REWIND_BACKOFF, REWIND_LEASE)
"""For a clock that was, or may have been."""

# -- conversations -------------------------------------------------------------------------------

CONVERSATION_COLUMNS = (
    "id, channel, contact, name, queue, hold_queue, hold_reason, hold_at, created_at, address, grouped, custody, flow, "
    "place"
)

# One statement, and it writes nothing when nothing changed.
MEET = f"""
INSERT INTO conversation AS c ({CONVERSATION_COLUMNS})
VALUES (:id, :channel, :contact, :name, :queue, :hold_queue, :hold_reason, :hold_at,
        CASE WHEN CAST(:created_at AS BIGINT) > 0 THEN :created_at ELSE now_ms() END,
        :address, :grouped, :custody, :flow, :place)
ON CONFLICT (id) DO UPDATE SET
  name    = CASE WHEN excluded.name <> '' THEN excluded.name ELSE c.name END,
  address = CASE WHEN excluded.address <> '' THEN excluded.address ELSE c.address END
WHERE (excluded.name <> '' AND excluded.name <> c.name)
   OR (excluded.address <> '' AND excluded.address <> c.address)
"""  # noqa: S608

CONVERSATION = f"SELECT {CONVERSATION_COLUMNS} FROM conversation WHERE id = :id"  # noqa: S608

HELD = f"""
SELECT {CONVERSATION_COLUMNS} FROM conversation
WHERE hold_at IS NOT NULL AND (hold_at > :at OR (hold_at = :at AND id > :id)) ORDER BY hold_at, id LIMIT :limit
"""  # noqa: S608

REQUEUE = "UPDATE conversation SET queue = :queue WHERE id = :id RETURNING id"

READDRESS = "UPDATE conversation SET address = :address WHERE id = :id AND address <> :address"

CUSTODY = "SELECT custody FROM conversation WHERE id = :id"

PASS_ON = """
UPDATE conversation SET custody = :custody, hold_queue = :hold_queue, hold_reason = :hold_reason, hold_at = :hold_at
WHERE id = :id
"""  # noqa: S105

FOLLOW = "UPDATE conversation SET flow = :flow WHERE id = :id AND flow <> :flow"

PLACE = "UPDATE conversation SET place = :place WHERE id = :id AND place <> :place"

FACTS = "SELECT name, at FROM fact WHERE conversation = :id ORDER BY name"

# A fact that is there already keeps its time.
BEGIN_FACT = "INSERT INTO fact (conversation, name, at) VALUES (:id, :name, now_ms()) ON CONFLICT DO NOTHING"

END_FACT = "DELETE FROM fact WHERE conversation = :id AND name = :name"

# -- the names of a contact ------------------------------------------------------------------------

ALIAS = "SELECT contact FROM alias WHERE channel = :channel AND alias = :alias"


def aliases(count: int) -> str:
    """One look for so many names: `:alias0`, `:alias1`, …"""
    names = ", ".join(f":alias{n}" for n in range(count))
    return f"SELECT alias, contact FROM alias WHERE channel = :channel AND alias IN ({names})"  # noqa: S608 - numbers


BORN = "SELECT created_at FROM conversation WHERE id = :id"

LEARN_ALIAS = """
INSERT INTO alias AS a (channel, alias, contact, lasting) VALUES (:channel, :alias, :contact, :lasting)
ON CONFLICT (channel, alias) DO UPDATE SET
  contact = excluded.contact,
  lasting = CASE WHEN a.lasting > excluded.lasting THEN a.lasting ELSE excluded.lasting END
WHERE a.contact <> excluded.contact OR a.lasting < excluded.lasting
"""

SOMEBODY_ELSE = """
SELECT 1 FROM alias WHERE channel = :channel AND contact = :contact AND lasting = 1 AND alias <> :lasting LIMIT 1
"""

REPOINT = "UPDATE alias SET contact = :contact WHERE channel = :channel AND contact = :loser"

INHERIT_HOLD = """
UPDATE conversation SET hold_queue = lost.hold_queue, hold_reason = lost.hold_reason, hold_at = lost.hold_at,
                        custody = lost.custody, place = lost.place
FROM conversation AS lost
WHERE conversation.id = :id AND conversation.hold_at IS NULL AND lost.id = :loser AND lost.hold_at IS NOT NULL
RETURNING conversation.id
"""

INHERIT_FLOW = """
UPDATE conversation SET flow = lost.flow FROM conversation AS lost
WHERE conversation.id = :id AND conversation.flow = '' AND lost.id = :loser AND lost.flow <> ''
"""

# What a desk calls the one is the other's from now on: what people answer there must not be lost.
INHERIT_DESK = "UPDATE provider_id SET conversation = :id WHERE conversation = :loser AND kind = 2"

INHERIT_FACTS = """
INSERT INTO fact (conversation, name, at) SELECT CAST(:id AS TEXT), name, at FROM fact WHERE conversation = :loser
ON CONFLICT DO NOTHING
"""

# -- what was said, and what became of it ------------------------------------------------------------

# Each direction is cut to the limit before the two are merged, so a long conversation costs no more than a
# short one. At the same millisecond a message comes before the answer; within a lane `at` never falls, so
# `seq` order is kept.
TRANSCRIPT = """
SELECT kind, seq, dedup, body, at FROM (
  SELECT * FROM (SELECT kind, seq, dedup, body, at FROM entry
                 WHERE kind = 0 AND key = :id AND seq > :inbound ORDER BY seq LIMIT :limit) AS inbound
  UNION ALL
  SELECT * FROM (SELECT kind, seq, dedup, body, at FROM entry
                 WHERE kind = 1 AND key = :id AND seq > :outbound ORDER BY seq LIMIT :limit) AS outbound
) AS said ORDER BY at, kind, seq LIMIT :limit
"""

RECENT = """
SELECT kind, seq, dedup, body, at FROM (
  SELECT * FROM (SELECT kind, seq, dedup, body, at FROM entry
                 WHERE kind = 0 AND key = :id ORDER BY seq DESC LIMIT :limit) AS inbound
  UNION ALL
  SELECT * FROM (SELECT kind, seq, dedup, body, at FROM entry
                 WHERE kind = 1 AND key = :id ORDER BY seq DESC LIMIT :limit) AS outbound
) AS said ORDER BY at DESC, kind DESC, seq DESC LIMIT :limit
"""

LATEST = """
SELECT kind, seq, dedup, body, at FROM entry WHERE kind = :kind AND key = :id ORDER BY seq DESC LIMIT :limit
"""

TURN_COLUMNS = "id, conversation, epoch, head, tail, started_at, ended_at, outcome, reason, timeline, reply"

END_TURN = f"""
INSERT INTO turn ({TURN_COLUMNS})
VALUES (:id, :conversation, :epoch, :head, :tail, :started_at, :ended_at, :outcome, :reason, :timeline, :reply)
"""  # noqa: S608

TURNS = f"""
SELECT {TURN_COLUMNS} FROM turn WHERE conversation = :id AND epoch > :after ORDER BY epoch LIMIT :limit
"""  # noqa: S608

COVERING = f"""
SELECT {TURN_COLUMNS} FROM turn WHERE conversation = :id AND tail >= :seq AND head < :seq ORDER BY tail LIMIT 1
"""  # noqa: S608

# A delivery may fail in more than one way.
RECORDED = """
SELECT 1 FROM receipt WHERE conversation = :conversation AND delivery = :delivery AND status = :status
                        AND (status <> 'failed' OR detail = :detail) LIMIT 1
"""

RECORD = """
INSERT INTO receipt (conversation, n, delivery, status, at, provider_id, detail)
SELECT :conversation, COALESCE(MAX(n), 0) + 1, :delivery, :status, CAST(:at AS BIGINT), :provider_id, :detail
FROM receipt WHERE conversation = :conversation
"""

RECEIPTS = """
SELECT conversation, delivery, status, at, provider_id, detail FROM receipt WHERE conversation = :id ORDER BY n
"""

WITHDRAWN = "SELECT delivery FROM receipt WHERE conversation = :id AND status IN ('withdrawn', 'templated')"

# What was accepted and failed later was not said either; what was delivered after all was.
UNSAID = """
SELECT delivery FROM receipt WHERE conversation = :id AND status IN ('withdrawn', 'templated', 'failed')
EXCEPT
SELECT delivery FROM receipt WHERE conversation = :id AND status IN ('delivered', 'read', 'played')
"""

SAID = f"""
SELECT kind, seq, dedup, body, at FROM ({RECENT}) AS late WHERE kind = 0 OR dedup NOT IN ({UNSAID})
ORDER BY at DESC, kind DESC, seq DESC
"""  # noqa: S608 - constants of this file

BURY = """
INSERT INTO dead (conversation, kind, seq, reason, at) VALUES (:conversation, :kind, :seq, :reason, :at)
ON CONFLICT (conversation, kind, seq) DO NOTHING
"""

EXHUME = """
DELETE FROM dead WHERE conversation = :conversation AND kind = 1
  AND seq = (SELECT seq FROM entry WHERE kind = 1 AND key = :conversation AND dedup = :delivery)
"""

# -- the library ---------------------------------------------------------------------------------

ADD_MEDIA = """
INSERT INTO media (id, mime, bytes, seconds, waveform) VALUES (:id, :mime, :bytes, :seconds, :waveform)
ON CONFLICT (id) DO UPDATE SET mime = excluded.mime, bytes = excluded.bytes, seconds = excluded.seconds,
                               waveform = excluded.waveform
"""

# Who fetched it may know less of it than who heard it before.
KEEP_MEDIA = """
INSERT INTO media (id, mime, bytes, seconds, waveform) VALUES (:id, :mime, :bytes, :seconds, :waveform)
ON CONFLICT (id) DO NOTHING
"""

MEDIA = "SELECT id, mime, bytes, seconds, waveform FROM media WHERE id = :id"

OPEN_MEDIA = "INSERT INTO media_open (media, conversation) VALUES (:media, :conversation) ON CONFLICT DO NOTHING"

MEDIA_OPEN = "SELECT 1 FROM media_open WHERE media = :media AND conversation = :conversation"

MEDIA_OPEN_TO_CHANNEL = """
SELECT 1 FROM media_open AS m JOIN conversation AS c ON c.id = m.conversation
WHERE m.media = :media AND c.channel = :channel LIMIT 1
"""

HEARD = "SELECT text, language FROM heard WHERE media = :media"

REMEMBER_HEARD = """
INSERT INTO heard (media, text, language) VALUES (:media, :text, :language)
ON CONFLICT (media) DO UPDATE SET text = excluded.text, language = excluded.language
"""

FETCHED = """
SELECT f.seq, f.n, f.problem, m.id, m.mime, m.bytes, m.seconds, m.waveform
FROM fetched AS f LEFT JOIN media AS m ON m.id = f.media
WHERE f.conversation = :id AND f.seq > :after AND f.seq <= :upto ORDER BY f.seq, f.n
"""

REMEMBER_FETCHED = """
INSERT INTO fetched (conversation, seq, n, media, problem) VALUES (:id, :seq, :n, :media, :problem)
ON CONFLICT (conversation, seq, n) DO NOTHING RETURNING n
"""

KEEP_UNREAD = """
INSERT INTO unread (channel, n, at, why, body)
VALUES (:channel, (SELECT COALESCE(MAX(n), 0) + 1 FROM unread WHERE channel = :channel), now_ms(), :why, :body)
"""

DROP_UNREAD = """
DELETE FROM unread
WHERE channel = :channel AND n <= (SELECT MAX(n) FROM unread WHERE channel = :channel) - :kept
"""

# Walks the table: KEEP_UNREAD and DROP_UNREAD keep it short.
UNREAD = "SELECT channel, at, why, body FROM unread ORDER BY at DESC, n DESC LIMIT :limit"

SEALED = "SELECT blob FROM sealed WHERE name = :name"

SEAL = "INSERT INTO sealed (name, blob) VALUES (:name, :blob) ON CONFLICT (name) DO UPDATE SET blob = excluded.blob"

SEAL_FIRST = "INSERT INTO sealed (name, blob) VALUES (:name, :blob) ON CONFLICT (name) DO NOTHING"

SPEND = """
INSERT INTO spending AS s (queue, day, characters, seconds, saved, tokens)
VALUES (:queue, :day, :characters, :seconds, :saved, :tokens)
ON CONFLICT (queue, day) DO UPDATE SET characters = s.characters + excluded.characters,
                                       seconds = s.seconds + excluded.seconds, saved = s.saved + excluded.saved,
                                       tokens = s.tokens + excluded.tokens
"""

SPENT = """
SELECT COALESCE(SUM(characters), 0), COALESCE(SUM(seconds), 0), COALESCE(SUM(saved), 0), COALESCE(SUM(tokens), 0)
FROM spending WHERE queue = :queue AND day >= :since_day
"""

DEPTHS = """
SELECT (SELECT COUNT(*) FROM lane WHERE kind = 0 AND wake_at IS NOT NULL),
       (SELECT COUNT(*) FROM lane WHERE kind = 1 AND wake_at IS NOT NULL),
       (SELECT COUNT(*) FROM lane WHERE kind = 2 AND wake_at IS NOT NULL),
       (SELECT COUNT(*) FROM dead),
       (SELECT COUNT(*) FROM conversation WHERE hold_at IS NOT NULL),
       (SELECT COUNT(*) FROM conversation)
"""

# -- a fleet -------------------------------------------------------------------------------------

# Whoever has it keeps it, and whoever comes after its end gets it.
LEASE = """
INSERT INTO lease AS l (name, owner, ends_at) VALUES (:name, :owner, now_ms() + :lease)
ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, ends_at = excluded.ends_at
WHERE l.owner = excluded.owner OR l.ends_at <= now_ms()
RETURNING name
"""

LET_GO = "DELETE FROM lease WHERE name = :name AND owner = :owner"

LEASED = "SELECT 1 FROM lease WHERE name = :name AND ends_at > now_ms()"

# A bucket that fills by itself: `gap` microseconds a send, `slack` of them in advance.
TAKE_ROOM = """
INSERT INTO pace AS p (name, full_at) VALUES (:name, now_ms() * 1000 + :gap)
ON CONFLICT (name) DO UPDATE SET
  full_at = :gap + CASE WHEN p.full_at > now_ms() * 1000 THEN p.full_at ELSE now_ms() * 1000 END
WHERE p.full_at <= now_ms() * 1000 + :slack
RETURNING full_at
"""

ROOM = "SELECT full_at - :slack - now_ms() * 1000 FROM pace WHERE name = :name"

NO_ROOM = """
INSERT INTO pace AS p (name, full_at) VALUES (:name, (now_ms() + :rest) * 1000 + :slack)
ON CONFLICT (name) DO UPDATE SET full_at = excluded.full_at WHERE p.full_at < excluded.full_at
"""


def under_way(count: int) -> str:
    """Of so many conversations: `:id0`, `:id1`, …"""
    ids = ", ".join(f":id{n}" for n in range(count))
    return f"SELECT key, busy FROM lane WHERE kind = 0 AND tail > head AND key IN ({ids})"  # noqa: S608 - numbers


def marks(count: int) -> str:
    """Of so many conversations: `:id0`, `:id1`, …"""
    ids = ", ".join(f":id{n}" for n in range(count))
    return f"""
SELECT key, kind, tail, head, epoch, '' FROM lane WHERE kind IN (0, 1) AND key IN ({ids})
UNION ALL
SELECT id, 9, COALESCE(hold_at, 0), 0, 0, custody FROM conversation WHERE id IN ({ids})
"""  # noqa: S608 - numbers


# -- nouns to values, and rows to nouns ------------------------------------------------------------


def lane_values(kind: Kind, post: Post) -> Values:
    """For SEEN and BUMP. A wait shorter than the window is raised to it: the window is what the operator asked for."""
    return {
        "kind": int(kind),
        "key": post.key,
        "dedup": post.dedup,
        "window": max(0, post.window),
        "max_wait": max(0, post.window, post.max_wait),
    }


def load_values(claim: Claim) -> Values:
    return {"kind": int(claim.kind), "key": claim.key, "head": claim.head, "tail": claim.tail}


def fence_values(claim: Claim) -> Values:
    return {"kind": int(claim.kind), "key": claim.key, "epoch": claim.epoch, "owner": claim.owner}


def conversation_values(conversation: Conversation) -> Values:
    hold = conversation.hold
    return {
        "id": conversation.id,
        "channel": conversation.channel,
        "contact": conversation.contact,
        "name": conversation.name,
        "queue": conversation.queue,
        **hold_values(hold),
        "created_at": conversation.created_at,
        "address": address_text(conversation.address),
        "grouped": int(conversation.group),
        "custody": conversation.custody,
        "flow": conversation.flow,
        "place": address_text(conversation.place),
    }


def address_text(address: Mapping[str, str]) -> str:
    """Equal addresses are equal texts, whatever their order; none is the empty text."""
    return orjson.dumps(dict(address), option=orjson.OPT_SORT_KEYS).decode() if address else ""


def hold_values(hold: Hold | None) -> Values:
    return {
        "hold_queue": hold and hold.queue,
        "hold_reason": hold and hold.reason,
        "hold_at": hold and hold.at,
    }


def passing_values(id: ConversationId, passing: Passing) -> Values:
    return {"id": id, "custody": passing.after, **hold_values(passing.hold)}


def turn_values(turn: Turn) -> Values:
    return {
        "id": turn.id,
        "conversation": turn.conversation,
        "epoch": turn.epoch,
        "head": turn.head,
        "tail": turn.tail,
        "started_at": turn.started_at,
        "ended_at": turn.ended_at,
        "outcome": turn.outcome.value,
        "reason": turn.reason,
        "timeline": _json(list(turn.timeline)),
        "reply": None if turn.reply is None else _json(turn.reply),
    }


def receipt_values(receipt: Receipt) -> Values:
    return {
        "conversation": receipt.conversation,
        "delivery": receipt.delivery,
        "status": receipt.status,
        "at": receipt.at,
        "provider_id": receipt.provider_id,
        "detail": receipt.detail,
    }


def dead_values(dead: DeadLetter) -> Values:
    return {
        "conversation": dead.conversation,
        "kind": int(dead.kind),
        "seq": dead.seq,
        "reason": dead.reason,
        "at": dead.at,
    }


def media_values(media: Media) -> Values:
    return {
        "id": media.id,
        "mime": media.mime,
        "bytes": media.bytes,
        "seconds": media.seconds,
        "waveform": bytes(media.waveform),
    }


DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def day_value(day: str) -> str:
    """Days are compared as text, so they are written one way. Raises ValueError."""
    if not DAY.fullmatch(day):
        raise ValueError(f"not a day as YYYY-MM-DD: {day[:40]!r}")
    return day


def spending_values(queue: str, day: str, characters: int, seconds: float, saved: int, tokens: int) -> Values:
    """Raises ValueError."""
    amounts = {"characters": characters, "seconds": seconds, "saved": saved, "tokens": tokens}
    for name, amount in amounts.items():
        if not (math.isfinite(amount) and amount >= 0):
            raise ValueError(f"{name} must be a number of 0 or more")
    return {"queue": queue, "day": day_value(day), **amounts}


def room_values(name: str, rate: float, burst: float) -> Values:
    """Microseconds."""
    gap = max(1, round(1e6 / rate))
    return {"name": name, "gap": gap, "slack": round(max(0.0, burst - 1) * gap)}


def claim_of(kind: Kind, row: Row) -> Claim:
    key, epoch, owner, head, tail, tries, folds, ripe_at, claimed_at = row
    return Claim(kind, ConversationId(key), epoch, owner, head, tail, tries, folds, ripe_at, claimed_at)


def entry_of(row: Row) -> Entry:
    kind, seq, dedup, body, at = row
    return Entry(Kind(kind), seq, dedup, body, at)


def conversation_of(row: Row) -> Conversation:
    id, channel, contact, name, queue, *held, created_at, address, grouped, custody, flow, place = row
    return Conversation(
        ConversationId(id),
        channel,
        contact,
        name,
        queue,
        None if held[2] is None else Hold(*held),
        created_at,
        orjson.loads(address) if address else {},
        bool(grouped),
        custody,
        flow,
        orjson.loads(place) if place else {},
    )


def turn_of(row: Row) -> Turn:
    id, conversation, epoch, head, tail, started_at, ended_at, outcome, reason, timeline, reply = row
    return Turn(
        TurnId(id),
        ConversationId(conversation),
        epoch,
        head,
        tail,
        started_at,
        ended_at,
        Outcome(outcome),
        reason,
        tuple(orjson.loads(timeline)),
        None if reply is None else orjson.loads(reply),
    )


def receipt_of(row: Row) -> Receipt:
    conversation, delivery, status, at, provider_id, detail = row
    return Receipt(ConversationId(conversation), delivery, status, at, provider_id, detail)


def media_of(row: Row) -> Media:
    id, mime, size, seconds, waveform = row
    return Media(MediaId(id), mime, size, seconds, tuple(waveform))


def known_of(row: Row) -> Known:
    conversation, kind, seq, dedup = row
    return Known(ConversationId(conversation), Kind(kind), seq, dedup)


def fetched_of(row: Row) -> Fetched:
    seq, n, problem, *media = row
    return Fetched(seq, n, None if media[0] is None else media_of(media), problem)


def spent_of(row: Row) -> Spent:
    characters, seconds, saved, tokens = row
    return Spent(int(characters), float(seconds), int(saved), int(tokens))


def unread_of(row: Row) -> Unread:
    channel, at, why, body = row
    return Unread(channel, at, why, bytes(body))


def _json(value: object) -> str:
    return orjson.dumps(value, default=dict).decode()
