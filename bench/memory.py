"""P8: what the gateway holds in memory, idle and with a hundred thousand conversations."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

from bench.config import configuration, gateway, key_of
from bench.engines import POSTGRES, engines, missing
from bench.history import asleep, waiting
from bench.loader import Load, loaded
from bench.processes import Program, started
from bench.rows import Row, Scale, median
from tests.fakes.openai import FakeOpenAI

SETTLE_S = 1.0


async def memory(scale: Scale, folder: Path) -> list[Row]:
    async with FakeOpenAI() as assistant:
        text = configuration(assistant.base_url, window_ms=50)
        rows, empty, small = await _small(folder, text, scale)
        elsewhere = await _on_postgres(_new(folder / "postgres"), assistant.base_url, scale)
        large = _new(folder / "large")
        contacts = [f"known-{n}" for n in range(scale.conversations)]
        await asleep(large, text, contacts)
        idle, cpu = await _used(large, text, scale)
        await waiting(large, text, contacts)
        armed, _ = await _used(large, text, scale, turns=False)
    return rows + _large_rows(scale.conversations, empty, idle, armed, cpu / small) + elsewhere


async def _small(folder: Path, text: str, scale: Scale) -> tuple[list[Row], float, float]:
    """Rows, megabytes when idle, and CPU of a turn in a small database."""
    async with started(gateway(folder, text)) as program:
        await asyncio.sleep(SETTLE_S)
        empty, encoder = program.memory, program.memory_of_children
        _, cpu = await _turns(program, scale.turns, "warm")
        busy = program.memory
        await _turns(program, 1000, "more")
        grown = program.memory - busy
    rows = [
        Row("memory, idle", f"{empty:.0f} MB", "P8 ≤ 120 MB", empty <= 120),
        Row("and of its encoder, a process of its own", f"{encoder:.0f} MB"),
        Row("more after the first turns", f"{busy - empty:.0f} MB"),
        Row("more after 1,000 further conversations", f"{grown:.1f} MB", "P8 ≤ 20 MB", grown <= 20),
    ]
    return rows, empty, cpu


def _new(folder: Path) -> Path:
    folder.mkdir()
    return folder


async def _on_postgres(folder: Path, assistant_url: str, scale: Scale) -> list[Row]:
    """Conversations are the server's memory then, and not ours."""
    async with engines() as there:
        if POSTGRES not in there:
            return missing(there)
        text = configuration(assistant_url, window_ms=50, database=there[POSTGRES].url(folder))
        rows, _, _ = await _small(folder, text, scale)
    return [replace(row, what=f"{POSTGRES}: {row.what}") for row in rows]


async def _used(folder: Path, text: str, scale: Scale, *, turns: bool = True) -> tuple[float, float]:
    """Megabytes after a start on this database, and then CPU of a turn in it."""
    async with started(gateway(folder, text)) as program:
        await asyncio.sleep(SETTLE_S)
        megabytes = program.memory
        cpu = (await _turns(program, scale.turns, "late"))[1] if turns else 0.0
    return megabytes, cpu


async def _turns(program: Program, count: int, prefix: str) -> tuple[float, float]:
    """Turns of contacts who write once: turns a second, and CPU milliseconds of each."""
    measured = []
    for part in range(3):
        before = program.cpu
        name = f"{prefix}{part}"
        load = Load(
            program.port, key_of("api"), 32, messages=max(20, count // 3), contacts=0, prefix=name, run=name, wait=30.0
        )
        report = await loaded(load)
        measured.append((report.sent / report.seconds, (program.cpu - before) / report.sent * 1000))
    return median([rate for rate, _ in measured]), median([cpu for _, cpu in measured])


def _large_rows(count: int, empty: float, idle: float, armed: float, slower: float) -> list[Row]:
    more = armed - empty

    def each(megabytes: float) -> str:
        return f"{megabytes:.1f} MB ({megabytes * 2**20 / count:.0f} B each)"

    return [
        Row(f"more with {count:,} idle conversations on disk", each(idle - empty)),
        Row(f"more with {count:,} waiting for their windows", each(more), "P8 ≤ 50 MB", more <= 50),
        Row(f"CPU of a text turn beside {count:,} conversations", f"{slower:.2f} ×", "P3 ≤ 1.15 ×", slower <= 1.15),
    ]
