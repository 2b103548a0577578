"""P2: how late a window's end is noticed while the gateway is half busy."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import count
from pathlib import Path

from bench.config import configuration, gateway, key_of
from bench.engines import POSTGRES, Engine, asked, engines, missing
from bench.loader import Load, loaded
from bench.processes import started
from bench.rows import NotMeasured, Row, Scale, at
from storage.postgres import TICK
from tests.fakes.openai import FakeOpenAI

WINDOW_MS = 500
LATE = """
SELECT turn.started_at - lane.ripe_at FROM turn JOIN lane ON lane.kind = 0 AND lane.key = turn.conversation
"""
"""Each conversation has one turn here, so its lane still says when that became due."""
_runs = count()


async def window(scale: Scale, folder: Path) -> list[Row]:
    async with FakeOpenAI() as assistant, engines() as there:
        rows = [await _lateness(engine, scale, folder, assistant.base_url) for engine in there.values()]
        return rows + missing(there)


async def _lateness(engine: Engine, scale: Scale, folder: Path, assistant_url: str) -> Row:
    place = folder / engine.name
    place.mkdir()
    database = engine.url(place)
    text = configuration(assistant_url, window_ms=WINDOW_MS, database=database)
    async with started(gateway(place, text)) as program:
        await _answered(program.port, scale)
        full = await _answered(program.port, scale)
        before = len(await _late(database))
        seconds = scale.seconds * 4
        load = Load(program.port, key_of("api"), 16, seconds, rate=full / 2, contacts=0, prefix="half", run="half")
        report = await loaded(load)
        late = await _all_late(database, before + report.sent)
    return _row(engine.name, full / 2, late[before:])


def _row(name: str, rate: float, late: Sequence[int]) -> Row:
    p50, p99 = at(0.5, late), at(0.99, late)
    most = (TICK * 1000, TICK * 3000) if name == POSTGRES else (5, 30)
    wanted = f"P2 p50 ≤ {most[0]:.0f}, p99 ≤ {most[1]:.0f} ms"
    what = f"{name}: window lateness at half load ({rate:.0f} turns a second)"
    return Row(what, f"p50 {p50:.0f} · p99 {p99:.0f} ms", wanted, p50 <= most[0] and p99 <= most[1])


async def _answered(port: int, scale: Scale) -> float:
    """Turns a second when contacts who have never written before come as fast as replies go."""
    name = f"full{next(_runs)}"
    load = Load(port, key_of("api"), 256, messages=scale.turns * 3, contacts=0, prefix=name, run=name, wait=30.0)
    report = await loaded(load)
    if report.refused:
        raise NotMeasured("messages were not answered")
    return report.sent / report.seconds


async def _all_late(database: str, turns: int) -> list[int]:
    for _ in range(600):
        if len(late := await _late(database)) >= turns:
            return late
        await asyncio.sleep(0.1)
    raise NotMeasured("not all turns ended within a minute")


async def _late(database: str) -> list[int]:
    return [ms for (ms,) in await asked(database, LATE + " ORDER BY turn.started_at")]
