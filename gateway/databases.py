"""Which database `storage.url` names: a file of this machine, or a PostgreSQL server that several machines share."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from gateway.config import Config, ConfigError
from storage.ledger import Rang
from storage.model import Spent, Unread
from storage.sqlite import SqliteStore, sealed_in, spent_in, unread_in
from storage.store import NewerDatabase, Store, StoreError
from tts.findings import Finding

if TYPE_CHECKING:
    from storage.postgres import PostgresStore

FILE = "sqlite:///"
EXTRA = (
    "storage.url names a PostgreSQL server, and what speaks with it is missing: "
    "`python3 run.py recado --with=postgres --version` installs it"
)
VISITORS = "visitor_secret"
"""The name of what every installation has sealed."""


class Database(Protocol):
    alone: bool
    """It belongs to one process."""
    keys: Path
    """Beside which the file with the vault's key lies, when the environment has none."""

    def store(self, rang: Rang | None = None) -> Store:
        """Not opened yet. Raises ConfigError."""
        ...

    async def look(self) -> Finding:
        """Whether it can be used; nothing is made or changed."""
        ...

    async def unread(self, limit: int) -> list[Unread]:
        """`Store.unread`, beside a gateway that may be running. Raises StoreError."""
        ...

    async def spent(self, queue: str, since_day: str) -> Spent:
        """`Store.spent`, likewise."""
        ...

    async def sealed(self, name: str) -> bytes | None:
        """`Store.sealed`, likewise."""
        ...


class File:
    alone = True

    def __init__(self, path: Path) -> None:
        self.keys = self._path = path

    def store(self, rang: Rang | None = None) -> Store:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        return SqliteStore(self._path, rang=rang)

    async def look(self) -> Finding:
        return folder("storage.url", self._path.parent)

    async def unread(self, limit: int) -> list[Unread]:
        return await unread_in(self._path, limit)

    async def spent(self, queue: str, since_day: str) -> Spent:
        return await spent_in(self._path, queue, since_day)

    async def sealed(self, name: str) -> bytes | None:
        return await sealed_in(self._path, name)


class Server:
    alone = False

    def __init__(self, url: str, keys: Path) -> None:
        self._url, self.keys = url, keys

    def store(self, rang: Rang | None = None) -> Store:
        return self._built(rang=rang)

    async def look(self) -> Finding:
        try:
            return await self._finding()
        except NewerDatabase as error:
            return Finding("error", "storage.url", str(error))
        except (StoreError, ConfigError) as error:
            cure = "compare address, name and password with your database's, and see whether it runs"
            return Finding("error", "storage.url", f"{error}: {cure}")

    async def _finding(self) -> Finding:
        """Raises StoreError, ConfigError."""
        store = self._built(size=1)
        try:
            version = await store.look()
            if lacks := await store.lacks(version):
                return Finding("error", "storage.url", f"the role may not {lacks}")
            return Finding("ok", "storage.url", "PostgreSQL" if version else "PostgreSQL, and empty yet")
        finally:
            await store.close()

    async def unread(self, limit: int) -> list[Unread]:
        async with self._looked() as store:
            return await store.unread(limit) if store else []

    async def spent(self, queue: str, since_day: str) -> Spent:
        async with self._looked() as store:
            return await store.spent(queue, since_day) if store else Spent()

    async def sealed(self, name: str) -> bytes | None:
        async with self._looked() as store:
            return await store.sealed(name) if store else None

    @asynccontextmanager
    async def _looked(self) -> AsyncIterator[Store | None]:
        """None: nobody ever opened it."""
        store = self._built(size=1)
        try:
            yield store if await store.look() else None
        finally:
            await store.close()

    def _built(self, **more: Any) -> PostgresStore:
        try:
            from storage.postgres import PostgresStore
        except ImportError:
            raise ConfigError("recado", [EXTRA]) from None
        return PostgresStore(self._url, **more)


def database(config: Config) -> Database:
    """By the address alone: nothing is opened."""
    url = config.storage.url
    if url.startswith(FILE):
        return File(Path(url.removeprefix(FILE)))
    shared = config.storage.cache_dir if "://" in config.storage.media_dir else config.storage.media_dir
    return Server(url, Path(shared).parent / "recado")


def folder(key: str, path: Path) -> Finding:
    """Writable now, or can be made."""
    place = path
    while not place.exists() and place != place.parent:
        place = place.parent
    if place.is_dir() and os.access(place, os.W_OK):
        return Finding("ok", key, str(path))
    return Finding("error", key, f"{path} cannot be written: choose another folder or change its owner")
