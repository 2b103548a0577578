"""P9: from the command to the first reply."""

from __future__ import annotations

import time
from pathlib import Path

from bench.config import configuration, gateway, key_of
from bench.loader import Load, main
from bench.rows import Row, Scale, median
from tests.fakes.openai import FakeOpenAI

WINDOW_MS = 50


async def cold_start(scale: Scale, folder: Path) -> list[Row]:
    ready, replied = [], []
    async with FakeOpenAI() as assistant:
        for n in range(scale.rounds + 1):
            place = folder / str(n)
            place.mkdir()
            first = await _start(place, configuration(assistant.base_url, window_ms=WINDOW_MS))
            ready.append(first[0])
            replied.append(first[1])
    took, then = median(ready), median(replied)
    return [
        Row("cold start, until /readyz says 200", f"{took:.2f} s", "P9 ≤ 2 s", took <= 2),
        Row("until the first reply", f"{then:.2f} s", "P9 ≤ 4 s", then <= 4),
    ]


async def _start(folder: Path, text: str) -> tuple[float, float]:
    program, began = gateway(folder, text), time.perf_counter()
    try:
        ready = await program.start()
        await main(Load(program.port, key_of("api"), messages=1, wait=30.0))
        return ready, time.perf_counter() - began - WINDOW_MS / 1000
    finally:
        await program.end()
