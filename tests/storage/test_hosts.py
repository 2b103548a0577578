"""Several servers under one address: one that went silent costs its share of the time, one that cannot be written is
left. How a fleet lives through the death of its server is told in tests/story/test_chaos.py."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from storage.hosts import Hosts, one_by_one
from storage.model import Conversation, Post, Verdict, conversation_id
from storage.postgres import PostgresStore, _address
from storage.store import Unavailable
from tests.postgres import Server

ANA = Conversation(conversation_id("site", "ana"), "site", "ana", "Ana", "front")


@pytest.fixture
def url(postgres: Server) -> Iterator[str]:
    name = postgres.database()
    yield postgres.url(name)
    postgres.drop(name)


@pytest.mark.parametrize(
    ("url", "each"),
    [
        ("postgresql://me:a,b@one/name", ["postgresql://me:a,b@one/name"]),
        ("postgresql:///name", ["postgresql:///name"]),
        ("postgresql://me@[::1", ["postgresql://me@[::1"]),
        (
            "postgresql://me:a,b@one:1,two/name?sslmode=require",
            ["postgresql://me:a,b@one:1/name?sslmode=require", "postgresql://me:a,b@two/name?sslmode=require"],
        ),
        (
            "postgresql:///name?host=/one,two&port=1,2",
            ["postgresql:/name?host=%2Fone&port=1", "postgresql:/name?host=two&port=2"],
        ),
        (
            "postgresql:///name?host=one,two&port=1",
            ["postgresql:/name?host=one&port=1", "postgresql:/name?host=two&port=1"],
        ),
        (
            "postgresql://me@one,two/name?port=1,2",
            ["postgresql://me@one/name?port=1", "postgresql://me@two/name?port=2"],
        ),
        ("postgresql:///name?host=one,two&port=1,2,3", ["postgresql:///name?host=one,two&port=1,2,3"]),
        ("postgresql:///name?host=one,two", ["postgresql:/name?host=one", "postgresql:/name?host=two"]),
    ],
)
def test_the_servers_of_an_address(url: str, each: list[str]) -> None:
    assert one_by_one(url) == each


@pytest.mark.parametrize(
    ("url", "meant"),
    [
        ("postgresql://one,two/name", "read-write"),
        ("postgresql://one,two/name?target_session_attrs=any", "any"),
        ("postgresql://one,two/name?pgbouncer=true", ""),
        ("postgresql://one/name", ""),
    ],
)
def test_of_several_servers_the_one_that_can_be_written_is_meant(url: str, meant: str) -> None:
    assert _address(url)[0].partition("target_session_attrs=")[2] == meant


class Silent:
    """A server that lets everybody in and never says a word."""

    def __init__(self) -> None:
        self.asked = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked += 1
        await reader.read()
        await reader.read()
        writer.close()


@pytest.fixture
async def silent(tmp_path: Path) -> AsyncIterator[Silent]:
    there = Silent()
    async with await asyncio.start_unix_server(there.serve, str(tmp_path / ".s.PGSQL.5432")):
        yield there


async def test_a_server_that_went_silent_leaves_time_for_the_next_and_is_not_asked_first_again(
    url: str, silent: Silent, tmp_path: Path
) -> None:
    hosts = Hosts(url.replace("host=", f"host={tmp_path},"), lambda error: isinstance(error, TimeoutError))
    async with asyncio.timeout(4):
        first = await hosts.connect("", timeout=4)
    second = await hosts.connect("", timeout=4)
    assert silent.asked == 1
    await first.close()
    await second.close()


async def test_when_no_server_answers_the_last_one_says_why(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"cannot be reached"):
        await PostgresStore(f"postgresql://me@/name?host={tmp_path}/one,{tmp_path}/two").open()


@pytest.mark.parametrize("pooled", ["", "&pgbouncer=true"])
async def test_a_server_that_cannot_be_written_any_more_is_left(url: str, pooled: str) -> None:
    store = PostgresStore(url + pooled, size=1)
    await store.open()
    await store._open.execute("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY")
    with pytest.raises(Unavailable, match="25006"):
        await store.accept(ANA, Post(ANA.id, "0", "{}"))
    assert (await store.accept(ANA, Post(ANA.id, "0", "{}"))).verdict is Verdict.NEW
    await store.close()
