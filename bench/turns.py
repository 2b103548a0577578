"""P3, P4, P6, P7: whole turns, from the message's first byte to the reply, with hosted parts that answer at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from bench import speech
from bench.config import configuration, gateway, key_of
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
async def served(folder: Path) -> AsyncIterator[Served]:
    """Contacts with more history than any queue takes along, and warm parts."""
    async with FakeOpenAI() as assistant, FakeElevenLabs() as voice:
        voice.concurrency = 1000
        text = configuration(assistant.base_url, voice.url, window_ms=WINDOW_MS)
        await filled(folder, text, [f"k-{n}" for n in range(CONTACTS)], messages=120)
        async with started(gateway(folder, text)) as program:
            here = Served(program, voice)
            for channel in ("api", "long"):
                await here.turns(channel, CONTACTS * 2, CONTACTS)
            yield here


# -- text ------------------------------------------------------------------------------------------


async def text(scale: Scale, folder: Path) -> list[Row]:
    cpu: dict[str, list[float]] = defaultdict(list)
    calm: list[float] = []
    crowd: list[float] = []
    rates: list[float] = []
    async with served(folder) as here:
        for _ in range(scale.rounds):
            report, _ = await here.turns("api", scale.turns // 5, 1)
            calm += report.ms
            for channel in ("api", "long"):
                report, used = await here.turns(channel, scale.turns, CONTACTS)
                cpu[channel].append(used)
                if channel == "api":
                    crowd += report.ms
                    rates.append(report.sent / report.seconds)
    return _text_rows({name: median(used) for name, used in cpu.items()}, calm, crowd, median(rates))


def _text_rows(cpu: dict[str, float], calm: list[float], crowd: list[float], rate: float) -> list[Row]:
    p50, p99 = at(0.5, calm) - WINDOW_MS, at(0.99, crowd) - WINDOW_MS
    longer = cpu["long"] / cpu["api"]
    tails = f"p50 {at(0.5, crowd) - WINDOW_MS:.0f} · p99 {p99:.0f} ms"
    return [
        Row("CPU of a text turn, 20 messages of history", f"{cpu['api']:.1f} ms", "P3 ≤ 4 ms", cpu["api"] <= 4),
        Row("the same with 100", f"{cpu['long']:.1f} ms ({longer:.2f} ×)", "P3 ≤ 1.15 ×", longer <= 1.15),
        Row(
            "added beyond window and model, one at a time",
            f"p50 {p50:.1f} · p99 {at(0.99, calm) - WINDOW_MS:.0f} ms",
            "P6 p50 ≤ 15 ms",
            p50 <= 15,
        ),
        Row(f"added, {CONTACTS} at a time", tails, "P6 p99 ≤ 300 ms", p99 <= 300),
        Row(f"text turns, {CONTACTS} contacts without a pause", f"{rate:.0f} a second", "P7 ≥ 200", rate >= 200),
    ]


# -- voice -----------------------------------------------------------------------------------------


async def voice(scale: Scale, folder: Path) -> list[Row]:
    """A reply of three stretches, each with a sound of its own, as a voice note: sounds that fit, and such that must be
    encoded."""
    sounds = {"fits": answer(speech.as_note(), "audio/ogg"), "mp3": answer(speech.as_mp3(), "audio/mpeg")}
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


async def _spoken(here: Served, sound: Fault, replies: int, at_once: int) -> tuple[Report, float]:
    here.voice.next(*[sound] * replies)
    return await here.turns("spoken", replies, at_once)
