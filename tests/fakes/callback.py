"""Somebody's server that takes replies: it checks every signature and answers as it was told."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

from aiohttp import web
from standardwebhooks.webhooks import Webhook

from tests.fakes.served import Served

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


class FakeCallback(Served):
    path = "/replies"

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, Any]]] = []
        """(webhook-id, payload) of every call whose signature was right."""
        self.arrivals: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._script: deque[tuple[int, dict[str, str]]] = deque()

    def answer(self, *statuses: int, headers: dict[str, str] | None = None) -> None:
        """The next answers; then 204."""
        self._script.extend((status, headers or {}) for status in statuses)

    def application(self) -> web.Application:
        app = web.Application()
        app.router.add_post("/replies", self._take)
        return app

    async def _take(self, request: web.Request) -> web.Response:
        payload = Webhook(SECRET).verify(await request.read(), {k.lower(): v for k, v in request.headers.items()})
        self.seen.append((request.headers["webhook-id"], payload))
        self.arrivals.put_nowait(payload)
        status, headers = self._script.popleft() if self._script else (204, {})
        return web.Response(status=status, headers=headers)
