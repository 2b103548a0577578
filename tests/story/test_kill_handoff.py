"""kill -9 while conversations are handed over: one transfer message each, and people are told of each."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import aiohttp
import pytest

from tests.fakes.callback import SECRET, FakeCallback
from tests.fakes.openai import FakeOpenAI
from tests.story.running import toml
from tests.story.served import Served
from tests.story.test_kill import AUTH, Writer, live_for

KILLS = 7
"""Fewer than the claims a turn has: nothing is given up here."""
WRITERS = 5
MARKER = "Ação: Transferir para o setor de atendimento"


def configured(openai: FakeOpenAI, desk: FakeCallback) -> str:
    people = (
        f'[queues.handoff]\nmessage = "Já chamo alguém."\n[queues.handoff.desk]\ntype = "webhook"\nurl = "{desk.url}"'
    )
    queue = toml(openai.base_url, openai_key=openai.key, interval=60, max_wait=300)
    return queue.replace("[[channels]]", f'{people}\nsecret = "{SECRET}"\n\n[[channels]]', 1)


@pytest.mark.kill
async def test_kills_hand_each_conversation_over_once(tmp_path: Path) -> None:
    seed = random.randrange(10**6)
    print("seed", seed)
    chance = random.Random(seed)
    async with FakeOpenAI(lambda _: MARKER) as openai, FakeCallback() as desk:
        config = tmp_path / "recado.toml"
        config.write_text(configured(openai, desk))
        served = Served(config)
        writers: list[Writer] = []
        for round in range(KILLS):
            new = [Writer(served.url, f"w{round}-{n}", "api", AUTH) for n in range(WRITERS)]
            writers += new
            await served.start()
            life = asyncio.create_task(live_for(1.0, new))
            await asyncio.sleep(chance.uniform(0.1, 0.7))
            await served.kill()
            await life
        await served.start()
        talked = [writer for writer in writers if writer.acknowledged]
        assert talked
        async with aiohttp.ClientSession() as http:
            for writer in talked:
                await told(desk, writer)
                texts = [m["part"]["text"] for m in await writer.messages(http) if m["from"] == "assistant"]
                assert texts == ["Já chamo alguém."], f"{writer.name}: {texts}"
        cases = [payload["data"] for _, payload in desk.seen if payload["type"] == "handoff.requested"]
        assert len(cases) - len({case["handoff_id"] for case in cases}) <= KILLS * WRITERS
        assert len({case["handoff_id"] for case in cases}) == len({case["conversation"]["id"] for case in cases})
        code, _ = await served.terminate()
        assert code == 0


async def told(desk: FakeCallback, writer: Writer) -> None:
    """The desk knows of the conversation, in the end."""
    async with asyncio.timeout(120):
        while writer.conversation not in {payload["data"]["conversation"]["id"] for _, payload in desk.seen}:
            await asyncio.sleep(0.1)
