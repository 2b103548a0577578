"""The rows of the failure matrix, one function each: what is done to a site, and what was seen."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic
from typing import Any

from bench.chaos.crowd import Account, Contact, Crowd
from bench.chaos.servers import Cramped, bouncer, cramped, pair, runs
from bench.chaos.site import Engine, Ground, Site, Worker, site
from gateway.config import load
from gateway.doctor import examine

CALM = 5
"""After so many kills in a row, everything open is answered: more of them are rightly given up."""
HOUR = 3600
LATE = 0.5
"""Seconds by which an asynchronous standby is behind."""
DEATHS = ("sudden", "silent")
"""Of a primary, in turn: connections are closed, new ones at once, or nothing answers any more."""


@dataclass(frozen=True, slots=True)
class Extent:
    """How much of everything."""

    kills: int
    crashes: int
    crowd: int
    copies: int
    """Messages that are redelivered."""
    max_tries: int | None
    """Claims before a message is given up; None: as many as there are."""
    seconds: float
    """In which everybody goes on writing, where nothing else says how long."""


LONG = Extent(kills=20, crashes=3, crowd=8, copies=300, max_tries=None, seconds=3.0)
SHORT = Extent(kills=3, crashes=1, crowd=4, copies=40, max_tries=2, seconds=0.5)


@dataclass(frozen=True, slots=True)
class Found:
    seen: str
    well: bool


Trial = Callable[[Ground, Extent, random.Random], Awaitable[Found]]


async def _found(here: Site, account: Account, *more: str, well: bool = True, quiet: bool = False) -> Found:
    """With what `recado doctor` says of the promises that can be seen in one moment. `quiet`: nothing is repeated."""
    broken = await _broken(here)
    if quiet:
        well = well and account.repeated == account.jumbled == 0
    return Found("; ".join([str(account), *more, *broken]), well and account.well and not broken)


async def _broken(here: Site) -> list[str]:
    config = load(here.workers[-1].config)
    diagnosis = await asyncio.to_thread(examine, config, time.time_ns() // 1_000_000)
    looked = ("promises", "database", "stuck")
    return [f"doctor: {f.key} {f.message}" for f in diagnosis.findings if f.level == "error" and f.key in looked]


@asynccontextmanager
async def _crowded(
    ground: Ground, extent: Extent, chance: random.Random, **more: Any
) -> AsyncIterator[tuple[Site, Crowd]]:
    async with site(ground, **more) as here:
        yield here, Crowd(here, extent.crowd, chance.randrange(10**6))


# -- the process dies --------------------------------------------------------------------------------


async def kills(
    ground: Ground, extent: Extent, chance: random.Random, besides: Callable[[], Awaitable[None]] | None = None
) -> Found:
    """kill -9 at random points, under load. `besides`: what else is done, once, when half of them are dead."""
    async with _crowded(ground, extent, chance) as (here, crowd):
        orphans, late = 0, [0.0]
        async with crowd.writing():
            for number in range(1, extent.kills + 1):
                before = len(crowd.acknowledged)
                await _until(lambda was=before: len(crowd.acknowledged) > was)  # type: ignore[misc]
                await asyncio.sleep(chance.uniform(0.0, 0.8))
                worker = chance.choice(here.workers)
                thought = _lines(worker)
                await worker.kill()
                back = asyncio.create_task(_back(here, crowd, worker, thought))
                await worker.start()
                took = await back
                if thought:
                    orphans, late = orphans + len(thought), [*late, took]
                if besides is not None and number == (extent.kills + 1) // 2:
                    await besides()
                if number % CALM == 0:
                    await crowd.answered()
        await crowd.answered()
        account = await crowd.account()
        return await _found(
            here,
            account,
            f"{extent.kills} kills, {account.duplicates} died between commit and 202",
            f"{orphans} in the model, answered {max(late):.1f} s later at most{_over(here, max(late))}",
            well=account.repeated <= extent.kills * extent.crowd,
        )


def _lines(worker: Worker) -> set[str]:
    return {line for question in worker.assistant.thinking for line in question.split("\n")}


async def _back(here: Site, crowd: Crowd, worker: Worker, lines: set[str]) -> float:
    """Seconds until what the dead process had claimed is answered; on SQLite, since it was there again."""
    if here.ground.engine is Engine.SQLITE:
        await _until(lambda: worker.alive)
    heard = {line for one in here.recipients.heard for line in one.lines}
    return await crowd.reached(lines - heard)


def _over(here: Site, seconds: float) -> str:
    if here.ground.engine is Engine.SQLITE:
        return " (after the restart, which ends the leases)"
    return f" ({seconds * 1000 / here.lease:.2f} × the lease of {here.lease / 1000:.0f} s)"


async def poison(ground: Ground, extent: Extent, chance: random.Random) -> Found:
    """A message that kills the process, half a second after it was claimed, each time."""
    numbers: dict[str, Any] = {} if extent.max_tries is None else {"max_tries": extent.max_tries}
    async with site(ground, **numbers) as here:
        deaths = 0
        tasks: set[asyncio.Task[None]] = set()

        async def again(worker: Worker) -> None:
            await worker.kill()
            await worker.start()

        async def die(worker: Worker, question: str) -> None:
            nonlocal deaths
            if "poison" in question:
                await asyncio.sleep(0.5)
                deaths += 1
                tasks.add(asyncio.create_task(again(worker)))
                await asyncio.Event().wait()

        here.meet(die)
        crowd = Crowd(here, 3, chance.randrange(10**6), often=1.0)
        sick = Contact(here, "sick", chance)
        async with crowd.writing():
            await sick.insist("sick/poison")
            turns = await _turns(sick, 1)
        await asyncio.gather(*tasks)
        await crowd.answered()
        await sick.act("release")
        await sick.insist("sick/1")
        went_on = await crowd.reached({"sick/1"}) < 60
        outcome = turns[0]["outcome"]
        account = await crowd.account()
        return await _found(
            here,
            account,
            f"the poison killed {deaths} times, then its turn was `{outcome}`",
            f"its conversation {'went on' if went_on else 'did not go on'}",
            well=outcome == "dead" and went_on,
        )


async def _turns(contact: Contact, many: int, patience: float = 180.0) -> list[dict[str, Any]]:
    async with asyncio.timeout(patience):
        while True:
            turns = (await contact.fetch("turns"))["turns"]
            if len(turns) >= many:
                return list(turns)
            await asyncio.sleep(0.1)


async def paused(ground: Ground, extent: Extent, chance: random.Random) -> Found:
    """SIGSTOP beyond its lease, with turns in the model; then it wakes, and their answers are there."""
    async with _crowded(ground, extent, chance) as (here, crowd):
        gate = asyncio.Event()
        here.meet(lambda worker, question: _wait(gate))
        await asyncio.gather(*(contact.write() for contact in crowd.contacts))
        await _until(lambda: here.thinking == extent.crowd)
        asleep = max(here.workers, key=lambda worker: worker.assistant.thinking.total())
        had = asleep.assistant.thinking.total()
        asleep.pause()
        gate.set()
        await asyncio.sleep(here.lease / 1000 + 1)
        if ground.engine is Engine.POSTGRES:
            await crowd.answered()
        asleep.resume()
        await crowd.answered()
        account, more = await crowd.account(), f"{had} turns slept for {here.lease / 1000 + 1:.0f} s"
        if ground.engine is Engine.SQLITE:
            return await _found(here, account, more)  # nobody else is there to take them over
        fenced = await _said(asleep, "the lane was taken over", "lease could not be renewed", many=had)
        return await _found(here, account, f"{more}, {fenced} of them were fenced off when it woke", well=fenced >= had)


async def _wait(gate: asyncio.Event) -> None:
    await gate.wait()


async def _until(true: Callable[[], bool], patience: float = 60.0) -> None:
    async with asyncio.timeout(patience):
        while True:
            if true():
                return
            await asyncio.sleep(0.02)


async def _said(worker: Worker, *words: str, many: int, patience: float = 15.0) -> int:
    """Lines of its log with one of the words, once there are so many or long enough has passed."""
    until, found = monotonic() + patience, 0
    while monotonic() < until and found < many:
        found = sum(any(word in line for word in words) for line in worker.said().splitlines())
        await asyncio.sleep(0.1)
    return found


# -- the database dies, or the way to it -------------------------------------------------------------


async def crashes(ground: Ground, extent: Extent, chance: random.Random) -> Found:
    """PostgreSQL is stopped at once, nothing written down, under load; and started again."""
    server = ground.server
    assert server is not None
    async with _crowded(ground, extent, chance) as (here, crowd):
        back = [0.0]
        async with crowd.writing():
            for _ in range(extent.crashes):
                await asyncio.sleep(chance.uniform(0.5, 1.5))
                await asyncio.to_thread(server.stop, "immediate")
                await asyncio.sleep(1.0)
                began, before = monotonic(), len(crowd.acknowledged)
                await asyncio.to_thread(server.start)
                await _until(lambda was=before: len(crowd.acknowledged) > was)  # type: ignore[misc]
                back.append(monotonic() - began)
                await crowd.answered()
        await crowd.answered()
        account = await crowd.account()
        return await _found(
            here,
            account,
            f"{extent.crashes} crashes, {account.refused} tries refused and made again",
            f"the next acknowledgement came {max(back):.1f} s after its start began, at most",
            well=account.repeated <= extent.crashes * extent.crowd,
        )


async def split(ground: Ground, extent: Extent, chance: random.Random) -> Found:
    """One process cannot reach the database for two leases, silently; then its connections are reset."""
    async with _crowded(ground, extent, chance, relayed=True) as (here, crowd):
        assert here.relay is not None
        async with crowd.writing():
            await asyncio.sleep(extent.seconds)
            await _until(lambda: bool(_lines(here.workers[0])))
            here.relay.cut()
            thought = _lines(here.workers[0])
            back = asyncio.create_task(_back(here, crowd, here.workers[0], thought))
            await asyncio.sleep(1.0)
            here.workers[0].alive = False  # a load balancer sees it, after some requests that hang now
            late = await back
            await asyncio.sleep(2 * here.lease / 1000)
            here.relay.heal()
            await asyncio.sleep(extent.seconds)
            here.workers[0].alive = True
            await asyncio.sleep(extent.seconds)
            here.relay.tear()
            await asyncio.sleep(extent.seconds)
        await crowd.answered()
        account = await crowd.account()
        return await _found(
            here,
            account,
            f"{len(thought)} in the model behind the cut, answered {late:.1f} s later at most{_over(here, late)}",
            f"{account.refused} tries refused or hanging, and made again",
            well=account.repeated <= 2 * extent.crowd,
        )


async def failover(ground: Ground, extent: Extent, chance: random.Random) -> Found:
    """The primary dies and never comes back; its synchronous standby takes its place. Every other time its machine
    goes silent."""
    async with (
        pair() as both,
        _crowded(replace(ground, server=both.primary, address=both.url), extent, chance) as (here, crowd),
    ):
        back = dict.fromkeys(DEATHS, 0.0)
        async with crowd.writing():
            for number in range(extent.crashes):
                how = DEATHS[number % 2]
                await asyncio.sleep(chance.uniform(0.5, 1.5))
                began = monotonic()
                await both.fail_over(silent=how == "silent")
                before = len(crowd.acknowledged)
                await _until(lambda was=before: len(crowd.acknowledged) > was)  # type: ignore[misc]
                back[how] = max(back[how], monotonic() - began)
                await crowd.answered()
                if number + 1 < extent.crashes:
                    await both.complete()
        await crowd.answered()
        account = await crowd.account()
        return await _found(
            here,
            account,
            f"{extent.crashes} failovers, {account.refused} tries refused or hanging, and made again",
            "the next acknowledgement came "
            + " and ".join(f"{took:.1f} s after a {how} death" for how, took in back.items() if took)
            + ", at most",
            well=account.repeated <= extent.crashes * extent.crowd,
        )


async def behind(ground: Ground, extent: Extent, chance: random.Random) -> Found:
    """The same with a standby that follows asynchronously and is behind: what that loses is counted and not judged."""
    async with (
        pair(synchronous=False) as both,
        _crowded(replace(ground, server=both.primary, address=both.url), extent, chance) as (here, crowd),
    ):
        async with crowd.writing():
            await asyncio.sleep(extent.seconds + chance.random())
            await both.fail_over(behind=LATE)
            await asyncio.sleep(extent.seconds)
        lost = await crowd.forget_lost()
        await crowd.answered()
        account, broken = await crowd.account(), await _broken(here)
        seen = (
            f"{account.acknowledged + lost:,} acknowledged, {lost} of the last {LATE} s lost, as must be; of what was "
            f"there {account.unanswered} unanswered, {account.twice} twice, {account.disorder} out of order"
        )
        well = account.acknowledged > 0 and not (account.unanswered or account.strange or broken)
        return Found("; ".join([seen, *broken]), well)


async def pooled(ground: Ground, extent: Extent, chance: random.Random) -> Found:
    """The row of kills, half as many, behind PgBouncer, which is killed once itself."""
    assert ground.server is not None
    async with bouncer(ground.server) as between:

        async def again() -> None:
            await asyncio.to_thread(between.kill)
            await asyncio.to_thread(between.start)

        fewer = replace(extent, kills=(extent.kills + 1) // 2)
        found = await kills(replace(ground, address=between.url), fewer, chance, again)
        return replace(found, seen=f"{found.seen}; PgBouncer was killed once as well")


async def full_disk(ground: Ground, extent: Extent, chance: random.Random) -> Found:
    if ground.engine is Engine.SQLITE:
        return await _full_file(ground, extent, chance)
    async with cramped() as server:
        return await _full_server(replace(ground, server=server), server, extent, chance)


async def _full_file(ground: Ground, extent: Extent, chance: random.Random) -> Found:
    """No file of the process may grow any more; after a while they may."""
    async with _crowded(ground, extent, chance) as (here, crowd):
        async with crowd.writing():
            await asyncio.sleep(extent.seconds)
            log = here.folder / "recado.db-wal"
            here.workers[0].limit_files(log.stat().st_size + 8192)
            await _refused(crowd)
            here.workers[0].limit_files(-1)
            await asyncio.sleep(extent.seconds)
        await crowd.answered()
        account = await crowd.account()
        more = f"{account.told} tries refused with 503 and made again"
        return await _found(here, account, more, well=account.repeated <= extent.crowd and account.told > 0)


async def _full_server(ground: Ground, server: Cramped, extent: Extent, chance: random.Random) -> Found:
    """The server's disk is full: first its tables cannot grow, then its log cannot either, over which it dies."""
    async with _crowded(ground, extent, chance) as (here, crowd):
        stopped = 0
        async with crowd.writing():
            for log in (False, True):
                await asyncio.sleep(extent.seconds)
                await asyncio.to_thread(server.fill)
                if log:
                    await asyncio.to_thread(server.end_log)
                await _refused(crowd)
                await asyncio.to_thread(server.free)
                if not await asyncio.to_thread(runs, server):
                    stopped += 1
                    await asyncio.to_thread(server.start)
                before = len(crowd.acknowledged)
                await _until(lambda was=before: len(crowd.acknowledged) > was)  # type: ignore[misc]
                await crowd.answered()
        await crowd.answered()
        account = await crowd.account()
        started = "started again when there was room" if stopped else "by itself again when there was room"
        return await _found(
            here,
            account,
            f"{account.refused} tries refused, {account.told} of them with 503, and made again",
            f"{server.errors} statements found no room; over its log the server died, and was {started}",
            well=account.repeated <= 2 * extent.crowd and account.told > 0,
        )


async def _refused(crowd: Crowd) -> None:
    """Everybody is, about once, and for a while."""
    before = sum(contact.refused for contact in crowd.contacts)
    await _until(lambda: sum(contact.refused for contact in crowd.contacts) >= before + len(crowd.contacts))
    await asyncio.sleep(1.0)


# -- nobody dies -------------------------------------------------------------------------------------


async def redelivered(ground: Ground, extent: Extent, chance: random.Random) -> Found:
    """Five copies of each message, shuffled, at whichever process."""
    async with _crowded(ground, extent, chance) as (here, crowd):
        each = extent.copies // extent.crowd
        copies = [(contact, n) for contact in crowd.contacts for n in range(each) for _ in range(5)]
        chance.shuffle(copies)
        room = asyncio.Semaphore(24)

        async def send(contact: Contact, n: int) -> None:
            async with room:
                await contact.insist(f"{contact.name}/{n}")
                contact.acknowledged.append(f"{contact.name}/{n}")

        await asyncio.gather(*(send(*copy) for copy in copies))
        await crowd.answered()
        new = sum(len(contact.acknowledged) - contact.duplicates for contact in crowd.contacts)
        stored = 0
        for contact in crowd.contacts:
            stored += sum(message["from"] == "contact" for message in await contact.messages())
        account = replace(await crowd.account(), disorder=0, jumbled=0)  # they were shuffled
        unique, deadlocks = each * extent.crowd, await _deadlocks(here)
        more = f"{len(copies):,} copies of {unique}: {stored} stored, {new} acknowledged as new"
        well = stored == unique and new <= unique and not deadlocks  # of an answer that never came, the next is not new
        return await _found(here, account, more, f"{deadlocks} deadlocks", well=well, quiet=True)


async def _deadlocks(here: Site) -> int:
    if here.ground.server is None:
        return 0
    query = f"SELECT deadlocks FROM pg_stat_database WHERE datname = '{here.database}'"  # noqa: S608 - our own name
    return int(await asyncio.to_thread(here.ground.server.sql, "postgres", query))


async def taken_over(ground: Ground, extent: Extent, chance: random.Random) -> Found:
    """People take conversations over while the assistant writes, and while its answer waits to be sent again."""
    async with _crowded(ground, extent, chance) as (here, crowd):
        gate, (queued, *written) = asyncio.Event(), crowd.contacts
        here.recipients.refused[queued.name] = 1

        async def think(worker: Worker, question: str) -> None:
            if not question.startswith(queued.name):
                await gate.wait()

        here.meet(think)
        await asyncio.gather(*(contact.write() for contact in written))
        await _until(lambda: here.thinking == len(written))
        await queued.write()
        await _until(lambda: here.recipients.turned_away == 1)
        await asyncio.gather(*(contact.act("hold") for contact in crowd.contacts))
        gate.set()
        silent = [(await _turns(contact, 1))[-1]["outcome"] for contact in written].count("held")
        await asyncio.sleep(7)  # the refused send would have been tried again after five seconds
        spoken = len(here.recipients.heard)
        await asyncio.gather(*(contact.act("release") for contact in crowd.contacts))
        for contact in crowd.contacts:
            contact.acknowledged.clear()  # what people took over is theirs to answer
            await contact.write()
        await crowd.answered()
        said = [
            [m["part"]["text"] for m in await contact.messages() if m["from"] == "assistant"] for contact in written
        ]
        alone = sum(lines == [f"Echo: {contact.name}/1"] for contact, lines in zip(written, said, strict=True))
        after = {line for one in here.recipients.heard for line in one.lines}
        well = spoken == 0 and silent == len(written) == alone and after == crowd.acknowledged
        seen = (
            f"{len(written)} drafts: {silent} turns `held`; 1 answer waited to be sent again; {spoken} of them reached "
            f"anybody; {len(after)} of {len(crowd.contacts)} answered after they were given back"
        )
        broken = await _broken(here)
        return Found("; ".join([seen, *broken]), well and not broken)


async def provider_refuses(ground: Ground, extent: Extent, chance: random.Random) -> Found:
    """One contact's sends are answered with 503 once; it goes on writing, and so do the others."""
    async with _crowded(ground, extent, chance) as (here, crowd):
        here.recipients.refused["w0"] = 1
        async with crowd.writing():
            await _until(lambda: "w0" in {one.contact for one in here.recipients.heard})
        await crowd.answered()
        account = await crowd.account()
        contacts = [one.contact for one in here.recipients.heard]
        others = len(set(contacts[: contacts.index("w0")]))
        more = f"{others} of {extent.crowd - 1} others were answered while it waited its five seconds"
        return await _found(here, account, more, well=here.recipients.turned_away == 1, quiet=True)


async def wrong_clock(ground: Ground, extent: Extent, chance: random.Random) -> Found:
    """The clock is set back by an hour under load, and its process is killed and started while it is wrong."""
    skew = ground.folder / "skew"
    skew.write_text("0")
    async with _crowded(ground, extent, chance, skew=str(skew)) as (here, crowd):
        async with crowd.writing():
            await asyncio.sleep(extent.seconds)
            _set(skew, -HOUR)
            await asyncio.sleep(extent.seconds)
            late = await crowd.answered()
            await here.workers[0].kill()
            await here.workers[0].start()
            await asyncio.sleep(extent.seconds)
            late = max(late, await crowd.answered())
            _set(skew, 0)
            await asyncio.sleep(extent.seconds)
        late = max(late, await crowd.answered())
        account = await crowd.account()
        more = f"everything open was answered within {late:.1f} s; {account.jumbled} bursts were read in another order"
        # One for the kill, and one for the hour that passes at once when the clock is right again: leases are over.
        return await _found(here, account, more, well=account.repeated <= 2 * extent.crowd)


def _set(skew: Path, seconds: int) -> None:
    part = skew.with_suffix(".part")
    part.write_text(str(seconds))
    part.replace(skew)


BOTH = tuple(Engine)
TRIALS: Mapping[str, tuple[Trial, tuple[Engine, ...], str]] = {
    "kills": (kills, BOTH, "kill -9 at random points under load"),
    "paused": (paused, BOTH, "a process stands still beyond its lease, then wakes"),
    "poison": (poison, BOTH, "a message that kills the process each time"),
    "crashes": (crashes, (Engine.POSTGRES,), "PostgreSQL crashes (immediate stop) under load"),
    "split": (split, (Engine.POSTGRES,), "the network between a process and PostgreSQL is cut, then reset"),
    "failover": (failover, (Engine.POSTGRES,), "PostgreSQL's primary dies for good, a synchronous standby takes over"),
    "behind": (behind, (Engine.POSTGRES,), "PostgreSQL's primary dies for good, an asynchronous standby was behind"),
    "pooled": (pooled, (Engine.POSTGRES,), "kill -9 at random points under load, behind PgBouncer"),
    "full_disk": (full_disk, BOTH, "the disk is full, then has room"),
    "redelivered": (redelivered, BOTH, "five copies of each message, shuffled"),
    "taken_over": (taken_over, BOTH, "people take over in mid-turn, and while an answer waits"),
    "provider_refuses": (provider_refuses, BOTH, "the provider refuses one contact's send"),
    "wrong_clock": (wrong_clock, BOTH, "the host's clock is set back by an hour"),
}
"""By name: the trial, on what it is played, and what it is called."""
