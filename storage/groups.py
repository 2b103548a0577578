"""Whatever waits to be written while one call runs shares the next: a commit costs the same however much it carries.

Nobody lingers for company: a group finds its own size.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from storage.store import Unavailable

T = TypeVar("T")
R = TypeVar("R")

MOST = 64
"""Calls in one group, so that the first of a flood does not wait for the last."""
Call = tuple[int, T, "asyncio.Future[R]"]
"""In which order groups may wait for each other, what to write, and who asked."""


class Group(Generic[T, R]):
    """`write`: carries out all of some calls or none of them, and answers in their order.

    Where it cannot carry out all, for another reason than that nothing can be written, each call is carried out by
    itself: one mistake does not cost the others their commit.
    """

    def __init__(self, write: Callable[[Sequence[T]], Awaitable[Sequence[R]]]) -> None:
        self._write = write
        self._waiting: list[Call[T, R]] = []
        self._running: asyncio.Task[None] | None = None
        self.groups = 0

    async def ask(self, order: int, what: T) -> R:
        """What is asked is carried out, also when nobody waits for the answer any more."""
        answer: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((order, what, answer))
        if self._running is None:
            self._running = asyncio.create_task(self._run(), name="writing")
        return await answer

    async def finish(self) -> None:
        while self._running is not None:
            await asyncio.wait([self._running])

    async def _run(self) -> None:
        try:
            while self._waiting:
                calls, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
                await self._together(sorted(calls, key=lambda call: call[0]))
        finally:
            self._running = None

    async def _together(self, calls: Sequence[Call[T, R]]) -> None:
        self.groups += 1
        try:
            answers = await self._write([what for _, what, _ in calls])
        except Exception as error:
            if len(calls) == 1 or (isinstance(error, Unavailable) and not error.alone):
                _refuse(calls, error)
                return
            for call in calls:
                await self._together([call])
            return
        for (_, _, answer), said in zip(calls, answers, strict=True):
            if not answer.done():
                answer.set_result(said)


def _refuse(calls: Sequence[Call[T, R]], error: Exception) -> None:
    for _, _, answer in calls:
        if not answer.done():
            answer.set_exception(error)
