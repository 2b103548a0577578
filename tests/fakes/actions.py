"""Somebody's server that does what flows ask for: it checks every signature and answers as it was told."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web
from standardwebhooks.webhooks import Webhook

from tests.fakes.served import Served

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class FakeActions(Served):
    path = "/actions"
    sees_who_hangs_up = True

    def __init__(self, value: Any = None) -> None:
        """`value`: what it answers unless it is told otherwise."""
        super().__init__()
        self.value = value
        self.seen: list[tuple[str, dict[str, Any]]] = []
        """(webhook-id, data) of every call whose signature was right."""
        self.arrived = asyncio.Event()
        self._script: deque[Answer] = deque()

    def next(self, *answers: Answer) -> None:
        self._script.extend(answers)

    @property
    def ids(self) -> list[str]:
        return [id for id, _ in self.seen]

    def application(self) -> web.Application:
        app = web.Application()
        app.router.add_post("/actions", self._take)
        return app

    async def _take(self, request: web.Request) -> web.StreamResponse:
        payload = Webhook(SECRET).verify(await request.read(), {k.lower(): v for k, v in request.headers.items()})
        assert payload["type"] == "action.called"
        self.seen.append((request.headers["webhook-id"], payload["data"]))
        self.arrived.set()
        if self._script:
            return await self._script.popleft()(request)
        return web.json_response({"value": self.value})

    async def hang(self, request: web.Request) -> web.StreamResponse:
        await self.closing.wait()
        return web.Response(status=503)


def body(data: bytes, status: int = 200, **headers: str) -> Answer:
    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(body=data, status=status, headers=headers)

    return answer


def held(gate: asyncio.Event, then: Answer) -> Answer:
    async def answer(request: web.Request) -> web.StreamResponse:
        await gate.wait()
        return await then(request)

    return answer


async def reset(request: web.Request) -> web.StreamResponse:
    """The connection is torn off before a byte of an answer."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def cut(request: web.Request) -> web.StreamResponse:
    """Half an answer, then the connection breaks."""
    response = web.StreamResponse(headers={"content-type": "application/json", "content-length": "40"})
    await response.prepare(request)
    await response.write(b'{"value": "me')
    assert request.transport is not None
    request.transport.close()
    return response
