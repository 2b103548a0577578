"""A small gateway that is going to be killed: posts, answers, sends, and says what it was promised.

    python -m tests.storage.victim DATABASE SEED [drain]

stdout, one line at a time: `acked ID`, `sent DEDUP`, and `drained` when nothing is left to do.
"""

from __future__ import annotations

import asyncio
import os
import random
import secrets
import sys

from storage.model import (
    Claim,
    Conversation,
    Kind,
    Outcome,
    Post,
    Receipt,
    Settled,
    Settlement,
    Turn,
    TurnId,
    conversation_id,
)
from storage.sqlite import SqliteStore
from storage.store import Fenced

PEOPLE = [Conversation(conversation_id("site", f"p{n}"), "site", f"p{n}", "", "front") for n in range(8)]
LEASE = 30_000


def say(*words: str) -> None:
    os.write(1, (" ".join(words) + "\n").encode())


async def talk(store: SqliteStore, dice: random.Random) -> None:
    while True:
        who, id = dice.choice(PEOPLE), secrets.token_hex(6)
        await store.accept(who, Post(who.id, id, id, window=dice.choice([0, 5, 20]), max_wait=40))
        say("acked", id)


async def answer(store: SqliteStore, dice: random.Random, owner: str) -> int:
    claims = await store.claim(Kind.IN, 4, LEASE, owner)
    await asyncio.gather(*(take_turn(store, dice, claim) for claim in claims))
    return len(claims)


async def take_turn(store: SqliteStore, dice: random.Random, claim: Claim) -> None:
    read = [entry.body for entry in (await store.load(claim)).entries]
    await asyncio.sleep(dice.random() * 0.01)
    turn = f"{claim.key}-{claim.epoch}"
    posts = [Post(claim.key, f"{turn}:{part}", " ".join(read) if part == 0 else "") for part in range(2)]
    noted = Turn(TurnId(turn), claim.key, claim.epoch, claim.head, claim.tail, 0, 0, Outcome.ANSWERED, "")
    settled = await store.settle(claim, Settlement(claim.tail, posts, noted, max_folds=2))
    assert settled in (Settled.DONE, Settled.FOLDED)


async def deliver(store: SqliteStore, dice: random.Random, owner: str) -> int:
    claims = await store.claim(Kind.OUT, 4, LEASE, owner)
    await asyncio.gather(*(send(store, dice, claim) for claim in claims))
    return len(claims)


async def send(store: SqliteStore, dice: random.Random, claim: Claim) -> None:
    """One part, then settle: a crash repeats at most the part in flight."""
    part = ((await store.load(claim)).entries)[0]
    await asyncio.sleep(dice.random() * 0.005)
    say("sent", part.dedup)
    await asyncio.sleep(dice.random() * 0.005)
    receipt = Receipt(claim.key, part.dedup, "sent", part.at)
    await store.settle(claim, Settlement(part.seq, receipts=[receipt]))


async def work(store: SqliteStore, dice: random.Random, owner: str, once: bool) -> None:
    while True:
        busy = await answer(store, dice, owner) + await deliver(store, dice, owner)
        wake = [await store.next_wake(kind) for kind in Kind]
        if once and not busy and set(wake) == {None}:
            return
        await asyncio.sleep(0 if busy else 0.002)


async def main(path: str, seed: int, drain: bool) -> None:
    dice = random.Random(seed)
    store, owner = SqliteStore(path), secrets.token_hex(4)
    await store.open()
    say("open")
    if drain:
        await work(store, dice, owner, once=True)
        await store.close()
        say("drained")
        return
    talkers = [talk(store, dice) for _ in range(4)]
    await asyncio.gather(*talkers, *(work(store, dice, f"{owner}{n}", once=False) for n in range(2)))


if __name__ == "__main__":
    try:
        asyncio.run(main(sys.argv[1], int(sys.argv[2]), "drain" in sys.argv[3:]))
    except Fenced as error:
        say("fenced", str(error))
        raise
