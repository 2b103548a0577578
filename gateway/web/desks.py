"""The door desks post to: `/desks/{queue}`. 200 after the commit and never before; 401 for what does not prove itself;
503 when it cannot be kept now, so that it comes again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from aiohttp import web

from gateway.channels.base import Forged, Hook
from gateway.desks.base import Challenge, Desk
from gateway.handovers import Handovers
from gateway.telemetry import Telemetry
from gateway.web.problems import Problem, explained
from gateway.web.reading import read_bytes

log = logging.getLogger("recado.web")

LIMIT = 1024 * 1024
"""Bytes of a body."""
AT_ONCE = 16
"""Bodies that are read at the same time; the others wait in line."""


@dataclass(frozen=True, slots=True)
class Desks:
    handovers: Handovers
    desks: Mapping[str, Desk]
    """By queue name."""
    telemetry: Telemetry
    _room: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    @explained
    async def post(self, request: web.Request) -> web.Response:
        queue = request.match_info["queue"]
        if (desk := self.desks.get(queue)) is None:
            raise Problem(404, "no desk of this queue is told over a wire", "queue")
        headers = {name.lower(): value for name, value in request.headers.items()}
        with self._proving(queue):
            desk.prove(headers)
        async with self._room:
            body = await read_bytes(request, LIMIT)
        with self._proving(queue):
            events = desk.read(Hook(headers, body, request.query))
        await self.handovers.take(queue, events)
        self.telemetry.hooks.labels(f"desk {queue}", "taken").inc()
        asked = next((event.text for event in events if isinstance(event, Challenge)), None)
        return web.Response(text=asked) if asked is not None else web.json_response({})

    @explained
    async def head(self, request: web.Request) -> web.Response:
        """Some desks look whether anybody is here before they take the address."""
        if request.match_info["queue"] not in self.desks:
            raise Problem(404, "no desk of this queue is told over a wire", "queue")
        return web.Response()

    @contextmanager
    def _proving(self, queue: str) -> Iterator[None]:
        """Forged becomes 401."""
        try:
            yield
        except Forged as error:
            log.warning("a desk's hook proves nothing", extra={"facts": {"queue": queue, "why": str(error)}})
            self.telemetry.hooks.labels(f"desk {queue}", "forged").inc()
            raise Problem(401, "the signature or secret is wrong or missing") from None
