"""The stores that keep the promises of store_suite.py."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from storage.lanes import LONGEST_LEASE, SET_BACK, Values
from storage.postgres import PostgresStore
from storage.sqlite import SqliteStore
from storage.store import Store, Unavailable
from tests.contracts.store_suite import IN, LEASE, Lab, StoreSuite, message, who
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

    @pytest.mark.parametrize("by", [2_000, 20_000, 50_000, 3_600_000])
    async def test_a_clock_set_back_beneath_a_fleet_ends_nobodys_lease(
        self, lab: PostgresLab, by: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Each process sees it by itself, and who is at work may have renewed what is leased before that."""
        for name in ("CLOCK_LOOK", "SWEEP"):
            monkeypatch.setattr(f"storage.postgres.{name}", 0.0)
        async with AsyncExitStack() as stack:
            fleet = [lab.store, lab._build(), lab._build()]
            for store in fleet[1:]:
                await store.open()
                stack.push_async_callback(store.close)
            for name in ("ana", "bia"):
                await lab.store.accept(who(name), replace(message("1"), key=who(name).id))
            lab.pass_time(1)
            _, renewed = await lab.store.claim(IN, 10, LEASE, "me")
            assert [await store.claim(IN, 10, LEASE, "you") for store in fleet] == [[], [], []]
            lab.pass_time(-by)
            await lab.store.renew(renewed, LEASE)
            for passed in (0, LEASE - 1):
                lab.pass_time(passed)
                assert [await store.claim(IN, 10, LEASE, "you") for store in fleet] == [[], [], []]
            lab.pass_time(LONGEST_LEASE)
            assert len(await fleet[1].claim(IN, 10, LEASE, "you")) == 2

    async def test_what_could_not_be_put_right_after_a_clock_was_set_back_is_at_the_next_look(
        self, lab: PostgresLab, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("storage.postgres.CLOCK_LOOK", 0.0)
        ask, trouble = lab.store._all, [Unavailable("the server starts again")]

        async def asking(sql: str, values: Values) -> Any:
            if sql in SET_BACK and trouble:
                raise trouble.pop()
            return await ask(sql, values)

        await lab.store.accept(who(), message("1", window=100, max_wait=100))
        assert await lab.store.claim(IN, 10, LEASE, "me") == []
        monkeypatch.setattr(lab.store, "_all", asking)
        lab.pass_time(-3_600_000)
        with pytest.raises(Unavailable):
            await lab.store.claim(IN, 10, LEASE, "me")
        await lab.store.claim(IN, 10, LEASE, "me")
        lab.pass_time(101)
        assert len(await lab.store.claim(IN, 10, LEASE, "me")) == 1


async def _made(url: str) -> None:
    store = PostgresStore(url, clock=CLOCK)
    await store.open()
    await store.close()
