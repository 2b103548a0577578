"""What all wire-level fakes of voices share: what was called, and what goes wrong next.

async with FakeElevenLabs() as provider:
    provider.next(HANG, refused(429, {...}, **{"retry-after": "2"}))
    ...
    assert provider.calls[0].json["model_id"] == "eleven_v3"
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.fakes.served import Served


@dataclass(frozen=True, slots=True)
class Call:
    """One request as it arrived."""

    method: str
    path: str
    """Still quoted."""
    query: dict[str, str]
    headers: dict[str, str]
    """Names in lower case."""
    json: Any = field(default=None)


CALL = web.RequestKey("call", Call)


class Fake(Served):
    """An HTTP server on a free port of 127.0.0.1.

    `next` scripts the answers of the speaking endpoint, in order; when none is left it speaks, unless `broken` knows
    what this voice suffers from.
    """

    sees_who_hangs_up = True

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[Call] = []
        self.open = 0
        """Speaking requests that are being answered now."""
        self.most_open = 0
        self.arrivals: asyncio.Queue[Call] = asyncio.Queue()
        """Await one to know that a request is under way."""
        self.hung_up = asyncio.Event()
        """Set when nobody waits any more for a sound that was asked for."""
        self.broken: Callable[[Call], Fault | None] = lambda call: None
        """What goes wrong however often it is asked, by whom it is asked of."""
        self._faults: deque[Fault] = deque()

    def routes(self) -> list[web.AbstractRouteDef]:
        raise NotImplementedError

    def next(self, *faults: Fault) -> None:
        self._faults.extend(faults)

    async def asked(self) -> Call:
        """The next request for sound, which may be under way yet."""
        while True:
            call = await asyncio.wait_for(self.arrivals.get(), 60)
            if call.method == "POST":
                return call

    @property
    def spoken(self) -> list[Call]:
        """The calls that cost money."""
        return [call for call in self.calls if call.method == "POST"]

    def application(self) -> web.Application:
        app = web.Application(middlewares=[self._record])
        app.add_routes(self.routes())
        return app

    @web.middleware
    async def _record(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        body = await request.json() if request.can_read_body else None
        headers = {name.lower(): value for name, value in request.headers.items()}
        call = Call(request.method, request.url.raw_path, dict(request.query), headers, body)
        self.calls.append(call)
        self.arrivals.put_nowait(call)
        request[CALL] = call
        return await handler(request)

    async def speak(
        self, request: web.Request, sound: bytes, mime: str, **headers: str
    ) -> web.StreamResponse:
        """The scripted fault, or the sound."""
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        try:
            if fault := self._faults.popleft() if self._faults else self.broken(request[CALL]):
                return await fault(self, request)
            return web.Response(body=sound, content_type=mime, headers=headers)
        except asyncio.CancelledError:
            self.hung_up.set()
            raise
        finally:
            self.open -= 1


Fault = Callable[[Fake, web.Request], Awaitable[web.StreamResponse]]


def answer(body: bytes, mime: str = "audio/mpeg", status: int = 200, **headers: str) -> Fault:
    """Whatever bytes under whatever name."""

    async def fault(fake: Fake, request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, body=body, content_type=mime, headers=_names(headers))

    return fault


def refused(status: int, body: Any, **headers: str) -> Fault:
    """A JSON error; header names with `_` for `-`."""

    async def fault(fake: Fake, request: web.Request) -> web.StreamResponse:
        return web.json_response(body, status=status, headers=_names(headers))

    return fault


def held(gate: asyncio.Event, then: Fault) -> Fault:
    """Answers when the gate opens."""

    async def fault(fake: Fake, request: web.Request) -> web.StreamResponse:
        await gate.wait()
        return await then(fake, request)

    return fault


def cut(body: bytes, mime: str = "audio/mpeg", *, chunked: bool = False) -> Fault:
    """Half of it, then the connection breaks."""

    async def fault(fake: Fake, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": mime})
        if chunked:
            response.enable_chunked_encoding()
        else:
            response.content_length = len(body)
        await response.prepare(request)
        await response.write(body[: len(body) // 2])
        assert request.transport is not None
        request.transport.close()
        return response

    return fault


def flood(size: int) -> Fault:
    """A JSON answer of `size` bytes, at least."""

    async def fault(fake: Fake, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "application/json"})
        await response.prepare(request)
        for _ in range(size // 65_536 + 1):
            await response.write(b" " * 65_536)
        return response

    return fault


async def HANG(fake: Fake, request: web.Request) -> web.StreamResponse:
    """Never answers."""
    await fake.closing.wait()
    return web.Response(status=503)


async def RESET(fake: Fake, request: web.Request) -> web.StreamResponse:
    """The connection is torn off before a byte of an answer."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


TROUBLE = answer(b"Internal Server Error", "text/plain", 500)
HTML = answer(b"<!doctype html><title>Sign in</title>", "audio/mpeg")
JSON = answer(b'{"audio": null}', "audio/mpeg")
EMPTY = answer(b"")


def _names(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}
