"""An installation to be mistreated: a database, the processes that serve it, and the outside world on 127.0.0.1."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from time import monotonic
from typing import Any

import aiohttp
from aiohttp import web

from bench.processes import ROOT, free_port, ready
from tests.fakes.callback import SECRET, FakeCallback
from tests.fakes.openai import FakeOpenAI, spoken
from tests.postgres import Server
from tests.story.running import toml

KEY = "crm-key-0123456"
AUTH = {"Authorization": f"Bearer {KEY}"}
LEASE = 3_000
"""Milliseconds, a tenth of the real one: otherwise every death would cost half a minute."""
FLEET = 3
WINDOW_MS = 60
THINKING = 0.01
"""Seconds between the five pieces of an answer."""
SOCKET = ".s.PGSQL.5432"
"""Of a server, in its folder."""
PATIENCE = 5.0
"""Seconds a client waits for one request."""


class Engine(StrEnum):
    SQLITE = "sqlite"
    POSTGRES = "postgres"


@dataclass(frozen=True, slots=True)
class Ground:
    """What a site stands on. `server`: of PostgreSQL, durable and started. `address`: of one of its databases, by its
    name, as the processes are given it; None: they speak with the server itself."""

    engine: Engine
    folder: Path
    server: Server | None = None
    address: Callable[[str], str] | None = None

    def url(self, database: str) -> str:
        assert self.server is not None
        return (self.address or self.server.url)(database)


class Worker:
    """One `recado run`, on a port of its own, with an assistant of its own, so that it is known who asks."""

    def __init__(self, number: int, config: Path, numbers: dict[str, Any], assistant: Assistant) -> None:
        self.number, self.config, self.assistant = number, config, assistant
        self.port, self.alive = free_port(), False
        self.url = f"http://127.0.0.1:{self.port}"
        self._log = config.with_suffix(".log")
        run = ["run", "--config", str(config), "--port", str(self.port)]
        self._command = [sys.executable, "-m", "bench.chaos.worker", json.dumps(numbers), *run]
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    async def start(self) -> None:
        """Returns once it takes messages."""
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command, cwd=ROOT, stdout=asyncio.subprocess.DEVNULL, stderr=log
            )
        while not await ready(self.port):
            assert self._process.returncode is None, self.said()[-2000:]
            await asyncio.sleep(0.02)
        self.alive = True

    async def kill(self) -> None:
        await self._end(signal.SIGKILL)

    async def terminate(self) -> int:
        return await self._end(signal.SIGTERM)

    async def _end(self, number: signal.Signals) -> int:
        self.alive = False
        if self._process is None or self._process.returncode is not None:
            return 0
        self._process.send_signal(number)
        return await self._process.wait()

    def pause(self) -> None:
        self.alive = False
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        os.kill(self.pid, signal.SIGCONT)
        self.alive = True

    def limit_files(self, largest: int) -> None:
        """No file may grow beyond so many bytes: to the process, the disk is full. -1: as far as it likes."""
        import resource

        resource.prlimit(self.pid, resource.RLIMIT_FSIZE, (largest, resource.RLIM_INFINITY))

    def said(self) -> str:
        return self._log.read_text("utf-8", "replace")


# -- the outside world -----------------------------------------------------------------------------


async def _at_once(worker: Worker, question: str) -> None:
    return None


class Assistant(FakeOpenAI):
    """It repeats what it was asked; `before` says what happens first."""

    def __init__(self) -> None:
        super().__init__()
        self.worker: Worker | None = None
        self.thinking: Counter[str] = Counter()
        """Questions that wait for their answers now."""
        self.before: Callable[[Worker, str], Awaitable[None]] = _at_once

    async def _answering(self, request: web.Request) -> web.StreamResponse:
        call = self._note(request, json=await request.json())
        self.calls.clear()
        self.thinking[call.question] += 1
        try:
            assert self.worker is not None
            await self.before(self.worker, call.question)
            return await spoken(delay=THINKING)(call, request)
        except ConnectionResetError:  # whoever asked is dead
            return web.Response()
        finally:
            self.thinking -= Counter([call.question])


@dataclass(frozen=True, slots=True)
class Heard:
    """One call of the recipients' server: `id` is equal on each repeat of a send."""

    at: float
    id: str
    contact: str
    lines: tuple[str, ...]


class Recipients(FakeCallback):
    """Everybody's phone. `refused`: how many of a contact's next sends are turned away with 503."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[Heard] = []
        self.refused: Counter[str] = Counter()
        self.turned_away = 0

    async def _take(self, request: web.Request) -> web.Response:
        """The signature is not checked: its time would tell of the clocks that are set wrong here."""
        payload = await request.json()
        lines = lines_of(*(part["text"] for part in payload["data"]["parts"]))
        contact = lines[0].partition("/")[0]
        if self.refused[contact] > 0:
            self.refused[contact] -= 1
            self.turned_away += 1
            return web.Response(status=503)
        self.heard.append(Heard(monotonic(), request.headers["webhook-id"], contact, lines))
        await asyncio.sleep(0.005)  # in which whoever sends may die
        return web.Response(status=204)


def lines_of(*texts: str) -> tuple[str, ...]:
    """The messages that these answers answer."""
    return tuple(line for text in texts for line in text.removeprefix("Echo: ").split("\n"))


class Relay:
    """The network between a process and the database. What is under way when it is cut arrives when it is healed; who
    comes meanwhile is let in and hears nothing. `socket`: where the database listens now."""

    def __init__(self, socket: Path) -> None:
        self.port, self.socket = 0, socket
        self._whole = asyncio.Event()
        self._whole.set()
        self._ends: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    def cut(self) -> None:
        self._whole.clear()

    def heal(self) -> None:
        self._whole.set()

    def tear(self) -> None:
        """Every connection is reset."""
        for end in list(self._ends):
            end.transport.abort()

    def close(self) -> None:
        """Once nobody asks for it any more: asyncio forgets to close what comes in just then."""
        if self._server is not None:
            self._server.close()
        self.heal()
        self.tear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._ends.add(writer)
        with suppress(OSError):
            await self._whole.wait()
            there, thither = await asyncio.open_unix_connection(str(self.socket))
            self._ends.add(thither)
            await asyncio.gather(self._pump(reader, thither), self._pump(there, writer))
        writer.close()
        self._ends.discard(writer)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                await self._whole.wait()
                writer.write(data)
                await writer.drain()
        writer.close()
        self._ends.discard(writer)


# -- all of it ---------------------------------------------------------------------------------------


@dataclass(slots=True)
class Site:
    ground: Ground
    folder: Path
    recipients: Recipients
    http: aiohttp.ClientSession
    database: str
    """Of PostgreSQL: its name."""
    lease: int
    workers: list[Worker] = field(default_factory=list)
    relay: Relay | None = None
    """Between the first worker and PostgreSQL."""

    @property
    def alive(self) -> list[Worker]:
        return [worker for worker in self.workers if worker.alive]

    @property
    def thinking(self) -> int:
        return sum(worker.assistant.thinking.total() for worker in self.workers)

    def meet(self, before: Callable[[Worker, str], Awaitable[None]]) -> None:
        """What happens to each question before it is answered."""
        for worker in self.workers:
            worker.assistant.before = before


@asynccontextmanager
async def site(
    ground: Ground, *, workers: int = 0, lease: int = LEASE, relayed: bool = False, **numbers: Any
) -> AsyncIterator[Site]:
    """Running. `numbers`: further ones for worker.py; `skew` is of the first process alone."""
    folder = ground.folder / secrets.token_hex(4)
    folder.mkdir()
    async with AsyncExitStack() as stack:
        recipients = await stack.enter_async_context(Recipients())
        timeout = aiohttp.ClientTimeout(PATIENCE)
        http = await stack.enter_async_context(aiohttp.ClientSession(headers=AUTH, timeout=timeout))
        name = await asyncio.to_thread(ground.server.database) if ground.server else ""
        here = Site(ground, folder, recipients, http, name, lease)
        if relayed and ground.server:
            here.relay = Relay(ground.server.folder / SOCKET)
            stack.callback(here.relay.close)
            await here.relay.start()
        for number in range(workers or (1 if ground.engine is Engine.SQLITE else FLEET)):
            await stack.enter_async_context(assistant := Assistant())
            config = folder / f"recado-{number}.toml"
            config.write_text(_configured(here, number, assistant))
            given = {name: value for name, value in numbers.items() if name != "skew" or number == 0}
            assistant.worker = Worker(number, config, {"lease_ms": lease, **given}, assistant)
            here.workers.append(assistant.worker)
        stack.push_async_callback(_ended, here)
        await asyncio.gather(*(worker.start() for worker in here.workers))
        yield here


def _configured(here: Site, number: int, assistant: Assistant) -> str:
    crm = f'[[channels]]\nname = "crm"\ntype = "http"\nqueue = "loja"\nkey = "{KEY}"\n'
    crm += f'callback_url = "{here.recipients.url}"\ncallback_secret = "{SECRET}"\n'
    if here.ground.server:
        url = here.ground.url(here.database)
        if here.relay and number == 0:
            url = f"postgresql://postgres@127.0.0.1:{here.relay.port}/{here.database}"
        crm += f'[storage]\nurl = "{url}"\n'
    text = toml(assistant.base_url, openai_key=assistant.key, interval=WINDOW_MS, max_wait=300, more=crm)
    return text.replace('log_level = "error"', 'log_level = "info"')


async def _ended(here: Site) -> None:
    for worker in here.workers:
        if worker._process is not None and worker._process.returncode is None:
            with suppress(ProcessLookupError):
                worker.resume()
            await worker.kill()
    if here.ground.server:
        with suppress(AssertionError, OSError):  # it may be down or gone, and nothing is left to be tidy about
            await asyncio.to_thread(here.ground.server.drop, here.database)
