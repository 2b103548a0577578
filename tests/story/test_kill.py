"""kill -9 at random points: nothing that was acknowledged is lost, and nothing is answered twice."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections import Counter
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.fakes import openai as wire
from tests.fakes.callback import SECRET, FakeCallback
from tests.fakes.openai import FakeOpenAI
from tests.story.running import KEY, toml
from tests.story.served import Served

KILLS = 20
CALM = 5
"""After so many kills in a row, everything open is answered: more of them, on a slow machine, are rightly given up."""
WRITERS = 6
AUTH = {"Authorization": f"Bearer {KEY}"}
CRM = {"Authorization": "Bearer crm-key-0123456"}


class Writer:
    """Writes one message after the other, and sends a message again until it was acknowledged."""

    def __init__(self, url: str, name: str, channel: str, headers: dict[str, str]) -> None:
        self.url, self.name, self.headers = url, name, headers
        self.address = f"{url}/v1/channels/{channel}/messages"
        self.acknowledged: list[str] = []
        self.conversation = ""
        self._numbers = itertools.count()
        self._open = ""

    async def write(self, http: aiohttp.ClientSession) -> None:
        while True:
            self._open = self._open or f"{self.name}/{next(self._numbers)}"
            body = {"id": self._open, "contact": {"id": self.name}, "text": self._open}
            async with http.post(self.address, json=body, headers=self.headers) as answer:
                assert answer.status == 202, await answer.text()
                self.conversation = (await answer.json())["conversation"]
            self.acknowledged.append(self._open)
            self._open = ""
            await asyncio.sleep(random.random() * 0.08)

    async def messages(self, http: aiohttp.ClientSession) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        after = "0-0"
        while True:
            url = f"{self.url}/v1/conversations/{self.conversation}/messages"
            async with http.get(url, params={"after": after}, headers=self.headers) as answer:
                page = await answer.json()
            if not page["messages"]:
                return found
            found, after = found + page["messages"], page["cursor"]

    def answered(self, messages: list[dict[str, Any]]) -> list[str]:
        texts = [m["part"]["text"] for m in messages if m["from"] == "assistant"]
        return [line for text in texts for line in text.removeprefix("Echo: ").split("\n")]


async def live_for(seconds: float, writers: list[Writer]) -> None:
    """Everybody writes until the time is up or the server is gone."""
    async with aiohttp.ClientSession() as http:
        tasks = [asyncio.create_task(writer.write(http)) for writer in writers]
        await asyncio.wait(tasks, timeout=seconds)
        for task in tasks:
            task.cancel()
        for error in await asyncio.gather(*tasks, return_exceptions=True):
            assert isinstance(error, asyncio.CancelledError | aiohttp.ClientError | ConnectionError), error


@pytest.mark.kill
async def test_twenty_kills_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    seed = random.randrange(10**6)
    print("seed", seed)
    chance = random.Random(seed)
    async with FakeOpenAI() as openai, FakeCallback() as callback:
        openai.play(*(wire.spoken(delay=0.005) for _ in range(10_000)))
        config = tmp_path / "recado.toml"
        config.write_text(configured(openai, callback))
        served = Served(config)
        writers = [Writer(served.url, f"w{n}", "api", AUTH) for n in range(WRITERS)]
        writers += [Writer(served.url, "pushed", "crm", CRM)]
        for number in range(KILLS):
            await served.start()
            if number % CALM == 0:
                await all_settled(writers)
            life = asyncio.create_task(live_for(2.0, writers))
            await asyncio.sleep(chance.uniform(0.05, 0.8))
            await served.kill()
            await life
        await served.start()
        await live_for(0.3, writers)
        await all_settled(writers)
        async with aiohttp.ClientSession() as http:
            for writer in writers:
                check(writer, await writer.messages(http))
        await pushed_everything(callback, writers[-1])
        code, _ = await served.terminate()
        assert code == 0


def configured(openai: FakeOpenAI, callback: FakeCallback) -> str:
    crm = '[[channels]]\nname = "crm"\ntype = "http"\nqueue = "loja"\nkey = "crm-key-0123456"\n'
    crm += f'callback_url = "{callback.url}"\ncallback_secret = "{SECRET}"\n'
    return toml(openai.base_url, openai_key=openai.key, interval=60, max_wait=300, more=crm)


async def all_settled(writers: list[Writer]) -> None:
    async with aiohttp.ClientSession() as http:
        for writer in writers:
            await settled(http, writer)


async def settled(http: aiohttp.ClientSession, writer: Writer) -> None:
    """Wait until everything acknowledged has been answered, however long that takes; a handover would be for ever."""
    while writer.acknowledged and not set(writer.acknowledged) <= set(
        answered := writer.answered(await writer.messages(http))
    ):
        assert not [text for text in answered if "/" not in text], "killed too often in a row: handed over"
        await asyncio.sleep(0.1)


def check(writer: Writer, messages: list[dict[str, Any]]) -> None:
    written = [m["part"]["text"] for m in messages if m["from"] == "contact"]
    answered = writer.answered(messages)
    assert set(writer.acknowledged) <= set(written), "an acknowledged message was lost"
    assert [text for text, n in Counter(written).items() if n > 1] == [], "a message was taken twice"
    assert [text for text, n in Counter(answered).items() if n > 1] == [], "a message was answered twice"
    numbers = [int(text.rpartition("/")[2]) for text in answered]
    assert numbers == sorted(numbers), "answers came out of order"


async def pushed_everything(callback: FakeCallback, writer: Writer) -> None:
    """Each reply arrived at least once, in order; repeats carry the same id and are at most one a kill."""
    def lines() -> list[str]:
        parts = [payload["data"]["parts"] for _, payload in callback.seen]
        return [line for (part,) in parts for line in part["text"].removeprefix("Echo: ").split("\n")]

    while not set(writer.acknowledged) <= set(lines()):
        await asyncio.sleep(0.1)
    first_seen = list(dict.fromkeys(id for id, _ in callback.seen))
    assert len(callback.seen) - len(first_seen) <= KILLS
    numbers = [int(line.rpartition("/")[2]) for line in dict.fromkeys(lines())]
    assert numbers == sorted(numbers)


@pytest.mark.kill
async def test_sigterm_lets_what_runs_finish(tmp_path: Path) -> None:
    async with FakeOpenAI() as openai, FakeCallback() as callback:
        openai.play(wire.spoken(delay=0.2))
        config = tmp_path / "recado.toml"
        config.write_text(configured(openai, callback))
        served = Served(config)
        await served.start()
        writer = Writer(served.url, "w", "api", AUTH)
        async with aiohttp.ClientSession() as http:
            body = {"id": "1", "contact": {"id": "w"}, "text": "oi"}
            async with http.post(writer.address, json=body, headers=AUTH) as answer:
                writer.conversation = (await answer.json())["conversation"]
            await openai.arrived.wait()
            code, said = await served.terminate()
            assert code == 0, said
            await served.start()
            assert writer.answered(await writer.messages(http)) == ["oi"]
        assert len(openai.asked) == 1, "the answer was finished before the end, not made again after it"
        await served.terminate()


@pytest.mark.kill
async def test_a_second_process_on_the_same_database_is_refused(tmp_path: Path) -> None:
    async with FakeOpenAI() as openai, FakeCallback() as callback:
        config = tmp_path / "recado.toml"
        config.write_text(configured(openai, callback))
        first, second = Served(config), Served(config)
        await first.start()
        with pytest.raises(AssertionError, match="cannot start"):
            await second.start()
        await first.terminate()
