"""A whole gateway on a free port, and a contact who writes to it over HTTP."""

from __future__ import annotations

import io
import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from gateway.app import Gateway
from gateway.config import parse
from storage.model import ConversationId, Kind
from storage.postgres import PostgresStore

KEY = "channel-key-0123456789"
ADMIN = "admin-key-0123456789"

HEAD = f"""
[server]
port = 0
admin_key = "{ADMIN}"
allow_private_urls = true
log_level = "error"
"""
QUEUE = """
[[queues]]
name = "loja"
language = "pt-BR"
instructions = "Você é a atendente da loja."
[queues.window]
interval_ms = {interval}
max_wait_ms = {max_wait}
mode = "{mode}"
[queues.assistant]
provider = "openai"
api_key = "{openai_key}"
base_url = "{openai_url}"
model = "gpt-6-luna"
timeout_s = 20
[queues.reply]
format = "{format}"
[queues.voice]
{voice}
[queues.hearing]
{hearing}
"""
CHANNELS = f"""
[[channels]]
name = "api"
type = "http"
queue = "loja"
key = "{KEY}"

[[channels]]
name = "site"
type = "webchat"
queue = "loja"
"""
LONG = 600_000
"""Milliseconds, ten minutes: a window that is over when a test says so (`burst_ends`), on any machine."""
SILENT = 'provider = "silent"'
DEAF = 'provider = "none"'


def toml(
    openai_url: str,
    *,
    openai_key: str,
    interval: int = 30,
    max_wait: int = 2000,
    mode: str = "quiet",
    format: str = "text",
    voice: str = SILENT,
    hearing: str = DEAF,
    more: str = "",
) -> str:
    queue = QUEUE.format(
        openai_url=openai_url,
        openai_key=openai_key,
        interval=interval,
        max_wait=max_wait,
        mode=mode,
        format=format,
        voice=voice,
        hearing=hearing,
    )
    return HEAD + queue + CHANNELS + more


class Contact:
    """Somebody who writes to the `api` channel."""

    _ids = itertools.count()

    def __init__(self, http: aiohttp.ClientSession, gateway: Gateway, name: str = "") -> None:
        self.http, self.gateway = http, gateway
        self.id = name or f"contact-{next(self._ids)}"
        self.conversation = ""
        self._number = itertools.count(1)

    async def post(
        self, body: Any, *, wait: float | None = None, key: str = KEY, channel: str = "api"
    ) -> tuple[int, Any]:
        query = {"wait": str(wait)} if wait is not None else {}
        url = f"{self.gateway.url}/v1/channels/{channel}/messages"
        headers = {"Authorization": f"Bearer {key}"}
        kind = {"json": body} if isinstance(body, dict) else {"data": body}
        async with self.http.post(url, params=query, headers=headers, **kind) as answer:
            said = json.loads(await answer.read())
            self.conversation = said.get("conversation", self.conversation)
            return answer.status, said

    def message(self, text: str, **more: Any) -> dict[str, Any]:
        contact = {"id": self.id, "name": "Lia"}
        return {"id": f"{self.id}-{next(self._number)}", "contact": contact, "text": text, **more}

    async def say(self, text: str, **more: Any) -> dict[str, Any]:
        """Write and go on."""
        status, accepted = await self.post(self.message(text, **more))
        assert status == 202, accepted
        return dict(accepted)

    async def ask(self, text: str, wait: float = 60) -> dict[str, Any]:
        """Write and wait for the reply."""
        status, reply = await self.post(self.message(text), wait=wait)
        assert status == 200, reply
        return dict(reply)

    async def speak(self, audio: bytes, *, text: str = "", wait: float = 60) -> dict[str, Any]:
        """Send a voice note and wait for the reply."""
        status, reply = await self.post(self.note(audio, text=text), wait=wait)
        assert status == 200, reply
        return dict(reply)

    def note(self, audio: bytes, *, text: str = "", id: str = "") -> aiohttp.FormData:
        form = aiohttp.FormData()
        form.add_field("id", id or f"{self.id}-{next(self._number)}")
        form.add_field("contact", json.dumps({"id": self.id}))
        if text:
            form.add_field("text", text)
        form.add_field("audio", io.BytesIO(audio), filename="note.ogg", content_type="audio/ogg")
        return form

    async def get(self, path: str, *, key: str = KEY, **query: Any) -> tuple[int, Any]:
        url = f"{self.gateway.url}/v1/conversations/{self.conversation}{path}"
        async with self.http.get(url, params=query, headers={"Authorization": f"Bearer {key}"}) as answer:
            return answer.status, json.loads(await answer.read())

    async def act(self, verb: str, **wish: Any) -> dict[str, Any]:
        """hold or release"""
        url = f"{self.gateway.url}/v1/conversations/{self.conversation}/{verb}"
        async with self.http.post(url, json=wish, headers={"Authorization": f"Bearer {ADMIN}"}) as answer:
            assert answer.status == 200, await answer.text()
            return dict(await answer.json())

    async def transcript(self) -> list[tuple[str, str]]:
        """(from, words) of every message so far."""
        _, body = await self.get("/messages")
        return [(m["from"], m["part"].get("text") or m["part"].get("transcript") or "") for m in body["messages"]]

    async def turns(self) -> list[dict[str, Any]]:
        _, body = await self.get("/turns")
        return list(body["turns"])


async def burst_ends(gateway: Gateway, conversation: str, messages: int, ms: int = LONG) -> None:
    """The window is over once so many messages have come in."""
    with gateway.live.watch(ConversationId(conversation)) as bell:
        while len(came := await gateway.store.latest(ConversationId(conversation), Kind.IN, 1000)) < messages:
            assert await bell.wait(60), f"{len(came)} of {messages} messages came"
    pass_time(gateway, ms)


def put_ahead(url: str, ms: int) -> None:
    """Of a database: see conftest.py."""
    raise NotImplementedError


def pass_time(gateway: Gateway, ms: int = LONG) -> None:
    """The store's clock, the only one of windows and pauses, goes ahead by as much, and the loops look at it."""
    if isinstance(gateway.store, PostgresStore):
        put_ahead(gateway.store._url, ms)
    else:
        steady = gateway.store._clock  # type: ignore[attr-defined]
        clock = steady._clock
        steady._clock = lambda: clock() + ms
    for loop in gateway._loops.values():
        loop._bell.ring()


@asynccontextmanager
async def running(text: str, folder: Path) -> AsyncIterator[tuple[Gateway, Contact]]:
    config = parse(text, root=folder)
    async with Gateway(config) as gateway, aiohttp.ClientSession() as http:
        yield gateway, Contact(http, gateway)
