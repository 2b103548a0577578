"""Every route, in one place. No rule lives behind a door; each hands over to the room it opens."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from gateway.web.conversations import Conversations
from gateway.web.dead import Dead
from gateway.web.desks import Desks
from gateway.web.health import Health
from gateway.web.hooks import Hooks
from gateway.web.inbox import Inbox
from gateway.web.media import Media
from gateway.web.messages import Messages
from gateway.web.page import Page
from gateway.web.problems import explained

log = logging.getLogger("recado.web")


def application(
    messages: Messages,
    conversations: Conversations,
    media: Media,
    page: Page,
    health: Health,
    hooks: Hooks,
    desks: Desks,
    inbox: Inbox,
    dead: Dead,
    description: Mapping[str, Any],
    openai: Sequence[web.AbstractRouteDef] = (),
) -> web.Application:
    """`description`: the OpenAPI document. `openai`: the routes of OpenAI's dialect (docs/channels/openai.md)."""
    app = _empty()
    app.add_routes(
        [
            web.post("/v1/channels/{channel}/messages", messages.post),
            web.get("/v1/conversations/{id}", conversations.get),
            web.get("/v1/conversations/{id}/messages", conversations.messages),
            web.get("/v1/conversations/{id}/events", conversations.events, allow_head=False),
            web.get("/v1/conversations/{id}/turns", conversations.turns),
            web.post("/v1/conversations/{id}/hold", conversations.hold),
            web.post("/v1/conversations/{id}/transfer", conversations.transfer),
            web.post("/v1/conversations/{id}/release", conversations.release),
            web.get("/v1/inbox", inbox.conversations),
            web.get("/v1/inbox/events", inbox.events, allow_head=False),
            web.post("/v1/conversations/{id}/take", inbox.take),
            web.post("/v1/conversations/{id}/messages", inbox.write),
            web.post("/v1/conversations/{id}/resolve", inbox.resolve),
            web.get("/v1/media/{id}", media.get),
            web.get("/v1/dead", dead.list),
            web.post("/v1/dead/{conversation}/{kind}/{seq}/repost", dead.repost),
            web.get("/inbox", inbox.page),
            web.get("/chat/{channel}", page.page),
            web.post("/chat/{channel}/visit", page.visit),
            web.get("/chat-assets/{path:.+}", page.asset),
            web.get("/hooks/{type}", hooks.challenge),
            web.post("/hooks/{type}", hooks.post_shared),
            web.post("/hooks/{type}/{channel}", hooks.post),
            web.post("/hooks/{type}/{channel}/{tail}", hooks.post),
            web.post("/desks/{queue}", desks.post),
            web.head("/desks/{queue}", desks.head),
            web.get("/openapi.json", Description(description).get),
        ]
    )
    app.add_routes(openai)
    return _finished(app, health)


def worker(health: Health) -> web.Application:
    """Of a process that nobody writes to."""
    return _finished(_empty(), health)


def _empty() -> web.Application:
    logging.getLogger("aiohttp.server").addFilter(_readable)
    app = web.Application(client_max_size=0)
    app.on_response_prepare.append(_signed)
    return app


def _finished(app: web.Application, health: Health) -> web.Application:
    looks = [("/healthz", health.live), ("/readyz", health.ready), ("/metrics", health.metrics)]
    app.add_routes([web.get(path, door) for path, door in looks])
    app.router.add_route("*", "/{tail:.*}", Nowhere().get)
    return app


def _readable(record: logging.LogRecord) -> bool:
    """What is no HTTP is told in a line: its bytes may hold a key, and anybody can send any number of them."""
    error = record.exc_info[1] if record.exc_info else None
    if not isinstance(error, (HttpProcessingError, web.RequestPayloadError)):
        return True
    log.info("a request could not be read", extra={"facts": {"error": type(error).__name__}})
    return False


async def _signed(request: web.Request, answer: web.StreamResponse) -> None:
    """Nobody needs to know which versions serve, nor to keep or guess at what a door did not say so of: it is what
    customers said, and some addresses hold a secret."""
    answer.headers["Server"] = "recado"
    answer.headers.setdefault("Cache-Control", "no-store")
    answer.headers.setdefault("X-Content-Type-Options", "nosniff")


class Description:
    def __init__(self, description: Mapping[str, Any]) -> None:
        self._body = orjson.dumps(description)

    @explained
    async def get(self, request: web.Request) -> web.Response:
        return web.Response(body=self._body, content_type="application/json")


class Nowhere:
    """A path that leads nowhere still gets a problem document."""

    @explained
    async def get(self, request: web.Request) -> web.Response:
        raise web.HTTPNotFound
