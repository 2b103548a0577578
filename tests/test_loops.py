"""What a loop does with its claims, on a store of its own."""

from __future__ import annotations

import asyncio
from pathlib import Path

from gateway.loops import Loop
from gateway.telemetry import Telemetry
from storage.model import Claim, Conversation, Kind, Post, Settlement, conversation_id
from storage.sqlite import SqliteStore

WHO = Conversation(conversation_id("site", "ana"), "site", "ana", "", "front")


async def test_work_that_may_not_be_thrown_away_says_nothing_about_the_next(tmp_path: Path) -> None:
    """It has settled and not gone yet when its lane is claimed again."""
    store = SqliteStore(tmp_path / "recado.db", rang=lambda kind, id: loop.ring(id))
    begun, gates = [asyncio.Event(), asyncio.Event()], [asyncio.Event(), asyncio.Event()]
    thrown_away = asyncio.Event()

    async def work(claim: Claim) -> None:
        n = claim.epoch - 1
        begun[n].set()
        if n == 0:
            loop.keep(claim.key)
            await store.settle(claim, Settlement(claim.tail))
        try:
            await gates[n].wait()
        except asyncio.CancelledError:
            thrown_away.set()
            raise

    loop = Loop(Kind.IN, work, store, Telemetry(), owner="me", folds=2)
    await store.open()
    try:
        loop.start()
        async with asyncio.timeout(20):
            for n in (0, 1):
                await store.accept(WHO, Post(WHO.id, f"m{n}", ""))
                await begun[n].wait()
            gates[0].set()
            begun[1:], gates[1:] = [asyncio.Event()] * 3, [gates[0]] * 3
            await store.accept(WHO, Post(WHO.id, "m2", ""))
            await thrown_away.wait()
    finally:
        await loop.stop(0)
        await store.close()
