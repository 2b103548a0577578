"""What a voice note costs on each channel: it comes in, is heard, answered, and the answer is spoken and delivered.

The API's note is delivered when the callback's owner has fetched it: its link is no sound yet.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from bench import speech
from bench.config import configuration, gateway
from bench.hooks import PUBLIC, Providers, channels, providers, run
from bench.lines import LINES, TALKATIVE, Api, sound
from bench.loader import Load, loaded
from bench.processes import Program, started
from bench.rows import NotMeasured, Row, Scale, median
from tests.fakes.callback import FakeCallback
from tests.fakes.elevenlabs import FakeElevenLabs
from tests.fakes.openai import FakeOpenAI
from tests.fakes.wire import answer

RATE = 12.0
"""Notes a second: below what recado allows itself on any channel, so that none waits for its pace."""
PATIENCE = 60.0
WAYS = ("http", *TALKATIVE)
CALLBACK = LINES["http"]


class Owner:
    """Of the callback: takes replies and fetches their notes."""

    def __init__(self, callback: FakeCallback) -> None:
        self.fetched, self._callback = 0, callback

    async def fetch(self, port: int) -> None:
        """For ever."""
        assert isinstance(CALLBACK, Api)
        async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {CALLBACK.key}"}) as http:
            while True:
                reply = await self._callback.arrivals.get()
                for part in reply["data"]["parts"]:
                    self.fetched += await _got(http, port, part)


async def _got(http: aiohttp.ClientSession, port: int, part: Mapping[str, Any]) -> bool:
    if part["kind"] != "voice":
        return False
    path = urlsplit(part["media"]["url"]).path
    async with http.get(f"http://127.0.0.1:{port}{path}") as found:
        return found.status == 200 and bool(await found.read())


@dataclass(frozen=True, slots=True)
class Served:
    gateway: Program
    behind: Providers
    voice: FakeElevenLabs
    owner: Owner
    delivered: Mapping[str, Callable[[], int]] = field(init=False)
    """Notes so far, by line."""

    def __post_init__(self) -> None:
        graph, evolution, telegram = self.behind.graph, self.behind.evolution, self.behind.telegram
        ways = {
            "http": lambda: self.owner.fetched,
            "whatsapp_cloud": lambda: sum(call.json["type"] == "audio" for call in graph.sent),
            "evolution": lambda: sum("audio" in call.json for call in evolution.sent),
            "telegram": lambda: len(telegram.called("sendVoice")),
        }
        object.__setattr__(self, "delivered", ways)

    async def notes(self, line: str, notes: int) -> float:
        """CPU milliseconds of each."""
        first, had, before = run(), self.delivered[line](), self.gateway.cpu
        for number in range(first, first + notes):
            self.behind.graph.keep(str(number), sound(number))
            self.behind.telegram.files[f"f{number}"] = (f"voice/{number}.oga", sound(number))
        self.voice.next(*[answer(speech.as_another_note(), "audio/ogg") for _ in range(notes)])
        load = Load(self.gateway.port, "", 16, messages=notes, rate=RATE, contacts=0, line=line, first=first, spoken=1)
        report = await loaded(load)
        if report.refused:
            raise NotMeasured(f"{report.refused} voice notes of {line} were refused")
        await self._delivered(line, had + notes)
        return (self.gateway.cpu - before) / notes * 1000

    async def _delivered(self, line: str, wanted: int) -> None:
        end = time.perf_counter() + PATIENCE
        while (missing := wanted - self.delivered[line]()) > 0:
            if time.perf_counter() > end:
                raise NotMeasured(f"{missing} voice notes never came to {line}")
            await asyncio.sleep(0.02)


@asynccontextmanager
async def served(folder: Path) -> AsyncIterator[Served]:
    replies = count()
    async with (
        FakeOpenAI(lambda question: f"Sim, no sábado de manhã. Seu pedido é o de número {next(replies)}.") as openai,
        FakeElevenLabs() as voice,
        FakeCallback() as callback,
        providers() as behind,
    ):
        voice.concurrency = 1000
        more = channels({**behind.urls, "http": callback.url}, "mirrored")
        text = configuration(openai.base_url, voice.url, more=more)
        async with started(gateway(folder, text, PUBLIC)) as program:
            owner = Owner(callback)
            fetching = asyncio.create_task(owner.fetch(program.port))
            yield Served(program, behind, voice, owner)
            fetching.cancel()


async def notes(scale: Scale, folder: Path) -> list[Row]:
    cpu: dict[str, list[float]] = defaultdict(list)
    async with served(folder) as here:
        for line in WAYS * 2:
            await here.notes(line, 1)
        for _ in range(scale.rounds):
            for line in WAYS:
                cpu[line].append(await here.notes(line, scale.notes // 2))
    return _rows(cpu)


def _rows(cpu: Mapping[str, list[float]]) -> list[Row]:
    rows = [Row("http, fetched after its callback", f"{median(cpu['http']):.1f} ms CPU a note")]
    for line in TALKATIVE:
        ratio = median([theirs / ours for theirs, ours in zip(cpu[line], cpu["http"], strict=True)])
        rows.append(Row(line, f"{median(cpu[line]):.1f} ms CPU a note ({ratio:.2f} × http)"))
    return rows
