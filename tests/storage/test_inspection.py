"""The questions of an inspection are the same on both engines, and so are their answers."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any, Protocol

import pytest

from storage import again, inspection, lanes
from storage.functions import numbered
from storage.model import ConversationId, GivenUp, Kind
from storage.postgres import PostgresStore
from tests.postgres import Aside, Server

NOW = 1_800_000_000_000
BROKEN = f"""
INSERT INTO lane (kind, key, tail, head, last_at) VALUES (0, 'c_i1', 1, 3, {NOW + 5});
INSERT INTO lane (kind, key, tail, head) VALUES (1, 'c_i2', 2, 1);
INSERT INTO lane (kind, key, tail, head, wake_at, busy, tries) VALUES (0, 'c_i6', 2, 1, {NOW - 90_000}, 1, 9);
INSERT INTO lane (kind, key, tail, head, wake_at, first_at) VALUES (0, 'c_i7', 1, 0, {NOW + 50_000}, {NOW});
INSERT INTO lane (kind, key, tail, head, hold) VALUES (0, 'c_held', 1, 0, 'why');
INSERT INTO entry (kind, key, seq, dedup, digest, body, at) VALUES
  (0, 'c_i6', 1, 'a', '', 'x', 1), (0, 'c_i6', 2, 'b', '', 'x', 1), (1, 'c_i2', 3, 'late', '', 'x', 1),
  (0, 'c_none', 1, 'c', '', 'x', 1);
INSERT INTO conversation (id, channel, contact, name, queue, created_at) VALUES ('c_i6', 'site', 'i6', '', 'q', 1);
INSERT INTO provider_id (channel, id, conversation, kind, seq, dedup) VALUES
  ('site', 'a', 'c_other', 0, 0, 'a'), ('site', 'lost', 'c_i6', 0, 9, 'lost');
INSERT INTO dead (conversation, kind, seq, reason, at) VALUES
  ('c_i6', 0, 1, 'why', 7), ('c_i6', 0, 2, 'why', 9), ('c_gone', 1, 4, 'other', 9), ('c_gone', 2, 4, 'other', 9);
"""  # noqa: S608 - our own numbers
VALUES: Mapping[str, Any] = {
    "now": NOW,
    "longest": 20_000,
    "many": 5,
    "overdue": NOW - 60_000,
    "tries": 4,
    "since": 8,
}


class Engine(Protocol):
    def ask(self, sql: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]: ...


class Sqlite:
    def __init__(self) -> None:
        self.db = sqlite3.connect(":memory:")
        self.db.create_function("now_ms", 0, lambda: NOW)
        for step in lanes.steps().values():
            self.db.executescript(lanes.SQLITE.says(step))
        self.db.executescript(BROKEN)

    def ask(self, sql: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        return self.db.execute(sql, values).fetchall()


class Postgres:
    def __init__(self, url: str, aside: Aside) -> None:
        self.url, self.aside = url, aside
        aside.run(self._make())
        aside.execute(url, BROKEN)

    async def _make(self) -> None:
        store = PostgresStore(self.url)
        await store.open()
        await store.close()

    def ask(self, sql: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        text, names = numbered(sql)
        return [tuple(row) for row in self.aside.fetch(self.url, text, *(values[name] for name in names))]


@pytest.fixture(params=["sqlite", "postgres"])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    if request.param == "sqlite":
        engine = Sqlite()
        with closing(engine.db):
            yield engine
        return
    server: Server = request.getfixturevalue("postgres")
    aside: Aside = request.getfixturevalue("aside")
    name = server.database()
    yield Postgres(server.url(name), aside)
    aside.forget(server.url(name))
    server.drop(name)


FOUND: Mapping[str, Sequence[tuple[Any, ...]]] = {
    "I1": [(0, "c_i1", 2)],
    "I2": [(1, "c_i2", 1)],
    "I5": [(0, "c_i6", 1), (0, "c_i6", 9), (0, "c_none", 1), (1, "c_i2", 3)],
    "I6": [(0, "c_i6", 1)],
    "I7": [(0, "c_i7", 50_000)],
}


def test_each_broken_promise_is_found_on_both_engines(engine: Engine) -> None:
    found = {one.name: engine.ask(one.broken, VALUES) for one in inspection.INVARIANTS}
    assert found == FOUND


def test_what_waits_and_what_was_given_up_on_both_engines(engine: Engine) -> None:
    assert engine.ask(inspection.STUCK, VALUES) == [(0, "c_i6", 9, 1, NOW - 90_000)]
    assert engine.ask(inspection.WAITING, VALUES) == [(0, 2, 1, NOW - 90_000)], "since the entry came"
    assert engine.ask(inspection.PAUSED, VALUES) == [(0, 1)]
    assert engine.ask(inspection.LATEST, VALUES) == [(NOW + 5,)]
    assert engine.ask(inspection.DEAD_REASONS, VALUES) == [
        (0, "why", 2, 9, 1),
        (1, "other", 1, 9, 1),
        (2, "other", 1, 9, 1),
    ]


def test_what_was_given_up_is_read_in_one_order_on_both_engines(engine: Engine) -> None:
    rows = engine.ask(again.DEAD, again.behind(None, 9))
    assert [(row[1], row[0], row[2]) for row in rows] == [
        ("c_gone", 1, 4),
        ("c_gone", 2, 4),
        ("c_i6", 0, 2),
        ("c_i6", 0, 1),
    ]
    last = GivenUp(Kind.OUT, ConversationId("c_gone"), 4, "other", 9, "")
    assert engine.ask(again.DEAD, again.behind(last, 9)) == rows[1:]
