"""Somebody's OpenTelemetry collector: it takes OTLP over HTTP, reads the protobuf, and answers as it was told."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.fakes.served import Served


class FakeCollector(Served):
    def __init__(self) -> None:
        super().__init__()
        self.spans: list[Any] = []
        """Of the requests that were taken, as protobuf messages."""
        self.resources: list[dict[str, str]] = []
        self.raw: list[bytes] = []
        """Every request's body, unpacked."""
        self.headers: list[dict[str, str]] = []
        self.open = 0
        """Requests that are not answered yet."""
        self.hangs = False
        """Answers nobody."""
        self._script: deque[int] = deque()
        self._came = asyncio.Event()

    def answer(self, *statuses: int) -> None:
        """The next answers; then 200."""
        self._script.extend(statuses)

    def named(self, name: str) -> list[Any]:
        return [span for span in self.spans if span.name == name]

    async def until(self, *names: str) -> list[Any]:
        """All spans, once one of each of these names has come."""
        await self.comes(lambda: {span.name for span in self.spans} >= set(names))
        return self.spans

    async def comes(self, true: Any) -> None:
        """Looks after each request."""
        async with asyncio.timeout(60):
            while not true():
                self._came.clear()
                await self._came.wait()

    def application(self) -> web.Application:
        app = web.Application(client_max_size=64 << 20)
        app.router.add_post("/v1/traces", self._take)
        return app

    async def _take(self, request: web.Request) -> web.Response:
        self.open += 1
        self.headers.append({name.lower(): value for name, value in request.headers.items()})
        self.raw.append(await request.read())
        self._came.set()
        if self.hangs:
            await self.closing.wait()
        status = self._script.popleft() if self._script else 200
        if status == 200:
            self._read(ExportTraceServiceRequest.FromString(self.raw[-1]))
        self.open -= 1
        self._came.set()
        return web.Response(status=status, content_type="application/x-protobuf")

    def _read(self, told: Any) -> None:
        for resource in told.resource_spans:
            self.resources.append(plain(resource.resource.attributes))
            for scope in resource.scope_spans:
                self.spans.extend(scope.spans)


def plain(attributes: Any) -> dict[str, Any]:
    """The attributes of a span, an event or a resource."""
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in attributes}
