"""For an hour, or as long as asked: does memory stay flat while people write all the time?

python3 -m bench.soak [--minutes 60] [--rate 5] [--store sqlite|postgres]
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import tempfile
import time
from pathlib import Path

import aiohttp

from bench.config import configuration, gateway, key_of
from bench.engines import POSTGRES, engines
from bench.machine import described
from bench.processes import Program, started
from gateway.cli import TIDY
from tests.fakes.openai import FakeOpenAI

CONTACTS = 5000
LOOK_S = 60.0
"""Between two readings."""


async def soak(minutes: float, rate: float, store: str) -> None:
    async with engines() as there, FakeOpenAI() as assistant:
        with tempfile.TemporaryDirectory() as kept:
            folder = Path(kept)
            url = there[POSTGRES].url(folder) if store == "postgres" else ""
            text = configuration(assistant.base_url, window_ms=50, **({"database": url} if url else {}))
            async with started(gateway(folder, text)) as program:
                await _written_to(program, assistant, minutes, rate)


async def _written_to(program: Program, assistant: FakeOpenAI, minutes: float, rate: float) -> None:
    end = time.monotonic() + minutes * 60
    read: list[float] = []
    writing = asyncio.create_task(_write(program.port, rate, end))
    print(f"{described()}\n{rate:g} messages a second for {minutes:g} minutes", flush=True)
    while not writing.done():
        await asyncio.wait([writing], timeout=LOOK_S)
        assistant.calls.clear()
        read.append(program.memory)
        print(f"{len(read):4d}  {read[-1]:7.1f} MB  {program.cpu:8.1f} s CPU", flush=True)
    _verdict(read)
    await writing


def _verdict(read: list[float]) -> None:
    """The first tenth is the start's own: what is loaded, what is cached."""
    settled = read[max(1, len(read) // 10) :] or read
    half = len(settled) // 2 or 1
    first, last = sum(settled[:half]) / half, sum(settled[-half:]) / half
    print(f"second half against the first: {last - first:+.1f} MB ({last / first:.3f} x), at most {max(read):.1f} MB")
    each = round(TIDY / LOOK_S)
    floors = [f"{min(read[n : n + each]):.1f}" for n in range(0, len(read) - each + 1, each)]
    if floors:
        print(f"least in each {TIDY / 60:g} minutes, so after giving back:", *floors, "MB")


async def _write(port: int, rate: float, end: float) -> None:
    """One message a beat, whoever's turn it is; no answer is waited for."""
    refused = 0
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {key_of('api')}"}) as http:
        began = time.monotonic()
        for n in itertools.count():
            if (now := time.monotonic()) >= end:
                break
            await asyncio.sleep(max(0.0, began + n / rate - now))
            body = {"id": f"m{n}", "contact": {"id": f"c{n % CONTACTS}"}, "text": f"Pergunta {n}?"}
            async with http.post(f"http://127.0.0.1:{port}/v1/channels/api/messages", json=body) as answer:
                refused += answer.status != 202
    print(f"{n} messages, {refused} refused", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--rate", type=float, default=5)
    parser.add_argument("--store", choices=("sqlite", "postgres"), default="sqlite")
    asked = parser.parse_args()
    asyncio.run(soak(asked.minutes, asked.rate, asked.store))


if __name__ == "__main__":
    main()
