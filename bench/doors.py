"""What the gateway's door is compared with, each as small as it can be: `python -m bench.doors KIND PORT DATABASE`.

noop     answers 202 and does nothing: the floor that aiohttp sets
parse    reads and checks the message exactly as the gateway does, and stores nothing
commit   does that and stores it the usual way: aiosqlite, one transaction a message
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable

import aiosqlite
import orjson
from aiohttp import web

from bench.config import configuration
from gateway.channels.base import Inbound
from gateway.config import Config, parse
from gateway.web.access import Access
from gateway.web.reading import read

ANSWER = b'{"conversation":"c_0123456789abcdef01234567","message":1,"duplicate":false}'
Handler = Callable[[web.Request], Awaitable[web.Response]]
SCHEMA = """
CREATE TABLE message (dedup TEXT PRIMARY KEY, contact TEXT NOT NULL, body TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE due (contact TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;
"""


async def noop(request: web.Request) -> web.Response:
    return _accepted()


def parsing(config: Config) -> Handler:
    access = Access(config, b"")

    async def handle(request: web.Request) -> web.Response:
        await read(request, access.caller(request), time.time_ns() // 1_000_000)
        return _accepted()

    return handle


def committing(config: Config, db: aiosqlite.Connection) -> Handler:
    access, turn = Access(config, b""), asyncio.Lock()

    async def handle(request: web.Request) -> web.Response:
        inbound = await read(request, access.caller(request), time.time_ns() // 1_000_000)
        async with turn:
            await _store(db, inbound)
        return _accepted()

    return handle


async def _store(db: aiosqlite.Connection, inbound: Inbound) -> None:
    body = orjson.dumps({"text": inbound.text, "at": inbound.at}).decode()
    await db.execute("BEGIN IMMEDIATE")
    await db.execute("INSERT OR IGNORE INTO message VALUES (?, ?, ?)", (inbound.id, inbound.contact, body))
    await db.execute("INSERT OR REPLACE INTO due VALUES (?, ?)", (inbound.contact, inbound.at))
    await db.execute("COMMIT")


def _accepted() -> web.Response:
    return web.Response(body=ANSWER, status=202, content_type="application/json")


async def _ready(request: web.Request) -> web.Response:
    return web.Response()


async def main(kind: str, port: int, database: str) -> None:
    config = parse(configuration("http://127.0.0.1:9/v1"))
    async with aiosqlite.connect(database, isolation_level=None) as db:
        await db.executescript(f"PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; {SCHEMA}")
        handler = {"noop": noop, "parse": parsing(config), "commit": committing(config, db)}[kind]
        app = web.Application()
        app.add_routes([web.post("/v1/channels/{channel}/messages", handler), web.get("/readyz", _ready)])
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port, backlog=1024).start()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
