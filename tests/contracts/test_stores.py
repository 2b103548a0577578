"""The stores that keep the promises of store_suite.py."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from storage.postgres import PostgresStore
from storage.sqlite import SqliteStore
from storage.store import Store
from tests.contracts.store_suite import Lab, StoreSuite
from tests.postgres import Aside, Server

START = 1_800_000_000_000


class SqliteLab:
    """One file, one clock that only moves when told, any number of processes one after another."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.time = START
        self.store = self._build()

    def _build(self) -> SqliteStore:
        return SqliteStore(self.path, clock=lambda: self.time, busy_ms=50)

    def pass_time(self, ms: int) -> None:
        self.time += ms

    async def restart(self) -> Store:
        await self.store.close()
        self.store = self._build()
        await self.store.open()
        return self.store


class TestSqlite(StoreSuite):
    @pytest.fixture
    async def lab(self, tmp_path: Path) -> AsyncIterator[Lab]:
        lab = SqliteLab(tmp_path / "recado.db")
        await lab.store.open()
        yield lab
        await lab.store.close()


CLOCK = f"""
CREATE TABLE IF NOT EXISTS lab (ms BIGINT NOT NULL);
INSERT INTO lab VALUES ({START});
CREATE OR REPLACE FUNCTION now_ms() RETURNS BIGINT LANGUAGE sql STABLE AS $$ SELECT ms FROM lab $$
"""  # noqa: S608


class PostgresLab:
    """One database, one clock that only moves when told."""

    def __init__(self, url: str, aside: Aside) -> None:
        self._url, self._aside = url, aside
        self.store: PostgresStore = self._build()

    def _build(self) -> PostgresStore:
        return PostgresStore(self._url, size=4, clock=CLOCK)

    def pass_time(self, ms: int) -> None:
        self._aside.execute(self._url, f"UPDATE lab SET ms = ms + {ms}")  # noqa: S608

    async def restart(self) -> Store:
        await self.store.close()
        self.store = self._build()
        await self.store.open()
        return self.store


@pytest.fixture(scope="module")
def template(postgres: Server, aside: Aside) -> Iterator[str]:
    """A database with the schema and the clock in it."""
    name = postgres.database()
    aside.run(_made(postgres.url(name)))
    yield name
    postgres.drop(name)


class TestPostgres(StoreSuite):
    @pytest.fixture
    async def lab(self, postgres: Server, template: str, aside: Aside) -> AsyncIterator[Lab]:
        name = postgres.database(template)
        lab = PostgresLab(postgres.url(name), aside)
        await lab.store.open()
        yield lab
        await lab.store.close()
        aside.forget(postgres.url(name))
        postgres.drop(name)


async def _made(url: str) -> None:
    store = PostgresStore(url, clock=CLOCK)
    await store.open()
    await store.close()
