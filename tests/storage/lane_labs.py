"""Where the random lives of lanes are lived: a store whose clock we set, whose process dies, whose tables we read."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import tempfile
from collections.abc import Coroutine, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

import asyncpg

from storage.functions import numbered
from storage.lanes import Values
from storage.postgres import PostgresStore
from storage.sqlite import SqliteStore
from storage.store import Store

T = TypeVar("T")
Rows = Sequence[tuple[Any, ...]]

LOOK = {
    "lane": "kind, key, tail, head, wake_at, due_at, first_at, retry_at, epoch, owner, tries, folds, busy, hold",
    "entry": "kind, key, seq, dedup, digest, body, at",
    "turn": "conversation, epoch",
}
"""What an invariant is about, by table."""


class Lab(Protocol):
    @property
    def store(self) -> Store: ...

    leases_end_with_their_owner: bool
    """When its process starts again, as where only one can have the database."""

    def begin(self, time: int) -> None:
        """An empty, open store at that time, in milliseconds."""
        ...

    def run(self, asked: Coroutine[Any, Any, T]) -> T: ...

    def set_clock(self, time: int) -> None: ...

    def write(self, sql: str, values: Values) -> None:
        """Behind the store's back."""
        ...

    def look(self) -> tuple[Rows, Rows, Rows]:
        """Lanes, entries and turns, as `LOOK` asks for them."""
        ...

    def crash(self) -> None:
        """The store's process ends in the middle and starts again."""
        ...

    def end(self) -> None: ...


class FileLab:
    """SQLite: a file and an event loop for each life."""

    leases_end_with_their_owner = True

    def begin(self, time: int) -> None:
        self._time = time
        self._loop = asyncio.new_event_loop()
        self._folder = Path(tempfile.mkdtemp(prefix="lanes"))
        self.store = self._opened()
        self._db = sqlite3.connect(self._folder / "x.db", isolation_level=None)
        self._db.create_function("now_ms", 0, lambda: self._time)

    def _opened(self) -> SqliteStore:
        store = SqliteStore(self._folder / "x.db", clock=lambda: self._time, synchronous="OFF")
        self.run(store.open())
        return store

    def run(self, asked: Coroutine[Any, Any, T]) -> T:
        return self._loop.run_until_complete(asked)

    def set_clock(self, time: int) -> None:
        self._time = time

    def write(self, sql: str, values: Values) -> None:
        self._db.execute(sql, values).fetchall()

    def look(self) -> tuple[Rows, Rows, Rows]:
        lanes, entries, turns = (self._db.execute(f"SELECT {cs} FROM {t}").fetchall() for t, cs in LOOK.items())  # noqa: S608
        return lanes, entries, turns

    def crash(self) -> None:
        self.run(self.store.close())
        self.store = self._opened()

    def end(self) -> None:
        self._db.close()
        self.run(self.store.close())
        self.run(self._loop.shutdown_default_executor())
        self._loop.close()
        shutil.rmtree(self._folder)


CLOCK = """
CREATE TABLE lab (ms BIGINT NOT NULL);
INSERT INTO lab VALUES (0);
CREATE FUNCTION now_ms() RETURNS BIGINT LANGUAGE sql STABLE AS $$ SELECT ms FROM lab $$
"""
TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename NOT IN ('schema_version', 'lab')"


class ServerLab:
    """PostgreSQL: one database and one event loop for all lives; the tables are emptied between them."""

    leases_end_with_their_owner = False

    def __init__(self, url: str) -> None:
        self._url = url

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self.store = self._opened()
        self._db: asyncpg.Connection = self.run(asyncpg.connect(self._url))
        self._clear = "".join(f"DELETE FROM {row[0]};" for row in self.run(self._db.fetch(TABLES)))  # noqa: S608
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.run(self._db.close())
        self.run(self.store.close())
        self._loop.close()

    def _opened(self) -> PostgresStore:
        store = PostgresStore(self._url, size=2, clock=CLOCK)
        self.run(store.open())
        return store

    def begin(self, time: int) -> None:
        self.run(self._db.execute(self._clear))
        self.set_clock(time)

    def run(self, asked: Coroutine[Any, Any, T]) -> T:
        return self._loop.run_until_complete(asked)

    def set_clock(self, time: int) -> None:
        self.run(self._db.execute("UPDATE lab SET ms = $1", time))

    def write(self, sql: str, values: Values) -> None:
        text, names = numbered(sql)
        self.run(self._db.fetch(text, *(values[name] for name in names)))

    def look(self) -> tuple[Rows, Rows, Rows]:
        at_once = ", ".join(f"ARRAY(SELECT ({columns}) FROM {table})" for table, columns in LOOK.items())  # noqa: S608
        lanes, entries, turns = self.run(self._db.fetchrow(f"SELECT {at_once}"))
        return _tuples(lanes), _tuples(entries), _tuples(turns)

    def crash(self) -> None:
        """Its connections are cut, as when the process is killed."""
        pool = self.store._pool
        assert pool is not None
        pool.terminate()
        self.store = self._opened()

    def end(self) -> None:
        return None


def _tuples(records: Sequence[asyncpg.Record]) -> Rows:
    return [tuple(record) for record in records]
