"""Do two processes ever have turns of one conversation at a time? Three processes on one store, no HTTP.

`python -m bench.chaos.overlap URL FILE SEED` is one of them: it posts, claims, works for some milliseconds and settles,
and writes each turn that stands into FILE, a line each: conversation, epoch, begun and ended (nanoseconds of the clock
that all processes of a machine share). The work ends before the settle is asked for: what comes after it is no work.
"""

from __future__ import annotations

import asyncio
import os
import random
import secrets
import signal
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, monotonic_ns

from bench.processes import ROOT
from storage.model import Claim, Conversation, Kind, Outcome, Post, Settled, Settlement, Turn, TurnId, conversation_id
from storage.postgres import PostgresStore
from storage.store import Fenced, Unavailable

LEASE = 2_000
PEOPLE = [Conversation(conversation_id("site", f"p{n}"), "site", f"p{n}", "", "front") for n in range(400)]
FLEET = 3
AT_ONCE = 32
KILLED_EVERY = 15.0
"""Seconds between two kill -9 of one of the processes, which is started again."""


class Busy:
    """One process."""

    def __init__(self, store: PostgresStore, file: int, chance: random.Random) -> None:
        self._store, self._file, self._chance = store, file, chance
        self._owner = secrets.token_hex(8)

    async def post(self) -> None:
        while True:
            who, id = self._chance.choice(PEOPLE), secrets.token_hex(6)
            await self._store.accept(who, Post(who.id, id, id, window=self._chance.choice([0, 5]), max_wait=20))

    async def turn(self) -> None:
        while True:
            claims = await self._store.claim(Kind.IN, 16, LEASE, self._owner)
            await asyncio.gather(*(self._take(claim) for claim in claims))
            if not claims:
                await asyncio.sleep(0.005)

    async def _take(self, claim: Claim) -> None:
        began = monotonic_ns()
        await self._store.load(claim)
        await asyncio.sleep(self._chance.random() * 0.005)
        ended = monotonic_ns()
        turn = Turn(TurnId(f"{claim.key}.{claim.epoch}"), claim.key, claim.epoch, claim.head, claim.tail, 0, 0,
                    Outcome.ANSWERED, "")  # fmt: skip
        try:
            settled = await self._store.settle(claim, Settlement(claim.tail, turn=turn))
        except (Fenced, Unavailable):
            return
        if settled is Settled.DONE:
            os.write(self._file, f"{claim.key} {claim.epoch} {began} {ended}\n".encode())


async def work(url: str, file: Path, seed: str) -> None:
    store = PostgresStore(url)
    await store.open()
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    busy = Busy(store, handle, random.Random(seed))
    await asyncio.gather(*(busy.post() for _ in range(AT_ONCE)), *(busy.turn() for _ in range(4)))


# -- watching them -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Overlaps:
    turns: int
    overlapping: int
    twice: int
    """Settled twice under one epoch."""
    kills: int
    seconds: float


async def overlaps(url: str, folder: Path, turns: int, chance: random.Random) -> Overlaps:
    """Until so many turns stand."""
    files = [folder / f"turns-{n}" for n in range(FLEET)]
    began = killed = monotonic()
    kills = 0
    running = [await _started(url, file, chance) for file in files]
    try:
        while sum(_lines(file) for file in files) < turns:
            await asyncio.sleep(0.5)
            if monotonic() - killed > KILLED_EVERY:
                which, killed, kills = chance.randrange(FLEET), monotonic(), kills + 1
                await _killed(running[which])
                running[which] = await _started(url, files[which], chance)
    finally:
        for process in running:
            await _killed(process)
    return _judged(files, kills, monotonic() - began)


async def _started(url: str, file: Path, chance: random.Random) -> asyncio.subprocess.Process:
    module = [sys.executable, "-m", "bench.chaos.overlap"]
    return await asyncio.create_subprocess_exec(*module, url, str(file), str(chance.random()), cwd=ROOT)


async def _killed(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.send_signal(signal.SIGKILL)
    await process.wait()


def _lines(file: Path) -> int:
    return file.read_bytes().count(b"\n") if file.exists() else 0


def _judged(files: list[Path], kills: int, seconds: float) -> Overlaps:
    by_key: dict[str, list[tuple[int, int, int]]] = defaultdict(list)
    for file in files:
        for line in file.read_text().splitlines():
            key, *numbers = line.split()
            began, ended, epoch = int(numbers[1]), int(numbers[2]), int(numbers[0])
            by_key[key].append((began, ended, epoch))
    return Overlaps(
        sum(map(len, by_key.values())),
        sum(overlapping([turn[:2] for turn in turns]) for turns in by_key.values()),
        sum(len(turns) - len({epoch for _, _, epoch in turns}) for turns in by_key.values()),
        kills,
        seconds,
    )


def overlapping(turns: list[tuple[int, int]]) -> int:
    """Turns that began before an earlier one had ended: (begun, ended)."""
    found, latest = 0, -1
    for began, ended in sorted(turns):
        found += began < latest
        latest = max(latest, ended)
    return found


if __name__ == "__main__":
    asyncio.run(work(sys.argv[1], Path(sys.argv[2]), sys.argv[3]))
