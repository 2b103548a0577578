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
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar, cast

import aiosqlite

from storage import lanes
from storage.folding import LONGEST, Folding
from storage.lanes import SQLITE, Row, Values
from storage.ledger import Bells, Ledger, Rang
from storage.model import (
    Claim,
    Kind,
    Spent,
    Unread,
    Work,
)
from storage.procedures import ALONE, Procedure
from storage.store import AlreadyOpen, NewerDatabase, StoreError, Unavailable
from storage.writer import SteadyClock, Writer, unavailable

T = TypeVar("T")

READERS = 2
LONGEST_REST = 5.0
"""Seconds: the net under the bells."""


def wall_ms() -> int:
    return time.time_ns() // 1_000_000


class SqliteStore(Ledger):
    """`storage.store.Store` on the file at `path`.

    clock: returns milliseconds since the Unix epoch; may be called from two threads. synchronous: FULL
    survives a power cut; NORMAL and OFF are for tests and measurements. busy_ms: how long to wait for a
    foreign lock on the file before `Unavailable`. rang: see `Ledger`. steps: the schema, for tests;
    `lanes.steps()` otherwise.
    """

    alone = True
    _familiar_most = 10_000

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
        super().__init__(rang)
        self.path = Path(path).absolute()
        self._clock = SteadyClock(clock)
        self._synchronous = synchronous
        self._busy_ms = busy_ms
        self._steps = lanes.steps() if steps is None else steps
        self._lock = FileLock(self.path.with_name(self.path.name + ".lock"))
        self._writer: Writer | None = None
        self._folding: Folding | None = None
        self._readers: list[aiosqlite.Connection] = []
        self._reads = itertools.count()
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
        self._writer = Writer(self._connect, self._clock, self._wrote)
        await self._writer.start()
        self._folding = Folding(self._beside)
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
        if self._folding is not None:
            await asyncio.to_thread(self._folding.stop)
            self._folding = None
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

    def _beside(self) -> sqlite3.Connection:
        db = sqlite3.connect(self.path, isolation_level=None, timeout=self._busy_ms / 1000)
        db.execute(f"PRAGMA synchronous={self._synchronous}")
        return db

    def _wrote(self, requests: int) -> None:
        """On the writer's thread, after a commit."""
        if self._folding is not None:
            self._folding.wrote(requests)

    def _transaction_time(self) -> int:
        return self._writer.now if self._writer is not None and self._writer.now else self._clock()

    # -- asking the writer and the readers -----------------------------------------------------------

    async def _write(self, procedure: Procedure[T], bells: Callable[[T], Bells] | None = None) -> T:
        rings = None if bells is None else lambda result: self._ring(bells(result))
        return await self._writing.ask(lambda: self._carry_out(procedure), rings)

    def _carry_out(self, procedure: Procedure[T]) -> T:
        """On the writer's thread."""
        row: Row | None = None
        execute = self._writing.db.execute
        while True:
            try:
                sql, values = procedure.send(row)
            except StopIteration as end:
                return cast("T", end.value)
            row = None if sql is ALONE else execute(sql, values).fetchone()

    async def _all(self, sql: str, values: Values) -> Sequence[Row]:
        return await self._writing.ask(lambda: self._writing.db.execute(sql, values).fetchall())

    @property
    def _writing(self) -> Writer:
        if self._writer is None:
            raise Unavailable("the store is closed")
        return self._writer

    async def _read(self, sql: str, values: Values) -> Sequence[Row]:
        if not self._readers:
            raise Unavailable("the store is closed")
        try:
            reader = self._readers[next(self._reads) % len(self._readers)]
            return list(await reader.execute_fetchall(sql, dict(values)))
        except sqlite3.Error as error:
            raise unavailable(error) from error

    async def load(self, claim: Claim) -> Work:
        return await self._writing.ask(lambda: self._loaded(claim))

    def _loaded(self, claim: Claim) -> Work:
        """On the writer's thread."""
        execute, id = self._writing.db.execute, {"id": claim.key}
        talk = execute(lanes.CONVERSATION, id).fetchone()
        facts: dict[str, int] = dict(execute(lanes.FACTS, id).fetchall())
        entries = [self._entry(row) for row in execute(lanes.LOAD, lanes.load_values(claim)).fetchall()]
        return Work(entries, lanes.conversation_of(talk) if talk else None, facts)

    async def now(self) -> int:
        return self._clock()

    async def rest(self, kind: Kind) -> float:
        wake = await self.next_wake(kind)
        return LONGEST_REST if wake is None else min(LONGEST_REST, max(0.0, (wake - self._clock()) / 1000))

    # -- what it cost ------------------------------------------------------------------------------------

    @property
    def commits(self) -> int:
        """Transactions since open; `requests` over `commits` is the size of a group."""
        return self._writer.commits if self._writer else 0

    @property
    def requests(self) -> int:
        return self._writer.requests if self._writer else 0


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


async def sealed_in(path: str | Path, name: str) -> bytes | None:
    """`Store.sealed`, likewise."""
    rows = await _rows_in(path, "sealed", lanes.SEALED, {"name": name})
    return bytes(rows[0][0]) if rows else None


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
    db.execute(f"PRAGMA wal_autocheckpoint={LONGEST:d}")
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
    for sql in (lanes.EXPIRE, *lanes.SET_BACK):
        db.execute(sql)
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
