"""Somebody's OpenTelemetry collector: it takes OTLP over HTTP, reads the protobuf, and answers as it was told."""

from __future__ import annotations

import asyncio
from collections import deque
from types import TracebackType
from typing import Any, Self

from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


class FakeCollector:
    def __init__(self) -> None:
        self.url = ""
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
        self._closing = asyncio.Event()

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

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=64 << 20)
        app.router.add_post("/v1/traces", self._take)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        await self._runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        self.open += 1
        self.headers.append({name.lower(): value for name, value in request.headers.items()})
        self.raw.append(await request.read())
        self._came.set()
        if self.hangs:
            await self._closing.wait()
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
