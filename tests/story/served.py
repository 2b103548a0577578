"""The real command as a process of its own, to be killed and started again."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from pathlib import Path

import aiohttp

ROOT = Path(__file__).parents[2]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Served:
    """`recado run --config FILE`, listening on a port of its own."""

    def __init__(self, config: Path) -> None:
        self.config, self.port = config, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Returns once it takes messages."""
        command = [sys.executable, "-m", "gateway", "run", "--config", str(self.config), "--port", str(self.port)]
        self._process = await asyncio.create_subprocess_exec(
            *command, cwd=ROOT, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE, env=dict(os.environ)
        )
        async with aiohttp.ClientSession() as http:
            while not await self._ready(http):
                if self._process.returncode is not None:
                    assert self._process.stderr is not None
                    raise AssertionError((await self._process.stderr.read()).decode())
                await asyncio.sleep(0.02)

    async def _ready(self, http: aiohttp.ClientSession) -> bool:
        try:
            async with http.get(f"{self.url}/readyz") as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False

    async def kill(self) -> None:
        await self._end(signal.SIGKILL)

    async def terminate(self) -> tuple[int, str]:
        """(exit code, what it said on stderr)"""
        return await self._end(signal.SIGTERM)

    async def _end(self, number: signal.Signals) -> tuple[int, str]:
        assert self._process is not None
        self._process.send_signal(number)
        _, said = await self._process.communicate()
        return self._process.returncode or 0, said.decode()

    def limit_files(self, largest: int) -> None:
        """No file may grow beyond so many bytes: to the process, the disk is full. Linux only."""
        import resource

        assert self._process is not None
        resource.prlimit(self._process.pid, resource.RLIMIT_FSIZE, (largest, resource.RLIM_INFINITY))
