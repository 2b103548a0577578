"""A process whose files may not grow: what the kernel says then is what a full disk says.

python -m tests.storage.full_disk FOLDER
"""

from __future__ import annotations

import asyncio
import resource
import sys
from collections.abc import Awaitable
from pathlib import Path

from storage.media import MediaFolder
from storage.model import Conversation, Cursor, Kind, Outcome, Post, Settlement, Turn, TurnId, conversation_id
from storage.sqlite import SqliteStore
from storage.store import Unavailable

WHO = Conversation(conversation_id("site", "ana"), "site", "ana", "", "front")


def limit(size: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))


async def refused(asked: Awaitable[object]) -> None:
    (answer,) = await asyncio.gather(asked, return_exceptions=True)
    assert isinstance(answer, Unavailable), f"promised on a full disk: {answer!r}"
    assert answer.retry_after > 0


def big(id: str) -> Post:
    return Post(WHO.id, id, "x" * 30_000)


async def main(folder: Path) -> None:
    store, media = SqliteStore(folder / "x.db"), MediaFolder(folder / "media")
    await store.open()
    await store.accept(WHO, big("before"))
    (claim,) = await store.claim(Kind.IN, 1, 60_000, "me")
    limit((folder / "x.db-wal").stat().st_size + 8192)

    posts = await asyncio.gather(*(store.accept(WHO, big(f"full{n}")) for n in range(8)), return_exceptions=True)
    assert all(isinstance(post, Unavailable) for post in posts), posts
    turn = Turn(TurnId("t"), WHO.id, claim.epoch, claim.head, claim.tail, 0, 0, Outcome.ANSWERED, "")
    done = Settlement(claim.tail, [Post(WHO.id, f"t:{n}", "y" * 30_000) for n in range(3)], turn)
    await refused(store.settle(claim, done))
    await refused(media.put(b"z" * 500_000))
    assert [file for file in (folder / "media").rglob("*") if file.is_file()] == []
    assert [e.dedup for e in await store.transcript(WHO.id, Cursor(), 99)] == ["before"]  # and reading goes on
    assert await store.turns(WHO.id, 0, 9) == []

    limit(resource.RLIM_INFINITY)
    for n in range(8):
        await store.accept(WHO, big(f"full{n}"))
    await store.settle(claim, done)  # the claim was still ours
    assert len(await media.read(await media.put(b"z" * 500_000))) == 500_000
    assert len(await store.transcript(WHO.id, Cursor(), 99)) == 9 + 3
    await store.close()
    print("recovered")


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
