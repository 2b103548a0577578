"""Databases with a past, written through the store itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from bench.config import CHANNELS
from bench.engines import FILE, Lanes
from gateway import transcript
from gateway.channels.base import Inbound
from gateway.config import parse
from storage.model import Conversation, Kind, Post, Settlement, conversation_id
from storage.postgres import PostgresStore
from storage.sqlite import SqliteStore

HOUR = 3_600_000
BATCH = 1000
WORDS = "Claro! Entregamos aos sábados das 9h às 12h, e para o centro o frete custa R$ 12,90."


def database(folder: Path, text: str) -> str:
    """The `storage.url` of the gateway with this configuration."""
    return parse(text, root=folder).storage.url


@asynccontextmanager
async def opened(folder: Path, text: str) -> AsyncIterator[Lanes]:
    """Its store, as fast as it goes: what is written here is not measured."""
    url = database(folder, text)
    store: Lanes = (
        SqliteStore(url.removeprefix(FILE), synchronous="OFF") if url.startswith(FILE) else PostgresStore(url)
    )
    await store.open()
    try:
        yield store
    finally:
        await store.close()


async def filled(folder: Path, text: str, contacts: Sequence[str], *, messages: int) -> None:
    """On every channel, each contact has said and heard `messages` in all, and nothing is open."""
    async with opened(folder, text) as store:
        for channel, queue in CHANNELS.items():
            await _said(store, channel, queue, contacts, messages // 2)


async def _said(store: Lanes, channel: str, queue: str, contacts: Sequence[str], rounds: int) -> None:
    for n in range(rounds):
        await written(store, channel, queue, contacts, f"past-{n}")
        for claim in await store.claim(Kind.IN, len(contacts), HOUR, "bench"):
            turn = f"{claim.key}.{claim.epoch}"
            part = {"kind": "text", "text": WORDS}
            envelope = {"conversation": claim.key, "turn": turn}
            body = transcript.sent_body(turn, part, envelope=envelope, spell=0, last=True)
            await store.settle(claim, Settlement(claim.tail, [Post(claim.key, f"{turn}:0", body)]))
    await _settled(store, Kind.OUT, len(contacts))


async def written(store: Lanes, channel: str, queue: str, contacts: Sequence[str], id: str, window: int = 0) -> None:
    """One message of each contact."""
    at = time.time_ns() // 1_000_000
    for start in range(0, len(contacts), BATCH):
        posts = []
        for contact in contacts[start : start + BATCH]:
            key = conversation_id(channel, contact)
            text = f"Oi, vocês entregam no sábado? ({id})"
            body = transcript.received_body(Inbound(id, contact, "Lia", text, at))
            post = Post(key, id, body, transcript.content_digest(text, None), window, window)
            posts.append(store.accept(Conversation(key, channel, contact, "Lia", queue), post))
        await asyncio.gather(*posts)


async def asleep(folder: Path, text: str, contacts: Sequence[str]) -> None:
    """Conversations of one message each, all settled."""
    async with opened(folder, text) as store:
        await written(store, "api", CHANNELS["api"], contacts, "first")
        await _settled(store, Kind.IN, len(contacts))


async def waiting(folder: Path, text: str, contacts: Sequence[str]) -> None:
    """The same conversations with a second message whose window ends in an hour."""
    async with opened(folder, text) as store:
        await written(store, "api", CHANNELS["api"], contacts, "second", HOUR)


async def _settled(store: Lanes, kind: Kind, lanes: int) -> None:
    while lanes > 0:
        claims = await store.claim(kind, BATCH, HOUR, "bench")
        await asyncio.gather(*(store.settle(claim, Settlement(claim.tail)) for claim in claims))
        lanes -= BATCH
