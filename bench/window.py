"""P2: how late a window's end is noticed while the gateway is half busy."""

from __future__ import annotations

import asyncio
import sqlite3
from itertools import count
from pathlib import Path

from bench.config import configuration, gateway, key_of
from bench.history import database
from bench.loader import Load, loaded
from bench.processes import started
from bench.rows import NotMeasured, Row, Scale, at
from tests.fakes.openai import FakeOpenAI

WINDOW_MS = 500
LATE = """
SELECT turn.started_at - lane.ripe_at FROM turn JOIN lane ON lane.kind = 0 AND lane.key = turn.conversation
"""
"""Each conversation has one turn here, so its lane still says when that became due."""
_runs = count()


async def window(scale: Scale, folder: Path) -> list[Row]:
    async with FakeOpenAI() as assistant:
        text = configuration(assistant.base_url, window_ms=WINDOW_MS)
        async with started(gateway(folder, text)) as program:
            await _answered(program.port, scale)
            full = await _answered(program.port, scale)
            before = len(_late(folder, text))
            seconds = scale.seconds * 4
            load = Load(program.port, key_of("api"), 16, seconds, rate=full / 2, contacts=0, prefix="half", run="half")
            report = await loaded(load)
            late = await _all_late(folder, text, before + report.sent)
    late = late[before:]
    p50, p99 = at(0.5, late), at(0.99, late)
    what = f"window lateness at half load ({full / 2:.0f} turns a second)"
    return [Row(what, f"p50 {p50:.0f} · p99 {p99:.0f} ms", "P2 p50 ≤ 5, p99 ≤ 30 ms", p50 <= 5 and p99 <= 30)]


async def _answered(port: int, scale: Scale) -> float:
    """Turns a second when contacts who have never written before come as fast as replies go."""
    name = f"full{next(_runs)}"
    load = Load(port, key_of("api"), 256, messages=scale.turns * 3, contacts=0, prefix=name, run=name, wait=30.0)
    report = await loaded(load)
    if report.refused:
        raise NotMeasured("messages were not answered")
    return report.sent / report.seconds


async def _all_late(folder: Path, text: str, turns: int) -> list[int]:
    for _ in range(600):
        if len(late := _late(folder, text)) >= turns:
            return late
        await asyncio.sleep(0.1)
    raise NotMeasured("not all turns ended within a minute")


def _late(folder: Path, text: str) -> list[int]:
    db = sqlite3.connect(f"{database(folder, text).as_uri()}?mode=ro", uri=True)
    try:
        return [ms for (ms,) in db.execute(LATE + " ORDER BY turn.started_at")]
    finally:
        db.close()
