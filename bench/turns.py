"""P3, P4, P6, P7: whole turns, from the message's first byte to the reply, with hosted parts that answer at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from bench import speech
from bench.config import configuration, gateway, key_of
from bench.engines import POSTGRES, Engine, engines, missing
from bench.history import filled
from bench.loader import Load, Report, loaded
from bench.processes import Program, started
from bench.rows import NotMeasured, Row, Scale, at, median
from tests.fakes.elevenlabs import FakeElevenLabs
from tests.fakes.openai import FakeOpenAI
from tests.fakes.wire import Fault, answer

WINDOW_MS = 50
PATIENCE = 30.0
CONTACTS = 32
_runs = count()


@dataclass(frozen=True, slots=True)
class Served:
    gateway: Program
    voice: FakeElevenLabs

    async def turns(self, channel: str, messages: int, at_once: int) -> tuple[Report, float]:
        """What the contacts saw, and CPU milliseconds a turn. Each contact writes again once it has its reply."""
        before = self.gateway.cpu
        report = await loaded(
            Load(
                self.gateway.port,
                key_of(channel),
                connections=at_once,
                messages=messages,
                channel=channel,
                contacts=CONTACTS,
                run=f"t{next(_runs)}",
                wait=PATIENCE,
            )
        )
        if report.refused:
            raise NotMeasured(f"{report.refused} of {report.sent} messages were not answered")
        return report, (self.gateway.cpu - before) / report.sent * 1000


@asynccontextmanager
async def served(folder: Path, engine: Engine | None = None) -> AsyncIterator[Served]:
    """Contacts with more history than any queue takes along, and warm parts."""
    async with FakeOpenAI() as assistant, FakeElevenLabs() as voice:
        voice.concurrency = 1000
        database = engine.url(folder) if engine else ""
        text = configuration(assistant.base_url, voice.url, window_ms=WINDOW_MS, database=database)
        await filled(folder, text, [f"k-{n}" for n in range(CONTACTS)], messages=120)
        async with started(gateway(folder, text, beside=engine)) as program:
            here = Served(program, voice)
            for channel in ("api", "long"):
                await here.turns(channel, CONTACTS * 2, CONTACTS)
            yield here


# -- text ------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Seen:
    """Of one gateway's text turns."""

    cpu: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    """Milliseconds a turn, by channel."""
    calm: list[float] = field(default_factory=list)
    """Milliseconds of each, one at a time."""
    crowd: list[float] = field(default_factory=list)
    """The same, all contacts at once."""
    rates: list[float] = field(default_factory=list)

    async def round(self, here: Served, turns: int) -> None:
        self.calm += (await here.turns("api", turns // 5, 1))[0].ms
        for channel in ("api", "long"):
            report, used = await here.turns(channel, turns, CONTACTS)
            self.cpu[channel].append(used)
            if channel == "api":
                self.crowd += report.ms
                self.rates.append(report.sent / report.seconds)


async def text(scale: Scale, folder: Path) -> list[Row]:
    """On each store, in turns."""
    async with engines() as there, AsyncExitStack() as stack:
        gateways = {}
        for name, engine in there.items():
            (folder / name).mkdir()
            gateways[name] = await stack.enter_async_context(served(folder / name, engine))
        seen = {name: Seen() for name in there}
        for _ in range(scale.rounds):
            for name, here in gateways.items():
                await seen[name].round(here, scale.turns)
    return [row for name in there for row in _text_rows(name, seen[name])] + missing(there)


def _text_rows(name: str, seen: Seen) -> list[Row]:
    cpu, rate = {channel: median(used) for channel, used in seen.cpu.items()}, median(seen.rates)
    p50, p99 = at(0.5, seen.calm) - WINDOW_MS, at(0.99, seen.crowd) - WINDOW_MS
    longer, server = cpu["long"] / cpu["api"], ", its server included" if name == POSTGRES else ""
    tails = f"p50 {at(0.5, seen.crowd) - WINDOW_MS:.0f} · p99 {p99:.0f} ms"
    alone = f"p50 {p50:.1f} · p99 {at(0.99, seen.calm) - WINDOW_MS:.0f} ms"
    return [
        Row(f"{name}: CPU of a text turn, 20 messages of history{server}", f"{cpu['api']:.1f} ms", "P3 ≤ 4 ms",
            cpu["api"] <= 4),
        Row(f"{name}: the same with 100", f"{cpu['long']:.1f} ms ({longer:.2f} ×)", "P3 ≤ 1.15 ×", longer <= 1.15),
        Row(f"{name}: added beyond window and model, one at a time", alone, "P6 p50 ≤ 15 ms", p50 <= 15),
        Row(f"{name}: added, {CONTACTS} at a time", tails, "P6 p99 ≤ 300 ms", p99 <= 300),
        Row(f"{name}: text turns, {CONTACTS} contacts without a pause", f"{rate:.0f} a second", "P7 ≥ 200",
            rate >= 200),
    ]  # fmt: skip


# -- voice -----------------------------------------------------------------------------------------


async def voice(scale: Scale, folder: Path) -> list[Row]:
    """A reply of three stretches, each with a sound of its own, as a voice note: sounds that fit, and such that must be
    encoded."""
    sounds = {
        "fits": lambda: answer(speech.as_another_note(), "audio/ogg"),
        "mp3": lambda: answer(speech.as_mp3(), "audio/mpeg"),
    }
    cpu: dict[str, list[float]] = defaultdict(list)
    calm: dict[str, list[float]] = defaultdict(list)
    async with served(folder) as here:
        for sound in sounds.values():
            await _spoken(here, sound, 2, 1)
        for _ in range(scale.rounds):
            for name, sound in sounds.items():
                _, used = await _spoken(here, sound, scale.notes if name == "fits" else scale.notes // 4, 4)
                cpu[name].append(used)
                report, _ = await _spoken(here, sound, scale.notes // 4, 1)
                calm[name] += report.ms
    fits, mp3 = median(cpu["fits"]), median(cpu["mp3"])
    return [
        Row("CPU of a voice turn whose sound already fits", f"{fits:.1f} ms", "P4 ≤ 3 ms", fits <= 3),
        Row("CPU of a voice turn from MP3", f"{mp3:.0f} ms ({mp3 / fits:.0f} × the one that fits)"),
        Row("added, sound that fits, one at a time", f"p50 {at(0.5, calm['fits']) - WINDOW_MS:.0f} ms"),
        Row("added, from MP3, one at a time", f"p50 {at(0.5, calm['mp3']) - WINDOW_MS:.0f} ms"),
    ]


async def _spoken(here: Served, sound: Callable[[], Fault], replies: int, at_once: int) -> tuple[Report, float]:
    here.voice.next(*[sound() for _ in range(replies)])
    return await here.turns("spoken", replies, at_once)
