"""PostgreSQL: what has waited for long is claimed as fast as what came now, and bills of one queue share a line."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from storage.model import Kind, Spent, conversation_id
from storage.postgres import NEAR, PostgresStore
from tests.postgres import Server

LEASE = 30_000


@pytest.fixture
async def url(postgres: Server) -> AsyncIterator[str]:
    name = postgres.database()
    yield postgres.url(name)
    postgres.drop(name)


@pytest.fixture
async def store(url: str) -> AsyncIterator[PostgresStore]:
    store = PostgresStore(url)
    await store.open()
    yield store
    await store.close()


async def due(url: str, lanes: int, ago: int) -> None:
    """So many lanes, due for `ago` milliseconds."""
    connection = await asyncpg.connect(url)
    rows = [(0, conversation_id("api", f"k-{n}"), 1) for n in range(lanes)]
    await connection.copy_records_to_table("lane", records=rows, columns=["kind", "key", "tail"])
    await connection.execute(f"UPDATE lane SET wake_at = now_ms() - {ago:d}")  # noqa: S608 - a number of ours
    await connection.close()


async def claimed(store: PostgresStore) -> int:
    return len(await store.claim(Kind.IN, 50, LEASE, "owner"))


async def test_a_backlog_is_claimed_without_a_pause(url: str, store: PostgresStore) -> None:
    await due(url, 120, NEAR * 10)
    assert [await claimed(store) for _ in range(3)] == [50, 50, 20]


async def test_nothing_more_is_looked_for_behind_the_last_of_it(url: str, store: PostgresStore) -> None:
    assert await claimed(store) == 0
    await due(url, 1, NEAR * 10)
    assert await claimed(store) == 0


async def test_bills_that_wait_for_each_other_share_a_line(store: PostgresStore) -> None:
    asked = store.statements
    day, other = "2026-11-21", "2026-11-22"
    await asyncio.gather(*(store.spend("vendas", day if n % 2 else other, tokens=n, seconds=0.5) for n in range(20)))
    assert store.statements - asked <= 2
    assert await store.spent("vendas", day) == Spent(seconds=10.0, tokens=190)
    assert await store.spent("vendas", other) == Spent(seconds=5.0, tokens=90)
