"""How many requests may be open at once on one account."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Hashable
from types import TracebackType


class Slot:
    """A semaphore that learns its size. First come, first served; cancelling a waiter costs nobody a
    place.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.busy = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    def resize(self, limit: int) -> None:
        """What the provider said it allows. Requests already open stay open."""
        self.limit = max(1, limit)
        self._admit()

    async def __aenter__(self) -> None:
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        self._admit()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._leave()
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave()

    def _leave(self) -> None:
        self.busy -= 1
        self._admit()

    def _admit(self) -> None:
        while self._waiting and self.busy < self.limit:
            turn = self._waiting.popleft()
            if not turn.done():
                self.busy += 1
                turn.set_result(None)


class Slots:
    """The slots of every account this process speaks through. Build one and give it to every voice.

    Starts small, because the smallest plan allows two and a limit learnt from a 429 is a late answer.
    """

    def __init__(self, start: int = 2) -> None:
        self._start = start
        self._slots: dict[Hashable, Slot] = {}

    def of(self, account: Hashable) -> Slot:
        """The same account, the same slot. `account` is whatever the provider counts by, e.g. key and model
        group.
        """
        return self._slots.setdefault(account, Slot(self._start))
