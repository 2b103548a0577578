"""What a turn and a message cost the store itself, on both engines side by side, and how that grows."""

from __future__ import annotations

import asyncio
import sys
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from itertools import count
from pathlib import Path

import asyncpg

from bench import laps
from bench.engines import POSTGRES, SQLITE, Engine, Lanes, engines, missing, needed
from bench.laps import AT_ONCE, LEASE, OWNER, Course, Lap, conversation, past, post
from bench.picture import Picture
from bench.processes import ROOT
from bench.rows import NotMeasured, Row, Scale, at, median
from storage.model import Kind
from storage.postgres import TICK

ALONE = 9
"""Statements of a turn that has no company: three posts, and a claim, a load and a settle each way; the ninth is the
look that finds nothing more."""
FEW = 1000
"""Contacts who write, where all the others are asleep."""
SMALL = 10_000
"""Conversations, where their number is not what is measured."""


async def _course(stack: AsyncExitStack, engine: Engine, folder: Path, contacts: int) -> Course:
    """A database with a past, opened and warm."""
    course = Course(engine, engine.url(folder), contacts)
    await course.store.open()
    await course.store.close()
    await engine.load(course.url, past(contacts))
    await course.store.open()
    stack.push_async_callback(course.store.close)
    await course.lap(AT_ONCE * 4)
    return course


# -- by the number of conversations ------------------------------------------------------------------


async def growth(scale: Scale, folder: Path) -> list[Row | Picture]:
    """Turns in databases of several sizes, all of them in turns."""
    found: dict[tuple[str, int], list[Lap]] = defaultdict(list)
    async with engines() as there, AsyncExitStack() as stack:
        courses = {
            (name, size): await _course(stack, engine, folder, size)
            for size in scale.sizes
            for name, engine in there.items()
        }
        large = {name: courses[name, scale.sizes[-1]] for name in there}
        for course in large.values():
            await course.lap(FEW * 4, writers=FEW)
        for _ in range(scale.rounds):
            for place, course in courses.items():
                found[place].append(await course.lap(scale.store_turns))
            for name, course in large.items():
                found[name, FEW].append(await course.lap(scale.store_turns, writers=FEW))
        alone = [await course.lap(scale.store_turns // 8, 1) for course in list(courses.values())[: len(there)]]
    rows = [row for name in there for row in _sizes(name, scale.sizes, found)] + missing(there)
    return [*rows, *_between(scale.sizes[0], found, alone), _growth_picture(there, scale.sizes, found)]


def _sizes(name: str, sizes: Sequence[int], found: Mapping[tuple[str, int], Sequence[Lap]]) -> list[Row]:
    first, *more = sizes
    rows = [Row(f"{name}: CPU of a turn, {first:,} conversations", _cpu(found[name, first]))]
    for size in more:
        wanted = 1.15 if size == more[0] else None
        rows.append(
            _grown(f"{name}: CPU of a turn, {size:,} conversations", found[name, first], found[name, size], wanted)
        )
    few = f"{name}: the same where {FEW:,} of the {sizes[-1]:,} write"
    return [*rows, _grown(few, found[name, first], found[name, FEW], 1.25)]


def _grown(what: str, first: Sequence[Lap], here: Sequence[Lap], wanted: float | None) -> Row:
    ratio = median([b.cpu / a.cpu for a, b in zip(first, here, strict=True)])
    target = ("", None) if wanted is None else (f"E6 ≤ {wanted} ×", ratio <= wanted)
    return Row(what, f"{_cpu(here)} ({ratio:.2f} ×)", *target)


def _cpu(measured: Sequence[Lap]) -> str:
    own, server = median([lap.own for lap in measured]), median([lap.server for lap in measured])
    return f"{own + server:.2f} ms" + (f" ({own:.2f} + {server:.2f} in the server)" if server else "")


def _between(size: int, found: Mapping[tuple[str, int], Sequence[Lap]], alone: Sequence[Lap]) -> list[Row]:
    ours, theirs = found[SQLITE, size], found.get((POSTGRES, size))
    if theirs is None:
        return []
    ratio = median([a.cpu / b.cpu for a, b in zip(ours, theirs, strict=True)])
    together, single = median([lap.statements - lap.posted for lap in theirs]), alone[1].statements - alone[1].posted
    posts = median([lap.posted for lap in theirs])
    return [
        Row("CPU of a turn, SQLite : PostgreSQL", f"{ratio:.2f} ×", "E8 ≤ 0.4 ×", ratio <= 0.4),
        Row(f"PostgreSQL: statements of a turn beside its posts, {AT_ONCE} turns at a time", f"{together:.2f}",
            "E7 ≤ 3", together <= 3),
        Row("the same, one turn at a time", f"{single:.1f}", "E7 ≤ 3", single <= 3),
        Row(f"PostgreSQL: statements of a message, {AT_ONCE * laps.BURST} at a time",
            f"{posts / laps.BURST:.3f}", "E7 ≤ 1", posts <= laps.BURST),
    ]  # fmt: skip


def _growth_picture(
    names: Mapping[str, Engine], sizes: Sequence[int], found: Mapping[tuple[str, int], Sequence[Lap]]
) -> Picture:
    lines = {name: [(float(size), median([lap.cpu for lap in found[name, size]])) for size in sizes] for name in names}
    return Picture(
        "turn-cost", "What a turn costs the store", "conversations in the database", "ms of CPU a turn", lines
    )


# -- posting -----------------------------------------------------------------------------------------


async def posting(scale: Scale, folder: Path) -> list[Row]:
    """Messages of one after the other and of many at once; and beside them what an INSERT alone costs."""
    found: dict[tuple[str, int], list[tuple[float, float]]] = defaultdict(list)
    insert: list[float] = []
    turn: list[float] = []
    async with engines() as there, AsyncExitStack() as stack:
        courses = {name: await _course(stack, engine, folder, SMALL) for name, engine in there.items()}
        pool = await _calibration(stack, there) if POSTGRES in there else None
        apart = (
            await _course(stack, there[POSTGRES], folder, SMALL) if POSTGRES in there else None
        )  # nothing waits there
        for _ in range(scale.rounds):
            for name, course in courses.items():
                for at_once in (1, AT_ONCE):
                    found[name, at_once].append(await _posts(course, at_once, scale.seconds))
            if pool is not None and apart is not None:
                insert.append(await _inserts(there[POSTGRES], pool, scale.seconds))
                turn.append((await apart.lap(scale.store_turns // 2)).cpu * 1e3)
    rows = [row for name in there for row in _post_rows(name, found)] + missing(there)
    return rows + _insert_rows(insert, turn)


async def _posts(course: Course, at_once: int, seconds: float) -> tuple[float, float]:
    """Messages a second, and microseconds of CPU for each."""
    numbers = count()

    async def one() -> None:
        n = next(numbers) % course.contacts
        await course.store.accept(conversation(n), post(n, window=3_600_000))

    return await _as_often(one, course.engine, at_once, seconds)


async def _as_often(
    one: Callable[[], Awaitable[None]], engine: Engine, at_once: int, seconds: float
) -> tuple[float, float]:
    done, server, own, began = 0, engine.cpu, time.process_time(), time.perf_counter()

    async def on() -> None:
        nonlocal done
        while time.perf_counter() - began < seconds:
            await one()
            done += 1

    await asyncio.gather(*(on() for _ in range(at_once)))
    used = time.process_time() - own + engine.cpu - server
    return done / (time.perf_counter() - began), used / done * 1e6


def _post_rows(name: str, found: Mapping[tuple[str, int], Sequence[tuple[float, float]]]) -> list[Row]:
    one, many = found[name, 1], found[name, AT_ONCE]
    ratio = median([b[0] / a[0] for a, b in zip(one, many, strict=True)])
    target = ("E8 ≥ 5 ×", ratio >= 5) if name == SQLITE else ("", None)
    told = [
        f"{median([rate for rate, _ in there]):,.0f} msg/s · {median([cpu for _, cpu in there]):.0f} µs CPU"
        for there in (one, many)
    ]
    return [
        Row(f"{name}: messages written, 1 at a time", told[0]),
        Row(f"{name}: messages written, {AT_ONCE} at a time", f"{told[1]} ({ratio:.1f} ×)", *target),
    ]


async def _calibration(stack: AsyncExitStack, there: Mapping[str, Engine]) -> asyncpg.Pool:
    pool = await asyncpg.create_pool(there[POSTGRES].url(Path()), min_size=8, max_size=8, reset=_as_it_is)
    stack.push_async_callback(pool.close)
    await pool.execute("CREATE TABLE calibration (key TEXT PRIMARY KEY, body TEXT NOT NULL)")
    return pool


async def _as_it_is(connection: asyncpg.Connection) -> None:
    """The store's own connections are not put back either."""


async def _inserts(engine: Engine, pool: asyncpg.Pool, seconds: float) -> float:
    """Microseconds of CPU of one row and its commit."""

    async def one() -> None:
        row = post(0)
        await pool.execute("INSERT INTO calibration (key, body) VALUES ($1, $2)", row.dedup, row.body)

    return (await _as_often(one, engine, AT_ONCE, seconds))[1]


def _insert_rows(insert: Sequence[float], turn: Sequence[float]) -> list[Row]:
    if not insert:
        return []
    ratio = median([b / (a * ALONE) for a, b in zip(insert, turn, strict=True)])
    return [
        Row("PostgreSQL: an INSERT of one row and its commit, 64 at a time", f"{median(insert):.0f} µs CPU"),
        Row(f"CPU of a turn : {ALONE} such INSERTs", f"{ratio:.2f} ×", "E7 ≤ 1.5 ×", ratio <= 1.5),
    ]


# -- a forgotten transaction -----------------------------------------------------------------------------


async def snapshot(scale: Scale, folder: Path) -> list[Row]:
    """Somebody keeps a transaction open while turns go on; another database, where nobody does, takes turns with it."""
    async with engines() as there, AsyncExitStack() as stack:
        server = needed(there)
        calm, held = [await _course(stack, server, folder, SMALL) for _ in range(2)]
        await _forgotten(stack, held)
        pairs = [
            (await calm.lap(AT_ONCE * 10, looking=True), await held.lap(AT_ONCE * 10, looking=True))
            for _ in range(max(2, scale.held_turns // (AT_ONCE * 10)))
        ]
    last = pairs[-max(1, len(pairs) // 4) :]
    return _held_rows(scale.held_turns, last)


async def _forgotten(stack: AsyncExitStack, course: Course) -> None:
    connection = await asyncpg.connect(course.url)
    stack.push_async_callback(connection.close)
    await connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    await connection.execute("SELECT count(*) FROM lane")


def _held_rows(turns: int, pairs: Sequence[tuple[Lap, Lap]]) -> list[Row]:
    def ratio(value: Callable[[Lap], float]) -> float:
        return median([value(held) / value(calm) for calm, held in pairs])

    claim, cpu = ratio(lambda lap: at(0.5, lap.claims)), ratio(lambda lap: lap.cpu)
    look = ratio(lambda lap: at(0.5, lap.looks))
    ms = [median([at(0.5, lap.claims) for lap in laps]) for laps in zip(*pairs, strict=True)]
    behind = f"behind a transaction held open for {turns:,} turns"
    return [
        Row(f"PostgreSQL: a claim of {AT_ONCE} lanes {behind}", f"p50 {ms[1]:.1f} ms ({claim:.2f} × without)",
            "E10 ≤ 2.5 ×", claim <= 2.5),
        Row("a look that finds nothing, likewise", f"{look:.2f} ×", "E10 ≤ 2.5 ×", look <= 2.5),
        Row("CPU of a turn, likewise", f"{cpu:.2f} ×", "E10 ≤ 1.3 ×", cpu <= 1.3),
    ]  # fmt: skip


# -- doing nothing ---------------------------------------------------------------------------------------


async def idle(scale: Scale, folder: Path) -> list[Row]:
    """Of a core, by processes that look and find nothing."""
    async with engines() as there, AsyncExitStack() as stack:
        course = await _course(stack, needed(there), folder, SMALL)
        twenty = await _share(course, scale, lambda store: [_looking(store, Kind.IN, 0.2)] * 20)
        gateway = await _share(course, scale, lambda store: [_looking(store, kind, None) for kind in Kind])
    return [
        Row("PostgreSQL: twenty that look every 200 ms", _told(twenty), "E12 ≤ 2 % in the server", twenty[1] <= 2),
        Row(f"one idle gateway, which looks every {TICK * 1000:.0f} ms for turns and deliveries", _told(gateway)),
    ]


def _told(share: tuple[float, float]) -> str:
    return f"{sum(share):.1f} % of a core ({share[0]:.1f} + {share[1]:.1f} in the server)"


Look = Callable[[], Awaitable[None]]


def _looking(store: Lanes, kind: Kind, every: float | None) -> Look:
    async def look() -> None:
        await store.claim(kind, AT_ONCE, LEASE, OWNER)
        await asyncio.sleep(await store.rest(kind) if every is None else every)

    return look


async def _share(course: Course, scale: Scale, looks: Callable[[Lanes], Sequence[Look]]) -> tuple[float, float]:
    """Per cent of a core: ours, the server's."""
    server, own, began = course.engine.cpu, time.process_time(), time.perf_counter()
    end = began + scale.seconds * 5

    async def on(look: Look) -> None:
        while time.perf_counter() < end:
            await look()

    await asyncio.gather(*(on(look) for look in looks(course.store)))
    seconds = (time.perf_counter() - began) / 100
    return (time.process_time() - own) / seconds, (course.engine.cpu - server) / seconds


# -- whose owner died --------------------------------------------------------------------------------------

LEFT = 20
SHORT = 1000
"""Milliseconds of the lease here."""


async def orphans(scale: Scale, folder: Path) -> list[Row]:
    """A process claims lanes, renews their lease and is killed; another one looks until it has them all."""
    rows: list[Row] = []
    async with engines() as there:
        for name, engine in there.items():
            seconds = [await _orphaned(engine, folder, wait) for wait in (0.1, 0.35, 0.6)[: max(1, scale.rounds)]]
            most = SHORT / 1000 + 2 * TICK if name == POSTGRES else SHORT / 1000
            what = f"{name}: {LEFT} claims of a killed process, claimed again"
            found = f"{max(seconds):.2f} s after its death at most, lease {SHORT / 1000:g} s"
            rows.append(Row(what, found, f"E4 ≤ {most:.1f} s", max(seconds) <= most))
        return rows + missing(there)


async def _orphaned(engine: Engine, folder: Path, wait: float) -> float:
    """Seconds from a death to the last claim."""
    url = engine.url(folder)
    store = engine.store(url)
    await store.open()
    await asyncio.gather(*(store.accept(conversation(n), post(n)) for n in range(LEFT)))
    await store.close()
    await _killed(url, wait)
    began, taken = time.perf_counter(), 0
    await store.open()
    while taken < LEFT:
        taken += len(await store.claim(Kind.IN, LEFT, LEASE, OWNER))
        await asyncio.sleep(TICK)
    await store.close()
    return time.perf_counter() - began - TICK


async def _killed(url: str, wait: float) -> None:
    """It had all of them, and `wait` seconds to renew."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.owner", url, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert child.stdout is not None
    if await child.stdout.readline() != b"mine\n":
        raise NotMeasured("the process to be killed claimed nothing")
    await asyncio.sleep(wait)
    child.kill()
    await child.wait()
