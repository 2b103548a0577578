"""Programs started to be measured, and what they used."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Protocol

from bench.rows import NotMeasured

ROOT = Path(__file__).parents[1]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Beside(Protocol):
    """What works for a program and is no child of it: a database server."""

    @property
    def cpu(self) -> float: ...


class Program:
    """`python -m MODULE ARGS` on a port of its own. What `beside` uses is counted to it."""

    def __init__(
        self,
        module: str,
        *args: str,
        port: int,
        env: Mapping[str, str] | None = None,
        beside: Beside | None = None,
    ) -> None:
        self.port, self.pid, self._beside = port, 0, beside
        self._command = [sys.executable, "-m", module, *args]
        self._env = {**os.environ, **(env or {})}
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> float:
        """Seconds until it was ready."""
        began = time.perf_counter()
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - as long as the program
        self._process = await asyncio.create_subprocess_exec(
            *self._command, cwd=ROOT, env=self._env, stdout=asyncio.subprocess.DEVNULL, stderr=self._said
        )
        self.pid = self._process.pid
        while not await ready(self.port):
            if self._process.returncode is not None:
                self._said.seek(0)
                raise NotMeasured(f"{self._command[2]} did not start: {self._said.read()[-500:].decode()}")
            await asyncio.sleep(0.005)
        return time.perf_counter() - began

    async def end(self, number: signal.Signals = signal.SIGTERM) -> None:
        if self._process and self._process.returncode is None:
            self._process.send_signal(number)
            await self._process.wait()
        if self._process:
            self._said.close()

    @property
    def cpu(self) -> float:
        """Seconds of processor time, user and system, of it, of the processes it started and of what is beside it."""
        return sum(_cpu(pid) for pid in _family(self.pid)) + (self._beside.cpu if self._beside else 0.0)

    @property
    def memory(self) -> float:
        """Megabytes of it alone; the encoder's process is counted by `memory_of_children`."""
        return _memory(self.pid)

    @property
    def memory_of_children(self) -> float:
        return sum(_memory(pid) for pid in _family(self.pid) if pid != self.pid)


@asynccontextmanager
async def started(program: Program) -> AsyncIterator[Program]:
    try:
        await program.start()
        yield program
    finally:
        await program.end()


async def ready(port: int) -> bool:
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    try:
        writer.write(b"GET /readyz HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n")
        return (await reader.readline()).split(b" ")[1:2] == [b"200"]
    except ConnectionError:
        return False
    finally:
        writer.close()


# -- what the kernel counted ------------------------------------------------------------------------


def _family(pid: int) -> Iterator[int]:
    yield pid
    for task in _folder(pid, "task").iterdir():
        with suppress(OSError):  # a thread that just ended has no children
            for child in (task / "children").read_text().split():
                yield from _family(int(child))


def _cpu(pid: int, fields: Sequence[int] = (11, 12)) -> float:
    said = _folder(pid, "stat").read_text().rpartition(")")[2].split()
    return sum(int(said[field]) for field in fields) / os.sysconf("SC_CLK_TCK")


def used(pid: int) -> float:
    """Seconds of processor time of a server, its processes and those that came and went."""
    total = _cpu(pid, (11, 12, 13, 14))
    for child in _folder(pid, f"task/{pid}/children").read_text().split():
        with suppress(OSError, NotMeasured):  # it just left, and is in its parent's account
            total += _cpu(int(child))
    return total


def _memory(pid: int) -> float:
    lines = _folder(pid, "status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def _folder(pid: int, name: str) -> Path:
    path = Path(f"/proc/{pid}/{name}")
    if not path.exists():
        raise NotMeasured("what a process uses is read from /proc, which only Linux has")
    return path


async def output(module: str, args: Sequence[str]) -> bytes:
    """What a program printed. Raises NotMeasured when it failed."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, *args, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await child.communicate()
    if child.returncode:
        raise NotMeasured(f"{module} failed")
    return said
