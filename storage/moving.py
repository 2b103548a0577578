"""All that an embedded database holds, copied into an empty PostgreSQL database, as one transaction over there.

Which tables and columns there are is asked of both databases, so a new step of the schema needs nothing here. A row is
the same on both sides but for letters PostgreSQL cannot keep (`letters.py`), and each table is compared by how many
rows it has and by the sum of their digests, read back from the transaction before its commit. So a move that ends in
any other way than `Moved` leaves nothing.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any

import asyncpg

from storage import lanes, postgres
from storage.lanes import Row
from storage.letters import storable
from storage.postgres import PATIENCE, PostgresStore
from storage.sqlite import SqliteStore
from storage.store import StoreError, Unavailable

VERSION = "schema_version"
"""The one table in which an empty database has rows."""
ROWS, BYTES = 1000, 4 * 1024 * 1024
"""One batch: so many rows or bytes of text, whichever comes first."""
LOCK_WAIT = 5000
"""Milliseconds for a gateway that looks at the target to let go of it."""
_SUM = 1 << 128

Tell = Callable[[str, int, int], None]
"""What is done, how much of it, of how much."""


class NotMoved(StoreError):
    """Nothing was moved, and nothing is in the target. The text says what to do."""


class Different(NotMoved):
    """What arrived is not what was sent, or the source is damaged."""


@dataclass(frozen=True, slots=True)
class Moved:
    rows: Mapping[str, int]
    """By table."""


@dataclass(slots=True)
class Tally:
    """Of a table, in any order: how many rows, and the sum of their digests. A sum, unlike an exclusive or, tells two
    equal rows from none."""

    rows: int = 0
    sum: int = field(default=0, repr=False)

    def add(self, row: Row) -> None:
        self.rows += 1
        digest = blake2b(repr(tuple(row)).encode("utf-8", "surrogatepass"), digest_size=16).digest()
        self.sum = (self.sum + int.from_bytes(digest)) % _SUM


async def move(source: Path, url: str, tell: Tell = lambda what, done, of: None) -> Moved:
    """From the file at `source`, that nobody may have open, into the database at `url`.

    The file's schema is brought up to date and stays; nothing else in it changes but leases, which are over. Raises
    NotMoved, AlreadyOpen (the gateway runs), NewerDatabase and Unavailable.
    """
    async with AsyncExitStack() as stack:
        owner = SqliteStore(source)  # walks the steps, ends the leases, and keeps everybody else out until we are done
        await owner.open()
        stack.push_async_callback(owner.close)
        await _make_tables(url)
        file = stack.enter_context(closing(_reading(source)))
        target = await stack.enter_async_context(_writing(url))
        return await _move(file, target, tell)


async def _make_tables(url: str) -> None:
    """A database with tables of its own is not touched before it is known to be empty."""
    async with _closed(PostgresStore(url, size=1)) as store:
        version = await store.look()
    if version:
        await _refuse_rows(url)
        if version != max(lanes.steps()):
            raise NotMoved(
                f"the target was made by another recado (schema {version}): name an empty database, without tables"
            )
    async with _closed(PostgresStore(url, size=1)) as store:
        await store.open()


@asynccontextmanager
async def _closed(store: PostgresStore) -> AsyncIterator[PostgresStore]:
    try:
        yield store
    finally:
        await store.close()


async def _refuse_rows(url: str) -> None:
    async with _writing(url) as target:
        await _refuse_full(target, await _tables_there(target))


def _reading(source: Path) -> sqlite3.Connection:
    """One moment of the file. Raises Different when it is damaged."""
    address = f"{source.absolute().as_uri()}?mode=ro"
    db = sqlite3.connect(address, uri=True, isolation_level=None, check_same_thread=False)
    try:
        (said,) = db.execute("PRAGMA quick_check(1)").fetchone()
        if said != "ok":
            raise Different(f"{source} is damaged ({said}): put the last backup back and move that")
        db.execute("BEGIN")
    except sqlite3.DatabaseError as error:
        db.close()
        raise Different(f"{source} is damaged ({error}): put the last backup back and move that") from error
    except BaseException:
        db.close()
        raise
    return db


@asynccontextmanager
async def _writing(url: str) -> AsyncIterator[asyncpg.Connection]:
    """One transaction, which a death of ours ends as well."""
    address, pooled = postgres._address(url)
    kept: dict[str, Any] = {"statement_cache_size": 0} if pooled else {}
    with _explained():
        target = await asyncpg.connect(address, timeout=PATIENCE, **kept)
        try:
            async with target.transaction():
                await target.execute(
                    f"SET LOCAL lock_timeout = {LOCK_WAIT}; SET LOCAL statement_timeout = 0; "
                    "SET LOCAL idle_in_transaction_session_timeout = 0"
                )
                yield target
        finally:
            if not target.is_closed():
                await target.close(timeout=PATIENCE)


async def _move(file: sqlite3.Connection, target: asyncpg.Connection, tell: Tell) -> Moved:
    tables = _tables_here(file)
    there = await _tables_there(target)
    _refuse_other(tables, there)
    names = ", ".join(_quoted(table) for table in there)
    await target.execute(f"LOCK TABLE {names} IN EXCLUSIVE MODE")  # a gateway that starts there now has to wait
    await _refuse_full(target, there)
    counts = {table: int(file.execute(_select("COUNT(*)", table)).fetchone()[0]) for table in tables}
    progress = _Progress(tell, 2 * sum(counts.values()))
    for table, columns in tables.items():
        sent = await _copy(file, target, table, columns, progress)
        await _compare(target, table, columns, sent, counts[table], progress)
    for ended in (lanes.EXPIRE, *lanes.SET_BACK):  # the clock over there may be behind
        await target.execute(ended)
    await target.execute(f"ANALYZE {names}")
    return Moved(counts)


@dataclass(slots=True)
class _Progress:
    tell: Tell
    of: int
    done: int = 0

    def more(self, rows: int) -> None:
        self.done += rows
        self.tell("moving", self.done, self.of)


async def _copy(
    file: sqlite3.Connection, target: asyncpg.Connection, table: str, columns: Sequence[str], progress: _Progress
) -> Tally:
    """What was sent, as it is to arrive. Raises Different for what cannot be read here or kept there."""
    tally = Tally()
    try:
        cursor = file.execute(_select(_listed(columns), table))
        while rows := await asyncio.to_thread(_batch, cursor, tally):
            await target.copy_records_to_table(table, records=rows, columns=list(columns))
            progress.more(len(rows))
    except (sqlite3.Error, asyncpg.DataError, ValueError, OverflowError, TypeError) as error:
        raise Different(f"a row of the table {table} cannot be moved ({type(error).__name__}): report it") from error
    return tally


def _batch(cursor: sqlite3.Cursor, tally: Tally) -> list[Row]:
    rows: list[Row] = []
    size = 0
    while len(rows) < ROWS and size < BYTES and (row := cursor.fetchone()) is not None:
        kept = tuple(storable(value) for value in row)
        tally.add(kept)
        rows.append(kept)
        size += sum(len(value) for value in kept if isinstance(value, str | bytes))
    return rows


async def _compare(
    target: asyncpg.Connection, table: str, columns: Sequence[str], sent: Tally, counted: int, progress: _Progress
) -> None:
    """Raises Different."""
    arrived, before = Tally(), 0
    async for row in target.cursor(_select(_listed(columns), table), prefetch=ROWS // 4):
        arrived.add(row)
        if arrived.rows - before == ROWS:
            progress.more(ROWS)
            before = arrived.rows
    progress.more(arrived.rows - before)
    if arrived.rows != sent.rows or sent.rows != counted:
        raise Different(f"of {counted} rows of the table {table}, {sent.rows} were sent and {arrived.rows} arrived")
    if arrived.sum != sent.sum:
        raise Different(f"rows of the table {table} are not the same over there: see whether a trigger changes them")


# -- what there is -------------------------------------------------------------------------------------


def _tables_here(file: sqlite3.Connection) -> dict[str, list[str]]:
    """Columns by table."""
    named = "SELECT name FROM sqlite_master WHERE type = 'table' AND substr(name, 1, 7) <> 'sqlite_' ORDER BY name"
    columns = "SELECT name FROM pragma_table_info(?) ORDER BY cid"
    return {
        table: [column for (column,) in file.execute(columns, (table,))]
        for (table,) in file.execute(named).fetchall()
        if table != VERSION
    }


async def _tables_there(target: asyncpg.Connection) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for table, column in await target.fetch(
        "SELECT t.table_name, c.column_name FROM information_schema.tables AS t JOIN information_schema.columns AS c "
        "ON c.table_schema = t.table_schema AND c.table_name = t.table_name "
        "WHERE t.table_schema = current_schema() AND t.table_type = 'BASE TABLE' ORDER BY t.table_name, "
        "c.ordinal_position"
    ):
        if table != VERSION:
            found.setdefault(table, []).append(column)
    return found


def _refuse_other(here: Mapping[str, Iterable[str]], there: Mapping[str, Iterable[str]]) -> None:
    for table, columns in here.items():
        if set(columns) != set(there.get(table, ())):
            raise NotMoved(
                f"the table {table} is another one in the target: give recado a database, or a schema, of its own"
            )


async def _refuse_full(target: asyncpg.Connection, there: Iterable[str]) -> None:
    for table in there:
        if await target.fetchrow(_select("1", table) + " LIMIT 1") is not None:
            raise NotMoved(
                f"the target is not empty: its table {table} has rows. Name an empty database; what was moved before "
                "is there already, and is not moved a second time"
            )


def _select(what: str, table: str) -> str:
    return f"SELECT {what} FROM {_quoted(table)}"  # noqa: S608 - a name of the database's own


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _listed(columns: Iterable[str]) -> str:
    return ", ".join(_quoted(column) for column in columns)


class _explained(postgres._explained):
    """What speaks of the request is no trouble of the database, but nobody may see its values either."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        super().__exit__(kind, error, trace)
        if isinstance(error, asyncpg.PostgresError):
            state = str(getattr(error, "sqlstate", "") or "")
            raise Unavailable(f"the target refused it: {type(error).__name__} ({state})") from None
