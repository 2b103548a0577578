"""P1: a message on disk before its 202, beside handlers that do less."""

from __future__ import annotations

import shutil
from collections import defaultdict
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from bench.config import configuration, gateway, key_of
from bench.engines import POSTGRES, Engine, engines
from bench.loader import Load, Report, loaded
from bench.machine import sync_ms
from bench.processes import Program, free_port, started
from bench.rows import NotMeasured, Row, Scale, at, median
from bench.slow_disk import slowed

NAMES = {
    "noop": "no-op handler",
    "parse": "parse only",
    "recado": "recado",
    "postgres": "recado on PostgreSQL, its server included",
    "commit": "a commit per message",
}
_runs = count()


@dataclass(frozen=True, slots=True)
class Phase:
    rate: float
    """Messages a second."""
    cpu_us: float
    p50: float
    p99: float


async def phase(program: Program, load: Load) -> Phase:
    before = program.cpu
    report = await loaded(load)
    used = program.cpu - before
    if report.refused:
        raise NotMeasured(f"{report.refused} of {report.sent} messages were refused")
    return Phase(report.sent / report.seconds, used / report.sent * 1e6, *_tails(report))


def _tails(report: Report) -> tuple[float, float]:
    return at(0.5, report.ms), at(0.99, report.ms)


def middle(phases: list[Phase]) -> Phase:
    return Phase(*(median([getattr(p, name) for p in phases]) for name in ("rate", "cpu_us", "p50", "p99")))


async def doors(
    stack: AsyncExitStack, folder: Path, env: dict[str, str] | None = None, server: Engine | None = None
) -> dict[str, Program]:
    """The gateway, once more on `server`, and what it is compared with. Windows are so long that no turn begins."""
    programs = {}
    for kind in ("noop", "parse", "commit"):
        port = free_port()
        args = (kind, str(port), str(folder / f"{kind}.db"))
        programs[kind] = Program("bench.doors", *args, port=port, env=env)
    programs["recado"] = gateway(folder, configuration("http://127.0.0.1:9/v1", window_ms=600_000), env)
    if server:
        place = folder / server.name
        place.mkdir()
        text = configuration("http://127.0.0.1:9/v1", window_ms=600_000, database=server.url(place))
        programs["postgres"] = gateway(place, text, env, beside=server)
    for program in programs.values():
        await stack.enter_async_context(started(program))
    return programs


async def ingest(scale: Scale, folder: Path) -> list[Row]:
    """As fast as answers come, at three numbers of connections."""
    rows: list[Row] = []
    async with engines() as there, AsyncExitStack() as stack:
        programs = await doors(stack, folder, server=there.get(POSTGRES))
        for connections in (1, 64, 512):
            found: dict[str, list[Phase]] = defaultdict(list)
            for _ in range(scale.rounds):
                for name, program in programs.items():
                    load = Load(program.port, key_of("api"), connections, scale.seconds, run=f"r{next(_runs)}")
                    found[name].append(await phase(program, load))
            rows += _rows(connections, found)
    return rows


def _rows(connections: int, found: dict[str, list[Phase]]) -> list[Row]:
    rows = [_row(f"{NAMES[name]}, {connections} at a time", middle(found[name])) for name in NAMES if name in found]
    if connections == 64:
        for name, wanted in (("parse", 0.85), ("noop", 0.48), ("commit", 4.5)):
            ratio = _ratio(found["recado"], found[name])
            what = f"recado : {NAMES[name]}, 64 at a time"
            rows.append(Row(what, f"{ratio:.2f} ×", f"P1 ≥ {wanted} ×", ratio >= wanted))
        if "postgres" in found:
            ratio = _ratio(found["postgres"], found["recado"])
            rows.append(Row("recado on PostgreSQL : recado, 64 at a time", f"{ratio:.2f} ×"))
    return rows


def _ratio(ours: list[Phase], theirs: list[Phase]) -> float:
    """Of what was measured right after each other, so that a busier minute counts for both."""
    return median([a.rate / b.rate for a, b in zip(ours, theirs, strict=True)])


def _row(what: str, p: Phase) -> Row:
    return Row(what, f"{p.rate:,.0f} msg/s · {p.cpu_us:.0f} µs CPU · p50 {p.p50:.1f} · p99 {p.p99:.1f} ms")


async def slow_disk(scale: Scale, folder: Path) -> list[Row]:
    """Paced, on a disk that takes its time; the tail is what a slow disk spoils."""
    rows = []
    for wait_ms in (1, 5):
        place = folder / f"fsync-{wait_ms}"
        place.mkdir()
        async with AsyncExitStack() as stack:
            programs = await doors(stack, place, await slowed(place, wait_ms))
            found: dict[str, list[Phase]] = defaultdict(list)
            for _ in range(scale.rounds):
                for name in ("noop", "recado", "commit"):
                    run = f"s{next(_runs)}"
                    load = Load(programs[name].port, key_of("api"), 32, scale.seconds, run=run, rate=1000.0)
                    found[name].append(await phase(programs[name], load))
            sync = wait_ms + sync_ms(folder)
            rows += _tail_rows(wait_ms, sync, {name: middle(phases) for name, phases in found.items()})
        shutil.rmtree(place)
    return rows


def _tail_rows(wait_ms: int, sync: float, phases: dict[str, Phase]) -> list[Row]:
    allowed = phases["noop"].p99 + 2.5 * sync
    recado, commit = phases["recado"], phases["commit"]
    beside = f"(no-op {phases['noop'].p99:.1f})"
    found = f"{recado.rate:,.0f} msg/s · p50 {recado.p50:.1f} · p99 {recado.p99:.1f} ms {beside}"
    than = f"{commit.rate:,.0f} msg/s · p50 {commit.p50:.0f} · p99 {commit.p99:.0f} ms"
    what = f"1,000 msg/s offered, fsync of {wait_ms} ms"
    return [
        Row(f"recado, {what}", found, f"P1 p99 ≤ {allowed:.1f} ms", recado.p99 <= allowed),
        Row(f"{NAMES['commit']}, {what}", than),
    ]
