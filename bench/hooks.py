"""P11: a provider's message on disk before its 200, beside the door of our own API.

Each line is measured three times. With a provider that takes receipts and "typing…" at once, so that these cost all
they can; with one that takes as long as a network does; and without them: the door alone.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from aiohttp import web

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
NETWORK = 0.1
"""Seconds a provider far away takes to answer."""
WANTED = 1.5
_runs = count(1)


@dataclass(frozen=True, slots=True)
class Way:
    line: str
    late: bool = False

    @property
    def told(self) -> str:
        name, _, quiet = self.line.partition(".")
        late = f", answered in {NETWORK * 1000:.0f} ms" if self.late else ""
        return f"{name}{', no receipts' if quiet else late}"


OURS = Way("http")
WAYS = (OURS, *(way for line in TALKATIVE for way in (Way(line), Way(line, late=True), Way(f"{line}.quiet"))))


class LateGraph(FakeGraph):
    delay = 0.0
    """Seconds before it answers."""

    async def _messages(self, request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(self.delay)
        return await super()._messages(request)


class LateEvolution(FakeEvolution):
    delay = 0.0

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(self.delay)
        return await super()._chat(request)


class LateTelegram(FakeTelegram):
    delay = 0.0

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(self.delay)
        return await super()._answer(request)


@dataclass(frozen=True, slots=True)
class Providers:
    """In this process, which only waits while the gateway is measured."""

    graph: LateGraph
    evolution: LateEvolution
    telegram: LateTelegram

    @property
    def urls(self) -> Mapping[str, str]:
        """By the first word of a line's name."""
        return {"whatsapp_cloud": self.graph.url, "evolution": self.evolution.url, "telegram": self.telegram.url}

    def wait(self, seconds: float) -> None:
        """Before each answer from now on."""
        self.graph.delay = self.evolution.delay = self.telegram.delay = seconds


@asynccontextmanager
async def providers() -> AsyncIterator[Providers]:
    async with LateGraph() as graph, LateEvolution("2.4") as evolution, LateTelegram() as telegram:
        yield Providers(graph, evolution, telegram)


def channels(urls: Mapping[str, str], queue: str) -> str:
    """The TOML of every line."""
    return "".join(line.channel(urls.get(name.partition(".")[0], ""), queue) for name, line in LINES.items())


def run() -> int:
    """The number of the first message of a load."""
    return next(_runs) * A_RUN


async def hooks(scale: Scale, folder: Path) -> list[Row]:
    """Windows are so long that no turn begins."""
    found: dict[Way, list[Phase]] = defaultdict(list)
    async with providers() as behind:
        text = configuration("http://127.0.0.1:9/v1", window_ms=600_000, more=channels(behind.urls, "short"))
        async with started(gateway(folder, text, PUBLIC)) as program:
            for line in LINES:
                await _posted(program, line, scale.seconds / 4)
            for _ in range(scale.rounds):
                for way in WAYS:
                    behind.wait(NETWORK if way.late else 0.0)
                    found[way].append(await _posted(program, way.line, scale.seconds))
                    behind.wait(0.0)
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


def _rows(found: Mapping[Way, list[Phase]]) -> list[Row]:
    rows = []
    for way in WAYS:
        p = middle(found[way])
        what = f"{way.told}, {AT_ONCE} at a time"
        rows.append(Row(what, f"{p.rate:,.0f} msg/s · {p.cpu_us:.0f} µs CPU · p50 {p.p50:.1f} · p99 {p.p99:.1f} ms"))
    return rows


def _ratios(found: Mapping[Way, list[Phase]]) -> list[Row]:
    """Each of what was measured in the same round."""
    rows = []
    for way in WAYS[1:]:
        ratio = median([a.p99 / b.p99 for a, b in zip(found[way], found[OURS], strict=True)])
        rows.append(Row(f"p99, {way.told} : http", f"{ratio:.2f} ×", f"P11 ≤ {WANTED} ×", ratio <= WANTED))
    return rows
