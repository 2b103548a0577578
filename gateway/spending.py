"""What answering comes to: each answer of a hosted assistant goes on its queue's bill, and the operator hears of it
when the bill reaches a limit. What follows from that for a customer `rules/budget.py` and the ladder say."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.assistants.base import Finished
from gateway.config import Queue
from gateway.incidents import Incidents
from gateway.rules.budget import day_of, is_limited, month_of, named, nobody_left, spent
from gateway.telemetry import Telemetry
from storage.store import Store, StoreError

log = logging.getLogger("recado.turns")

LOOKED = 600.0
"""Seconds between two looks at what is spent, so that a new month is told though nobody writes."""
MOST = 10**9
"""Tokens of one answer: more is no count."""
CURE = "until it ends (UTC). To change that, raise monthly_tokens and start recado again"


@dataclass(frozen=True, slots=True)
class Spending:
    store: Store
    telemetry: Telemetry
    incidents: Incidents

    async def tokens(self, queue: Queue, at: int) -> int:
        """What the queue's assistants came to in the month of `at` (ms); 0, without a look, where nothing is limited.
        Raises Unavailable."""
        if not is_limited(queue):
            return 0
        tokens = (await self.store.spent(queue.name, month_of(at))).tokens
        self._tell(queue, tokens)
        return tokens

    async def count(self, queue: Queue, at: int, finished: Finished) -> tuple[int, int]:
        """What was read and what was written, as it was counted. A bill that cannot be written down is no reason to
        keep the answer from anybody."""
        read, wrote = (min(max(each, 0), MOST) for each in (finished.input_tokens, finished.output_tokens))
        self.telemetry.tokens.labels(queue.name, "in").inc(read)
        self.telemetry.tokens.labels(queue.name, "out").inc(wrote)
        try:
            await self.store.spend(queue.name, day_of(at), tokens=read + wrote)
            await self.tokens(queue, at)
        except StoreError as error:
            log.warning("what was answered is not on the bill", extra={"facts": {"why": str(error)}})
        return read, wrote

    async def watch(self, queues: Sequence[Queue]) -> None:
        """For as long as it runs, what is spent is told, and that a new month began."""
        limited = [queue for queue in queues if is_limited(queue)]
        while limited:
            await self.look(limited)
            await asyncio.sleep(LOOKED)

    async def look(self, queues: Sequence[Queue]) -> None:
        for queue in queues:
            try:
                await self.tokens(queue, await self.store.now())
            except StoreError as error:
                log.warning("nobody knows what was spent", extra={"facts": {"queue": queue.name, "why": str(error)}})

    def _tell(self, queue: Queue, tokens: int) -> None:
        part, who = f"assistant {queue.name}", named(queue, tokens)
        if nobody_left(queue, tokens):
            hint = f"The month's tokens of {who} are spent: people are called {CURE}"
            self.incidents.open(part, "budget", hint)
        elif spent(queue, tokens):
            hint = f"The month's tokens of {who} are spent: passed over {CURE}"
            self.incidents.open(part, "budget_of_one", hint)
        else:
            self.incidents.close(part)
