"""How much it takes, and how long each waits, while ever more is asked: messages taken and replies given, on both
stores, at rates that nobody's answer slows down."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

from bench.config import configuration, gateway, key_of
from bench.engines import Engine, engines, missing
from bench.loader import Load, Report, loaded
from bench.picture import Picture
from bench.processes import Program, started
from bench.rows import Row, Scale, at
from tests.fakes.openai import FakeOpenAI

TAKEN = (250, 500, 1000, 1500, 2000, 2500, 3000, 3500, 4000, 5000, 6000, 8000)
"""Messages a second."""
ANSWERED = (10, 20, 40, 60, 80, 100, 120, 140, 160, 180, 200, 250, 300)
"""Turns a second."""
FULL = 0.95
"""Of what was asked; where less is done, it is too much."""
LATEST_MS = 1000
"""p99; what waits longer is queued up and not served."""
WINDOW_MS = 50
PATIENCE = 30.0
_runs = count()


@dataclass(frozen=True, slots=True)
class Step:
    rate: float
    done: float
    """A second."""
    p50: float
    p99: float
    begun: float
    """Of those that were to be sent; what waited for a connection until the end was not."""

    @property
    def kept_up(self) -> bool:
        return self.begun >= FULL and self.p99 <= LATEST_MS


async def taken(scale: Scale, folder: Path) -> list[Row | Picture]:
    """Messages on disk, then 202; their windows are so long that no turn begins."""
    return await _rising(scale, folder, TAKEN, window_ms=600_000, connections=128, replies=False)


async def answered(scale: Scale, folder: Path) -> list[Row | Picture]:
    """Messages of contacts who write once, until the reply; the model answers at once."""
    return await _rising(scale, folder, ANSWERED, window_ms=WINDOW_MS, connections=512, replies=True)


async def _rising(
    scale: Scale, folder: Path, rates: Sequence[int], *, window_ms: int, connections: int, replies: bool
) -> list[Row | Picture]:
    found: dict[str, list[Step]] = defaultdict(list)
    async with FakeOpenAI() as assistant, engines() as there, AsyncExitStack() as stack:
        programs = {}
        for name, engine in there.items():
            programs[name] = await _gateway(stack, engine, folder, assistant.base_url, window_ms)
            await _step(programs[name], connections, rates[0], 1.0, replies=replies)
        for rate in rates:
            for name, program in programs.items():
                if all(step.kept_up for step in found[name]):
                    step = await _step(program, connections, rate, scale.step_seconds, replies=replies)
                    found[name].append(step)
        lack = missing(there)
    return [*(_row(name, steps, replies) for name, steps in found.items()), *lack, _picture(found, replies)]


async def _gateway(stack: AsyncExitStack, engine: Engine, folder: Path, url: str, window_ms: int) -> Program:
    place = folder / engine.name
    place.mkdir()
    text = configuration(url, window_ms=window_ms, database=engine.url(place))
    return await stack.enter_async_context(started(gateway(place, text, beside=engine)))


async def _step(program: Program, connections: int, rate: float, seconds: float, *, replies: bool) -> Step:
    name = f"u{next(_runs)}"
    load = Load(program.port, key_of("api"), connections, seconds, rate=rate, run=name, due=1)
    if replies:
        load = replace(load, contacts=0, prefix=name, wait=PATIENCE)
    return _measured(await loaded(load), load, WINDOW_MS if replies else 0)


def _measured(report: Report, load: Load, window: int) -> Step:
    """A reply that never came came last of all."""
    ms = [*report.ms, *[PATIENCE * 1000] * report.refused]
    well, begun = report.sent - report.refused, (report.sent + 1) / (load.rate * load.seconds)
    return Step(load.rate, well / report.seconds, at(0.5, ms) - window, at(0.99, ms) - window, begun)


def _row(name: str, steps: Sequence[Step], replies: bool) -> Row:
    what = "text turns offered at a rising rate" if replies else "messages offered at a rising rate"
    kept = [step for step in steps if step.kept_up]
    best = kept[-1] if kept else None
    upto = f"keeps up to {_said(best)}" if best else "keeps up with none of them"
    over = steps[-1]
    return Row(f"{name}: {what}", upto if over is best else f"{upto}; {over.rate:,.0f} are too many: {_said(over)}")


def _said(step: Step) -> str:
    return f"{step.done:,.0f} a second · p50 {step.p50:,.1f} · p99 {step.p99:,.0f} ms"


def _picture(found: Mapping[str, Sequence[Step]], replies: bool) -> Picture:
    lines = {}
    for name, steps in found.items():
        lines[f"{name} p50"] = [(step.rate, max(0.1, step.p50)) for step in steps]
        lines[f"{name} p99"] = [(step.rate, max(0.1, step.p99)) for step in steps]
    if replies:
        return Picture(
            "answer-curve", "Replies, beyond window and model", "text turns a second", "ms", lines, steep=True
        )
    return Picture("accept-curve", "Messages on disk, then 202", "messages a second", "ms", lines, steep=True)
