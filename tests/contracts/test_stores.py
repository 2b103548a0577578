"""The stores that keep the promises of store_suite.py."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from storage.sqlite import SqliteStore
from storage.store import Store
from tests.contracts.store_suite import Lab, StoreSuite


class SqliteLab:
    """One file, one clock that only moves when told, any number of processes one after another."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.time = 1_800_000_000_000
        self.store = self._build()

    def _build(self) -> SqliteStore:
        return SqliteStore(self.path, clock=lambda: self.time, busy_ms=50)

    def pass_time(self, ms: int) -> None:
        self.time += ms

    async def restart(self) -> Store:
        await self.store.close()
        self.store = self._build()
        await self.store.open()
        return self.store


class TestSqlite(StoreSuite):
    @pytest.fixture
    async def lab(self, tmp_path: Path) -> AsyncIterator[Lab]:
        lab = SqliteLab(tmp_path / "recado.db")
        await lab.store.open()
        yield lab
        await lab.store.close()
