"""P11: a provider's message on disk before its 200, beside the door of our own API."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from bench.config import configuration, gateway
from bench.ingest import Phase, middle, phase
from bench.lines import LINES, TALKATIVE
from bench.loader import Load
from bench.processes import Program, started
from bench.rows import Row, Scale, median
from tests.fakes.evolution import FakeEvolution
from tests.fakes.graph import FakeGraph
from tests.fakes.telegram import FakeTelegram

AT_ONCE = 64
CONTACTS = 64
"""Of each line: as many as can write at once."""
PUBLIC = {"RECADO_SERVER__PUBLIC_URL": "https://desk.example.com"}
"""Telegram posts to nothing else."""
A_RUN = 100_000
"""Numbers of messages kept for one load."""
WANTED = 1.5
_runs = count(1)


@dataclass(frozen=True, slots=True)
class Providers:
    """In this process, which only waits while the gateway is measured."""

    graph: FakeGraph
    evolution: FakeEvolution
    telegram: FakeTelegram

    @property
    def urls(self) -> Mapping[str, str]:
        """By the first word of a line's name."""
        return {"whatsapp_cloud": self.graph.url, "evolution": self.evolution.url, "telegram": self.telegram.url}


@asynccontextmanager
async def providers() -> AsyncIterator[Providers]:
    async with FakeGraph() as graph, FakeEvolution("2.4") as evolution, FakeTelegram() as telegram:
        yield Providers(graph, evolution, telegram)


def channels(urls: Mapping[str, str], queue: str) -> str:
    """The TOML of every line."""
    return "".join(line.channel(urls.get(name.partition(".")[0], ""), queue) for name, line in LINES.items())


def run() -> int:
    """The number of the first message of a load."""
    return next(_runs) * A_RUN


async def hooks(scale: Scale, folder: Path) -> list[Row]:
    """Windows are so long that no turn begins."""
    found: dict[str, list[Phase]] = defaultdict(list)
    async with providers() as behind:
        text = configuration("http://127.0.0.1:9/v1", window_ms=600_000, more=channels(behind.urls, "short"))
        async with started(gateway(folder, text, PUBLIC)) as program:
            for name in LINES:
                await _posted(program, name, scale.seconds / 4)
            for _ in range(scale.rounds):
                for name in LINES:
                    found[name].append(await _posted(program, name, scale.seconds))
    return [*_rows(found), *_ratios(found)]


async def _posted(program: Program, line: str, seconds: float) -> Phase:
    await _calm(program)
    return await phase(program, Load(program.port, "", AT_ONCE, seconds, contacts=CONTACTS, line=line, first=run()))


async def _calm(program: Program) -> None:
    """What the last load left to do, receipts above all, must not be counted to the next."""
    for _ in range(100):
        before = program.cpu
        await asyncio.sleep(0.2)
        if program.cpu - before <= 0.03:
            return


def _rows(found: Mapping[str, list[Phase]]) -> list[Row]:
    rows = []
    for name in LINES:
        p = middle(found[name])
        what = f"{_told(name)}, {AT_ONCE} at a time"
        rows.append(Row(what, f"{p.rate:,.0f} msg/s · {p.cpu_us:.0f} µs CPU · p50 {p.p50:.1f} · p99 {p.p99:.1f} ms"))
    return rows


def _told(name: str) -> str:
    return name.replace(".quiet", " without receipts and presence")


def _ratios(found: Mapping[str, list[Phase]]) -> list[Row]:
    rows = []
    for name in TALKATIVE:
        ratio, quiet = (_ratio(found[n], found["http"]) for n in (name, f"{name}.quiet"))
        what = f"p99 of {name} : http"
        rows.append(Row(what, f"{ratio:.2f} ×", f"P11 ≤ {WANTED} ×", ratio <= WANTED))
        rows.append(Row(f"{what}, without receipts and presence", f"{quiet:.2f} ×"))
    return rows


def _ratio(theirs: list[Phase], ours: list[Phase]) -> float:
    """Of what was measured in the same round."""
    return median([a.p99 / b.p99 for a, b in zip(theirs, ours, strict=True)])
