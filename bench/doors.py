"""What the gateway is compared with, each as small as it can be: `python -m bench.doors KIND PORT DATABASE`.

noop     answers 202 and does nothing: the floor that aiohttp sets
parse    the gateway's own door with nothing behind it: the message is read and checked, and not stored
commit   the same door, and behind it the usual way to store: aiosqlite, one transaction a message
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import aiosqlite
import orjson
from aiohttp import web

from bench.config import configuration
from gateway.channels.base import Inbound
from gateway.config import parse
from gateway.intake import Accepted
from gateway.live import Live
from gateway.telemetry import Telemetry
from gateway.web.access import Access
from gateway.web.messages import Messages
from storage.model import ConversationId

ACCEPTED = Accepted(ConversationId("c_0123456789abcdef01234567"), 1, duplicate=False)
ANSWER = b'{"conversation":"c_0123456789abcdef01234567","message":1,"duplicate":false}'
SCHEMA = """
CREATE TABLE message (dedup TEXT PRIMARY KEY, contact TEXT NOT NULL, body TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE due (contact TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;
"""


async def noop(request: web.Request) -> web.Response:
    return web.Response(body=ANSWER, status=202, content_type="application/json")


class Nowhere:
    """In the place of the intake."""

    async def accept(self, channel: Any, queue: Any, inbound: Inbound) -> Accepted:
        return ACCEPTED


class OneByOne:
    """In the place of the intake: what it writes is less than what the gateway writes."""

    def __init__(self, db: aiosqlite.Connection) -> None:
        self._db, self._turn = db, asyncio.Lock()

    async def accept(self, channel: Any, queue: Any, inbound: Inbound) -> Accepted:
        body = orjson.dumps({"text": inbound.text, "at": inbound.at}).decode()
        async with self._turn:
            await self._db.execute("BEGIN IMMEDIATE")
            values = (inbound.id, inbound.contact, body)
            await self._db.execute("INSERT OR IGNORE INTO message VALUES (?, ?, ?)", values)
            await self._db.execute("INSERT OR REPLACE INTO due VALUES (?, ?)", (inbound.contact, inbound.at))
            await self._db.execute("COMMIT")
        return ACCEPTED


def door(intake: Any) -> Messages:
    """Nothing is waited for, so there is no store to look into."""
    config = parse(configuration("http://127.0.0.1:9/v1"))
    store: Any = None
    return Messages(config, Access(config, b""), intake, store, Live(), Telemetry(), "")


async def _ready(request: web.Request) -> web.Response:
    return web.Response()


async def main(kind: str, port: int, database: str) -> None:
    async with aiosqlite.connect(database, isolation_level=None) as db:
        await db.executescript(f"PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; {SCHEMA}")
        handler = {"noop": noop, "parse": door(Nowhere()).post, "commit": door(OneByOne(db)).post}[kind]
        app = web.Application()
        app.add_routes([web.post("/v1/channels/{channel}/messages", handler), web.get("/readyz", _ready)])
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port, backlog=1024).start()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
