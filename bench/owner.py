"""Claims what is due, says so, renews its leases, and waits to be killed."""

from __future__ import annotations

import asyncio
import sys

from bench.engines import FILE
from bench.lanes import LEFT, SHORT
from storage.model import Claim, Kind
from storage.postgres import PostgresStore
from storage.sqlite import SqliteStore


async def main(url: str) -> None:
    store = SqliteStore(url.removeprefix(FILE)) if url.startswith(FILE) else PostgresStore(url)
    await store.open()
    claims: list[Claim] = []
    while len(claims) < LEFT:
        claims += await store.claim(Kind.IN, LEFT, SHORT, "owner")
    print("mine", flush=True)
    while True:
        await asyncio.sleep(SHORT / 3000)
        for claim in claims:
            await store.renew(claim, SHORT)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
