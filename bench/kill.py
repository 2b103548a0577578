"""P10: kill -9 with twenty turns in the model."""

from __future__ import annotations

import asyncio
import signal
import time
from pathlib import Path

import aiohttp

from bench.config import ADMIN, configuration, gateway, key_of
from bench.engines import Engine, engines, missing
from bench.loader import Load, main
from bench.processes import Program
from bench.rows import Row, Scale
from gateway.loops import LEASE
from storage.model import conversation_id
from tests.fakes.openai import FakeOpenAI, spoken

OPEN = 20


async def kill(scale: Scale, folder: Path) -> list[Row]:
    """On a file the next start knows that whoever held leases is gone; on PostgreSQL they have to run out."""
    async with engines() as there:
        return [await _killed(engine, folder) for engine in there.values()] + missing(there)


async def _killed(engine: Engine, parent: Path) -> Row:
    folder = parent / engine.name
    folder.mkdir()
    async with FakeOpenAI() as assistant:
        never = asyncio.Event()
        assistant.play(*[spoken(gate=never)] * OPEN)
        program = gateway(folder, configuration(assistant.base_url, database=engine.url(folder)))
        try:
            await program.start()
            await main(Load(program.port, key_of("api"), connections=OPEN, messages=OPEN, contacts=0))
            await assistant.crowded(OPEN)
            await program.end(signal.SIGKILL)
            never.set()
            began = time.perf_counter()
            await program.start()
            answers = await _answers(program)
            took = time.perf_counter() - began
            await asyncio.sleep(1)
            answers = await _answers(program)
        finally:
            await program.end()
    return _row(engine.name, answers, took)


def _row(name: str, answers: list[int], took: float) -> Row:
    lost, twice = answers.count(0), sum(n > 1 for n in answers)
    well = not lost and not twice and took <= LEASE / 1000 + 5
    what = f"{name}: kill -9 with {OPEN} turns in the model"
    found = f"{lost} lost, {twice} twice, all answered {took:.1f} s after the restart began"
    return Row(what, found, f"P10 0, 0, ≤ {LEASE // 1000 + 5} s", well)


async def _answers(program: Program) -> list[int]:
    """Of each conversation, once all have one or the lease would have ended long ago."""
    answers: list[int] = []
    end = time.perf_counter() + LEASE / 1000 + 15
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {ADMIN}"}) as http:
        while time.perf_counter() < end:
            answers = [await _heard(http, program.port, f"k-{n}") for n in range(OPEN)]
            if all(answers):
                break
            await asyncio.sleep(0.02)
    return answers


async def _heard(http: aiohttp.ClientSession, port: int, contact: str) -> int:
    url = f"http://127.0.0.1:{port}/v1/conversations/{conversation_id('api', contact)}/messages"
    async with http.get(url) as answer:
        messages = (await answer.json())["messages"]
    return sum(message["from"] == "assistant" for message in messages)
