"""A client that costs little: keep-alive connections that each write a message, wait for the answer, write the next.

A process of its own, so that what it costs is not counted to the server. Prints one JSON object:
{"sent", "refused", "seconds", "ms": [...]}; `ms` holds the time of each request.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import sys
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from functools import partial
from importlib import import_module

from bench.lines import LINES, Said, request
from bench.processes import output


@dataclass(frozen=True, slots=True)
class Load:
    port: int
    key: str
    connections: int = 1
    seconds: float = 0.0
    """How long; or 0, and `messages` says when to stop."""
    messages: int = 0
    rate: float = 0.0
    """Messages a second, evenly; 0 is as fast as answers come."""
    channel: str = "api"
    contacts: int = 1000
    """They take turns; 0 gives each message a contact of its own. With `wait` a connection keeps to one of them, who so
    writes again once the reply is there."""
    prefix: str = "k"
    """Of contacts."""
    run: str = "r"
    """Of message ids: one run must not repeat another's."""
    wait: float = 0.0
    """Seconds to wait for the reply in the same call."""
    line: str = ""
    """One of bench.lines: posts as its provider does, and `channel`, `key`, `prefix`, `run` and `wait` mean nothing."""
    first: int = 0
    """The number of a line's first message: one run must not repeat another's."""
    spoken: int = 0
    """1: a line's messages are voice notes."""
    due: int = 0
    """1, with a rate: time counts from when a message was due, also while it waited for a free connection."""


@dataclass(frozen=True, slots=True)
class Report:
    sent: int
    refused: int
    seconds: float
    ms: list[float]


async def loaded(load: Load) -> Report:
    """Runs the load in a process of its own."""
    args = [f"--{name}={value}" for name, value in asdict(load).items()]
    return Report(**json.loads(await output("bench.loader", args)))


TEXT = "Oi, boa tarde! Queria saber se vocês entregam no sábado de manhã e quanto custa o frete para o centro."


class Talk:
    """What is written, one after the other, and what came back."""

    def __init__(self, load: Load) -> None:
        self.load, self.sent, self.refused = load, 0, 0
        self.ms: list[float] = []
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.began = time.perf_counter()
        self._open = 0
        self.free: deque[Line] = deque()
        """Of a paced load: lines that wait for nothing."""
        query = f"?wait={load.wait:g}" if load.wait else ""
        self._head = (
            f"POST /v1/channels/{load.channel}/messages{query} HTTP/1.1\r\nHost: bench\r\n"
            f"Authorization: Bearer {load.key}\r\nContent-Type: application/json\r\nContent-Length: "
        ).encode()

    @property
    def over(self) -> bool:
        if self.load.messages:
            return self.sent >= self.load.messages
        return time.perf_counter() - self.began >= self.load.seconds

    def next(self, connection: int) -> bytes | None:
        """The next request; None when there is nothing more to say."""
        load, n = self.load, self.sent
        if self.over:
            return None
        self.sent += 1
        turn = connection if load.wait else n
        contact = turn % load.contacts if load.contacts else n
        self._open += 1
        return self._by_line(n, contact) if load.line else self._plain(n, contact)

    def _by_line(self, n: int, contact: int) -> bytes:
        load, number = self.load, self.load.first + n
        who = contact if load.contacts else number
        return request(LINES[load.line], Said(number, who, f"{TEXT} ({number})", spoken=bool(load.spoken)))

    def _plain(self, n: int, contact: int) -> bytes:
        load = self.load
        body = (
            f'{{"id":"{load.run}-{n}","contact":{{"id":"{load.prefix}-{contact}","name":"Lia"}},'
            f'"text":"{TEXT} ({load.run}-{n})"}}'
        ).encode()
        return b"%s%d\r\n\r\n%s" % (self._head, len(body), body)

    @property
    def since(self) -> float:
        """From when on the next one's time counts."""
        return self.began + self.sent / self.load.rate if self.load.due else time.perf_counter()

    def heard(self, began: float, well: bool) -> None:
        self.ms.append((time.perf_counter() - began) * 1000)
        self.refused += not well
        self._open -= 1

    def hang_up(self) -> None:
        if not self._open and not self.done.done():
            self.done.set_result(None)


class Line(asyncio.Protocol):
    """One connection."""

    def __init__(self, talk: Talk, number: int) -> None:
        self._number = number
        self._talk, self._buffer, self._began = talk, b"", 0.0
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def write(self) -> None:
        since = self._talk.since
        request = self._talk.next(self._number)
        if request is None:
            self._talk.hang_up()
            return
        self._began = since
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, blank, body = self._buffer.partition(b"\r\n\r\n")
        if not blank or len(body) < _length(head):
            return
        self._buffer = b""
        self._talk.heard(self._began, head[9:12] in (b"200", b"202"))
        if not self._talk.load.rate or self._talk.over:
            self.write()
        else:
            self._talk.free.append(self)

    def connection_lost(self, error: Exception | None) -> None:
        if not self._talk.done.done():
            self._talk.done.set_exception(error or ConnectionError("the server hung up"))


def _length(head: bytes) -> int:
    _, _, rest = head.partition(b"Content-Length: ")
    return int(rest.partition(b"\r\n")[0])


async def main(load: Load) -> Report:
    loop, talk = asyncio.get_running_loop(), Talk(load)
    numbers = range(load.connections)
    lines = [(await loop.create_connection(partial(Line, talk, n), "127.0.0.1", load.port))[1] for n in numbers]
    talk.began = time.perf_counter()
    if load.rate:
        await _paced(lines, talk)
    else:
        for line in lines:
            line.write()
    await talk.done
    return Report(len(talk.ms), talk.refused, time.perf_counter() - talk.began, talk.ms)


async def _paced(lines: Sequence[Line], talk: Talk) -> None:
    """Evenly, as long as a connection is free; a late tick is made up for."""
    talk.free.extend(lines)
    while not talk.over:
        behind = int((time.perf_counter() - talk.began) * talk.load.rate) + 1 - talk.sent  # the first is due at once
        for _ in range(min(behind, len(talk.free))):
            talk.free.popleft().write()
        await asyncio.sleep(0.001)
    talk.hang_up()


def _asked() -> Load:
    parser = argparse.ArgumentParser()
    kinds = {"int": int, "float": float, "str": str}
    for field in fields(Load):
        parser.add_argument(f"--{field.name}", type=kinds[str(field.type)], required=True)
    return Load(**vars(parser.parse_args()))


if __name__ == "__main__":
    with contextlib.suppress(ImportError):
        asyncio.set_event_loop_policy(import_module("uvloop").EventLoopPolicy())
    json.dump(asdict(asyncio.run(main(_asked()))), sys.stdout)
