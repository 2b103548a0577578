"""Is it alive, is it ready, how is it doing."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import orjson
from aiohttp import web
from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from gateway.config import Config
from gateway.telemetry import Telemetry
from gateway.web.access import Access
from gateway.web.problems import Problem, explained
from storage.model import Depths, Kind
from storage.store import Store, StoreError

PASSED_ON = frozenset({"forwarded", "x-forwarded-for", "x-real-ip", "via"})


@dataclass(frozen=True, slots=True)
class Health:
    config: Config
    access: Access
    store: Store
    telemetry: Telemetry
    degraded: Callable[[], Sequence[str]]
    """What works less well than configured, a line each."""

    @explained
    async def live(self, request: web.Request) -> web.Response:
        return web.Response(body=b'{"status":"ok"}', content_type="application/json")

    @explained
    async def ready(self, request: web.Request) -> web.Response:
        """503 when messages cannot be taken; what is merely degraded is named."""
        try:
            await self.store.next_wake(Kind.IN)  # the way of whoever writes,
            await self.store.held(1)  # and of whoever reads
        except StoreError as error:
            gone = {"status": "unavailable", "detail": str(error)}
            return web.Response(body=orjson.dumps(gone), status=503, content_type="application/json")
        body = {"status": "ok", "degraded": list(self.degraded())}
        return web.Response(body=orjson.dumps(body), content_type="application/json")

    @explained
    async def metrics(self, request: web.Request) -> web.Response:
        self._may(request)
        try:
            self._count(await self.store.depths())
            self.telemetry.ready.set(1)
        except StoreError:  # just then somebody looks, and the rest is still counted; the gauges stay as they were
            self.telemetry.ready.set(0)
        body = generate_latest(self.telemetry.registry)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})

    def _count(self, depths: Depths) -> None:
        for direction, count in depths.waiting.items():
            self.telemetry.depth.labels(direction).set(count)
        self.telemetry.dead.set(depths.dead)
        self.telemetry.held.set(depths.held)
        self.telemetry.conversations.set(depths.conversations)

    def _may(self, request: web.Request) -> None:
        if not self.config.server.admin_key.get_secret_value() or _is_local(request):
            return
        if self.access.caller(request).kind != "admin":
            raise Problem(401, "metrics need the admin key")


def _is_local(request: web.Request) -> bool:
    """Asked on this machine, and not by a proxy for somebody elsewhere."""
    if not PASSED_ON.isdisjoint(name.lower() for name in request.headers):
        return False
    try:
        return ipaddress.ip_address(request.remote or "").is_loopback
    except ValueError:
        return False
