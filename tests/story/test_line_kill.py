"""kill -9 while providers post: what was acknowledged is answered in order, and only sends under way may come twice."""

from __future__ import annotations

import asyncio
import random
from collections import Counter, defaultdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest

from tests.fakes.openai import FakeOpenAI
from tests.story.lines import Evolution, WhatsApp, config, until
from tests.story.served import Served

KILLS = 8
CONTACTS = 30
QUIETLY = {"presence": "false", "read_receipts": "false"}


class Provider:
    """Posts one message after the other, and posts it again until it is acknowledged, as providers do."""

    def __init__(self, line: Any, gateway: Any, chance: random.Random) -> None:
        self.line, self.gateway, self.chance = line, gateway, chance
        self.acknowledged: list[str] = []
        self._number, self._open = 0, b""

    async def post(self) -> None:
        while True:
            words = f"{self.line.name}-{self._number}"
            phone = f"5511999{self._number % CONTACTS:06}"
            self._open = self._open or self.line.message(f"id-{words}", words, phone=phone)
            if await self.line.post(self.gateway, self._open) == 200:
                self.acknowledged.append(words)
                self._number, self._open = self._number + 1, b""
            await asyncio.sleep(self.chance.random() * 0.02)

    async def for_a_while(self, seconds: float) -> None:
        task = asyncio.create_task(self.post())
        await asyncio.wait([task], timeout=seconds)
        task.cancel()
        (error,) = await asyncio.gather(task, return_exceptions=True)
        assert isinstance(error, asyncio.CancelledError | aiohttp.ClientError | ConnectionError), error

    def answered(self) -> list[str]:
        return [line for said in self.line.sent() for line in said.removeprefix("Echo: ").split("\n")]


@pytest.mark.kill
async def test_kills_while_providers_post(tmp_path: Path, zap: WhatsApp, evo: Evolution) -> None:
    seed = random.randrange(10**6)
    print("seed", seed)
    chance = random.Random(seed)
    async with FakeOpenAI() as openai:
        path = tmp_path / "recado.toml"
        path.write_text(config(openai, zap, evo, channel=QUIETLY, interval=60, max_wait=200))
        served = Served(path)
        providers = [Provider(line, SimpleNamespace(url=served.url), chance) for line in (zap, evo)]
        for _ in range(KILLS):
            await served.start()
            before = [len(provider.acknowledged) for provider in providers]
            life = [asyncio.create_task(provider.for_a_while(60)) for provider in providers]
            await asyncio.sleep(chance.uniform(0.05, 0.7))
            for provider, known in zip(providers, before, strict=True):
                await until(lambda p=provider, k=known: len(p.acknowledged) > k, "something acknowledged in each life")
            await served.kill()
            await asyncio.gather(*life)
        await served.start()
        for provider in providers:
            await provider.for_a_while(0.3)
            await until(lambda p=provider: set(p.acknowledged) <= set(p.answered()), "everything answered")
            check(provider)
        code, _ = await served.terminate()
        assert code == 0


def check(provider: Provider) -> None:
    twice = {words: n for words, n in Counter(provider.answered()).items() if n > 1}
    assert len(provider.acknowledged) >= KILLS
    assert sum(n - 1 for n in twice.values()) <= KILLS * 2, f"more than what was under way: {twice}"
    by_contact = defaultdict[int, list[int]](list)
    for words in dict.fromkeys(provider.answered()):
        number = int(words.rpartition("-")[2])
        by_contact[number % CONTACTS].append(number)
    assert all(numbers == sorted(numbers) for numbers in by_contact.values()), "answers came out of order"
