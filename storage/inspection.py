"""What is wrong with a store, as questions in SQL: one text for SQLite and PostgreSQL, as in `lanes.py`.

Each invariant is a query that finds what breaks it: (kind, key, what) a row, and no row where it holds. Each is a
single statement, so it sees one moment. The names are those of docs/architecture.md; the others of that list either
cannot be seen in one moment (I3, I4, I8, I9), or are no promise about rows (I10).

The caller runs them and gives the values: `:now` is the store's clock in milliseconds, `:many` how many rows are
wanted. Nothing here writes.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Invariant:
    name: str
    promise: str
    broken: str
    """The query: (kind, key, what)."""
    cure: str


_REPORT = "start the gateway again; if it is still told then, report it with this line, and keep a backup"

INVARIANTS = (
    Invariant(
        "I1",
        "what was read is never beyond what was written",
        "SELECT kind, key, head - tail FROM lane WHERE head > tail ORDER BY kind, key LIMIT :many",
        _REPORT,
    ),
    Invariant(
        "I2",
        "nothing that waits sleeps",
        """
SELECT kind, key, tail - head FROM lane
WHERE wake_at IS NULL AND hold IS NULL AND (head < tail OR busy = 1) ORDER BY kind, key LIMIT :many
""",
        "write to that contact or let it write, which wakes it; and report it with this line",
    ),
    Invariant(
        "I5",
        "what was acknowledged is there, exactly once",
        # No id twice in a conversation; none that a channel promised once in another one; nothing behind the end of
        # its lane, where no claim finds it; nothing that was promised and is not there.
        """
SELECT kind, key, what FROM (
  SELECT kind, key, COUNT(*) AS what FROM entry GROUP BY kind, key, dedup HAVING COUNT(*) > 1
  UNION ALL
  SELECT e.kind, e.key, e.seq FROM entry AS e
  JOIN conversation AS c ON c.id = e.key
  JOIN provider_id AS p ON p.channel = c.channel AND p.id = e.dedup AND p.kind = 0
  WHERE e.kind = 0 AND p.conversation <> e.key
  UNION ALL
  SELECT e.kind, e.key, e.seq FROM entry AS e LEFT JOIN lane AS l ON l.kind = e.kind AND l.key = e.key
  WHERE l.tail IS NULL OR e.seq > l.tail
  UNION ALL
  SELECT p.kind, p.conversation, p.seq FROM provider_id AS p
  LEFT JOIN entry AS e ON e.kind = p.kind AND e.key = p.conversation AND e.seq = p.seq
  WHERE p.kind IN (0, 1) AND p.seq > 0 AND e.seq IS NULL
) AS broken ORDER BY kind, key, what LIMIT :many
""",
        "restore the last backup in which `recado doctor` finds nothing, or report it with this line",
    ),
    Invariant(
        "I6",
        "every message that was read has the turn that says what became of it",
        """
SELECT e.kind, e.key, e.seq FROM entry AS e
JOIN lane AS l ON l.kind = e.kind AND l.key = e.key
WHERE e.kind = 0 AND e.seq <= l.head
  AND NOT EXISTS (SELECT 1 FROM turn AS t WHERE t.conversation = e.key AND t.tail >= e.seq AND t.head < e.seq)
ORDER BY e.kind, e.key, e.seq LIMIT :many
""",
        "look at that conversation: nobody was answered there; and report it with this line",
    ),
    Invariant(
        "I7",
        "a burst ends no later than max_wait after its first message, backoffs aside",
        # `:longest`: the longest max_wait that may have been in force, in milliseconds.
        """
SELECT kind, key, wake_at - first_at FROM lane
WHERE kind IN (0, 1, 2) AND busy = 0 AND hold IS NULL AND first_at IS NOT NULL AND retry_at <= :now
  AND wake_at > :now AND wake_at > first_at + :longest
ORDER BY kind, key LIMIT :many
""",
        "start the gateway again, which looks at every window; and look at the clock of this machine",
    ),
)

STUCK = """
SELECT kind, key, tries, busy, wake_at FROM lane
WHERE wake_at IS NOT NULL AND hold IS NULL AND ((wake_at < :overdue) OR tries >= :tries)
ORDER BY wake_at, kind, key LIMIT :many
"""
"""Due since before `:overdue` and taken by nobody (where `busy` is 1, its owner's lease is over by then), or taken at
least `:tries` times without an end: (kind, key, tries, busy, wake_at)."""

WAITING = """
SELECT l.kind, COUNT(*), MIN(COALESCE(e.at, l.wake_at)), MIN(l.wake_at)
FROM lane AS l LEFT JOIN entry AS e ON e.kind = l.kind AND e.key = l.key AND e.seq = l.head + 1
WHERE l.wake_at IS NOT NULL AND l.hold IS NULL GROUP BY l.kind ORDER BY l.kind
"""
"""(kind, lanes, since when the oldest waits, when the first is due). A claim forgets when the wait began, and what is
tried again is due in the future: the entry knows."""

PAUSED = "SELECT kind, COUNT(*) FROM lane WHERE hold IS NOT NULL AND head < tail GROUP BY kind ORDER BY kind"

LATEST = "SELECT COALESCE(MAX(last_at), 0) FROM lane"
"""When the newest entry was accepted: a clock that shows less went back."""

DEAD_REASONS = """
SELECT kind, reason, COUNT(*), MAX(at), SUM(CASE WHEN at >= :since THEN 1 ELSE 0 END) FROM dead
GROUP BY kind, reason ORDER BY COUNT(*) DESC, kind, reason
"""
"""(kind, reason, how many, the newest, how many of them since `:since`)."""
