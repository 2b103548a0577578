"""What every message and every turn needs, as functions of PostgreSQL, made of the statements of `lanes.py`.

They tell what `procedures.accept` and `procedures.settle` tell, so that posting and settling are one round trip and one
commit; the contract suite holds both to the same words. Their names end with a digest of their text: two versions of
recado beside each other during an update each have their own.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from functools import cache
from textwrap import indent
from typing import Any

import asyncpg

from storage import lanes, procedures
from storage.lanes import Values
from storage.letters import plain
from storage.model import Claim, Conversation, Kind, MediaId, Post, Settlement
from storage.procedures import lock_of

NAME = re.compile(r"(?<![:\w]):([a-z_][a-z0-9_]*)")

# Everything else is text.
NUMBERS = {
    "kind", "seq", "at", "window", "max_wait", "epoch", "tail", "head", "folds", "max_folds", "upto", "pause",
    "hold_at", "created_at", "grouped", "started_at", "ended_at",
}  # fmt: skip


@cache
def numbered(sql: str) -> tuple[str, tuple[str, ...]]:
    """`:name` becomes `$n`; the names in that order."""
    names = tuple(dict.fromkeys(NAME.findall(sql)))
    places = {name: f"${n}" for n, name in enumerate(names, 1)}
    return lanes.POSTGRES.says(NAME.sub(lambda found: places[found[1]], sql)), names


def _taken(sql: str, source: str, **local: str) -> str:
    """`:name` becomes a value of the JSON object `source`, or one of the function's own variables."""

    return NAME.sub(lambda found: local.get(found[1]) or _field(source, found[1]), sql).strip()


def _field(source: str, name: str) -> str:
    return f"CAST({source} ->> '{name}' AS {_type(name)})"


def _type(name: str) -> str:
    return "BIGINT" if name in NUMBERS else "TEXT"


def _variables(*names: str, source: str) -> str:
    """Declarations of what `_own` reads."""
    return "\n".join(f"  _{name} {_type(name)} := {_field(source, name)};" for name in names)


def _own(sql: str) -> str:
    """`:name` becomes the function's own variable `_name`."""
    return NAME.sub(lambda found: f"_{found[1]}", sql).strip()


FACTS = {
    "end_turn": lanes.END_TURN,
    "pass_on": lanes.PASS_ON,
    "begin_fact": lanes.BEGIN_FACT,
    "end_fact": lanes.END_FACT,
    "readdress": lanes.READDRESS,
    "follow": lanes.FOLLOW,
    "place": lanes.PLACE,
    "know": lanes.KNOW,
    "arm": lanes.ARM,
    "bury": lanes.BURY,
    "open_media": lanes.OPEN_MEDIA,
}
"""What a settlement writes without a look before it, by the name it goes by in a call."""
CALLED = {sql: name for name, sql in FACTS.items()}

# An entry at the end of a lane, as `procedures.append` tells it. Each value is taken out of its JSON once.
_APPENDED = f"""
DECLARE
{_variables("kind", "key", "dedup", "window", "max_wait", "digest", "body", source="<post>")}
  _theirs TEXT; _at BIGINT;
BEGIN
  {_own(lanes.SEEN)} INTO _seq, _theirs;
  IF FOUND THEN
    _verdict := CASE WHEN _theirs = _digest THEN 'duplicate' ELSE 'conflict' END;
  ELSE
    {_own(lanes.BUMP)} INTO _seq, _at;
    {_own(lanes.APPEND)};
    _verdict := 'new';
  END IF;
END;
"""

# What MEET changes nothing of: it would lock the row for that, and a lock is written to the log.
_MET = """
SELECT 1 FROM conversation AS c
WHERE c.id = :id AND (:name = '' OR c.name = :name) AND (:address = '' OR c.address = :address)
"""

_ACCEPT = f"""
CREATE OR REPLACE FUNCTION <accept>(_call JSONB) RETURNS TEXT LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  _before RECORD; _verdict TEXT; _seq BIGINT; _one TEXT; _meet JSONB := _call -> 'meet'; _know JSONB := _call -> 'know';
BEGIN
  PERFORM pg_advisory_xact_lock(CAST(_call ->> 'lock' AS BIGINT));
  IF _know IS NOT NULL THEN
    {_taken(lanes.KNOWN, "_know")} INTO _before;
    IF FOUND AND _before.conversation <> _meet ->> 'id' THEN
      RETURN 'duplicate ' || _before.seq;
    END IF;
  END IF;
{indent(_APPENDED.replace("<post>", "(_call -> 'post')"), "  ")}
  IF _verdict = 'new' THEN
    IF NOT EXISTS ({_taken(_MET, "_meet")}) THEN
      {_taken(lanes.MEET, "_meet")};
    END IF;
    FOR _one IN SELECT jsonb_array_elements_text(_call -> 'media') LOOP
      {_taken(lanes.OPEN_MEDIA, "", media="_one", conversation="(_meet ->> 'id')")};
    END LOOP;
    IF _know IS NOT NULL THEN
      {_taken(lanes.KNOW, "_know", seq="_seq")};
    END IF;
  END IF;
  RETURN _verdict || ' ' || _seq;
END $$;
"""

_BRANCHES = "\n".join(f"WHEN '{name}' THEN\n{indent(_taken(sql, '_one'), '  ')};" for name, sql in FACTS.items())

_SETTLE = f"""
CREATE OR REPLACE FUNCTION <settle>(_call JSONB) RETURNS TEXT LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  _tail BIGINT; _folds BIGINT; _epoch BIGINT; _custody TEXT; _one JSONB; _claim JSONB := _call -> 'claim';
  _verdict TEXT; _seq BIGINT;
BEGIN
  PERFORM pg_advisory_xact_lock(CAST(_call ->> 'lock' AS BIGINT));
  {_taken(lanes.HELD_MINE, "_claim")} INTO _tail, _folds;
  IF NOT FOUND THEN RETURN 'fenced'; END IF;
  IF _call ->> 'before' IS NOT NULL THEN
    {_taken(lanes.CUSTODY, "", id="(_claim ->> 'key')")} INTO _custody;
    IF COALESCE(_custody, '') <> _call ->> 'before' THEN RETURN 'moved'; END IF;
  END IF;
  {_taken(lanes.FOLD, "_claim")} INTO _epoch;
  IF FOUND THEN RETURN 'folded'; END IF;
  {_taken(lanes.SETTLE, "_claim")} INTO _epoch;
  IF NOT FOUND THEN RETURN 'fenced'; END IF;
  FOR _one IN SELECT jsonb_array_elements(_call -> 'posts') LOOP
{indent(_APPENDED.replace("<post>", "_one"), "    ")}
  END LOOP;
  FOR _one IN SELECT jsonb_array_elements(_call -> 'receipts') LOOP
    IF NOT EXISTS ({_taken(lanes.RECORDED, "_one")}) THEN
      {_taken(lanes.RECORD, "_one")};
    END IF;
    IF _one ->> 'provider_id' <> '' THEN
      {_taken(lanes.KNOW_DELIVERY, "_one")};
    END IF;
  END LOOP;
  FOR _one IN SELECT jsonb_array_elements(_call -> 'facts') LOOP
    CASE _one ->> 'write'
{indent(_BRANCHES, "    ")}
    END CASE;
  END LOOP;
  RETURN 'done';
END $$;
"""


class Functions:
    """Their text and their names, as this version of recado has them."""

    def __init__(self) -> None:
        whole = _ACCEPT + _SETTLE
        digest = hashlib.blake2b(whole.encode(), digest_size=4).hexdigest()
        self._names = {name: f"recado_{name}_{digest}" for name in ("accept", "settle")}
        for name, full in self._names.items():
            whole = whole.replace(f"<{name}>", full)
        self.text = whole

    def call(self, name: str) -> str:
        """A statement that takes a JSON array of calls and answers a row for each, in their order."""
        return f"SELECT {self._names[name]}(value) FROM jsonb_array_elements(CAST($1 AS JSONB))"  # noqa: S608 - ours

    async def create(self, connection: asyncpg.Connection) -> None:
        """Unless they are there: who may not make any can still start."""
        if await connection.fetchval("SELECT to_regproc($1)", self._names["settle"]) is None:
            await connection.execute(self.text)


# -- calls -----------------------------------------------------------------------------------------


def accepting(conversation: Conversation, post: Post, media: Sequence[MediaId]) -> Values:
    know = {"channel": conversation.channel, "id": post.dedup, "conversation": post.key, "kind": int(Kind.IN)}
    return {
        "lock": lock_of(conversation.id),
        "post": posting(Kind.IN, post),
        "meet": lanes.conversation_values(conversation),
        "media": list(media),
        **({"know": {**know, "dedup": post.dedup}} if post.once else {}),
    }


def posting(kind: Kind, post: Post) -> Values:
    return {**lanes.lane_values(kind, post), "digest": post.digest, "body": post.body}


def settling(claim: Claim, settlement: Settlement) -> Values:
    paces = {"upto": settlement.upto, "pause": max(0, settlement.pause)}
    posts = [(Kind.OUT, post) for post in settlement.posts] + [(Kind.DESK, post) for post in settlement.desk]
    return {
        "lock": lock_of(claim.key),
        "claim": {**procedures.fold_values(claim, settlement.max_folds), **paces},
        "before": settlement.passing and plain(settlement.passing.before),  # it was read as it is stored
        "posts": [posting(kind, post) for kind, post in posts],
        "receipts": [lanes.receipt_values(receipt) for receipt in settlement.receipts],
        "facts": [{**values, "write": CALLED[sql]} for sql, values in _steps(claim, settlement)],
    }


def _steps(claim: Claim, settlement: Settlement) -> Sequence[tuple[str, Mapping[str, Any]]]:
    return list(procedures.facts_of(claim.key, settlement))
