"""The doors providers post to: `/hooks/{type}` and `/hooks/{type}/{channel}`.

200 after the commit and never before; 401 for what does not prove itself, before its body is read where its headers
tell; 503 when it cannot be kept now, so that it comes again. Whatever a body holds, it is no error: what nobody can
read is kept raw.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from aiohttp import web

from gateway.arrivals import Arrivals
from gateway.channels.base import Event, Forged, Hook, Hooked, SharedHook, Unknown
from gateway.config import ChannelSettings, Config
from gateway.telemetry import Telemetry
from gateway.web.problems import Problem, explained
from storage.store import Unavailable

log = logging.getLogger("recado.web")

LIMITS = {"evolution": 32 * 1024 * 1024}
"""Bytes of a body, where a provider puts sound into it."""
LIMIT = 4 * 1024 * 1024
"""Bytes of any other provider's."""
COME_AGAIN_ON_500 = ("chatwoot",)
"""Types whose provider sends nothing again after a 503."""
PATIENCE = 30.0
"""Seconds for a body to arrive."""
AT_ONCE = 128 * 1024 * 1024
"""Bytes of bodies in memory, of all providers together."""


Prove = Callable[[Mapping[str, str]], None]
"""Takes headers, raises Forged."""
Read = Callable[[Hook], Sequence[tuple[str, Sequence[Event]]]]
"""Events by channel name. Raises Forged."""


@dataclass(slots=True)
class Hooks:
    config: Config
    arrivals: Arrivals
    channels: Mapping[str, Hooked]
    shared: Mapping[str, SharedHook]
    """By type."""
    telemetry: Telemetry
    _held: dict[int, int] = field(default_factory=dict)
    """Bytes of the bodies that are here now, by the identity of their request."""

    # -- whose it is ---------------------------------------------------------------------------------

    @explained
    async def challenge(self, request: web.Request) -> web.Response:
        """A provider asks whether this address is meant to be its hook."""
        hook = self.shared.get(request.match_info["type"])
        if hook is None:
            raise Problem(404, "no channel of this type is configured")
        try:
            return web.Response(text=hook.challenge(request.query))
        except Forged:
            raise Problem(403, "hub.verify_token is not the channel's verify_token") from None

    @explained
    async def post_shared(self, request: web.Request) -> web.Response:
        type = request.match_info["type"]
        hook = self.shared.get(type)
        if hook is None:
            raise Problem(404, "no channel of this type is configured")
        return await self._taken(request, type, type, hook.prove, hook.read)

    @explained
    async def post(self, request: web.Request) -> web.Response:
        type, name = request.match_info["type"], request.match_info["channel"]
        settings = next((c for c in self.config.channels if c.name == name and c.type == type), None)
        if settings is None or name not in self.channels or type in self.shared:
            raise Problem(404, "there is no such channel", "channel")
        channel = self.channels[name]
        return await self._taken(request, type, name, channel.prove, lambda hook: [(name, channel.read(hook))])

    # -- what it holds -------------------------------------------------------------------------------

    async def _taken(
        self, request: web.Request, type: str, label: str, prove: Prove, read: Read
    ) -> web.Response:
        began, limit = time.perf_counter(), LIMITS.get(type, LIMIT)
        with self._proving(label):
            prove(_headers(request))
        if (request.content_length or 0) > limit:
            raise self._too_large(label, limit)
        try:
            await self._keep(await self._hook(request, label, limit), label, read)
        finally:
            self._held.pop(id(request), None)
        self.telemetry.ack.observe(time.perf_counter() - began)
        return web.Response(body=b"{}", content_type="application/json")

    async def _hook(self, request: web.Request, label: str, limit: int) -> Hook:
        try:
            async with asyncio.timeout(None if request.content.is_eof() else PATIENCE):
                body = await self._body(request, label, limit)
        except TimeoutError:
            raise self._refused(label, "too_slow", Problem(408, "the body took too long", "body")) from None
        except web.RequestPayloadError:
            raise self._refused(label, "broken", Problem(400, "the body cannot be unpacked", "body")) from None
        return Hook(_headers(request), body, request.query, request.match_info.get("tail", ""))

    async def _body(self, request: web.Request, label: str, limit: int) -> bytes:
        """Counted as it comes and unpacked: what is only announced takes no room."""
        body = bytearray()
        async for piece in request.content.iter_any():
            body += piece
            self._held[id(request)] = len(body)
            if len(body) > limit:
                raise self._too_large(label, limit)
            if sum(self._held.values()) > AT_ONCE:
                raise self._refused(label, "busy", Problem(503, "too much at once", headers={"Retry-After": "5"}))
        return bytes(body)

    async def _keep(self, hook: Hook, label: str, read: Read) -> None:
        """All on disk, or an answer that brings it again."""
        with self._proving(label):
            arrived = read(hook)
        for name, events in arrived:
            settings = self._settings(name)
            try:
                await self.arrivals.take(settings, _each_unknown_once(events), hook.body)
            except Unavailable:
                if settings.type in COME_AGAIN_ON_500:
                    again = Problem(500, "it could not be stored; send it again")
                    raise self._refused(label, "not_kept", again) from None
                raise
        self.telemetry.hooks.labels(label, "taken").inc()

    @contextmanager
    def _proving(self, label: str) -> Iterator[None]:
        """Forged becomes 401."""
        try:
            yield
        except Forged as error:
            log.warning("a hook proves nothing", extra={"facts": {"hook": label, "why": str(error)}})
            raise self._refused(label, "forged", Problem(401, "the signature or secret is wrong or missing")) from None

    def _too_large(self, label: str, limit: int) -> Problem:
        return self._refused(label, "too_large", Problem(413, f"a body is at most {limit} bytes", "body"))

    def _refused(self, label: str, why: str, problem: Problem) -> Problem:
        self.telemetry.hooks.labels(label, why).inc()
        return problem

    def _settings(self, name: str) -> ChannelSettings:
        return next(channel for channel in self.config.channels if channel.name == name)


def _each_unknown_once(events: Sequence[Event]) -> list[Event]:
    """A request is kept raw once for each thing that nobody can read in it, however often that stands there."""
    unknown = {event.reason: event for event in events if isinstance(event, Unknown)}
    return [*unknown.values(), *(event for event in events if not isinstance(event, Unknown))]


def _headers(request: web.Request) -> dict[str, str]:
    """Names in lower case."""
    return {name.lower(): value for name, value in request.headers.items()}
