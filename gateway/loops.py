"""Long processes: claim what is due, keep its lease, give back what breaks. Asked to stop before they are cancelled."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections import Counter
from collections.abc import Awaitable, Callable

from gateway.live import Bell
from gateway.rules.sharing import crowded, kept_free
from gateway.telemetry import Telemetry, about
from storage.model import Claim, ConversationId, Kind
from storage.store import Fenced, Store, StoreError

log = logging.getLogger("recado.loops")

LEASE = 30_000
"""Milliseconds; renewed three times within it by the task that does the work."""
PAUSE = 1.0
"""Seconds before a store that could not be asked is asked again."""
POLL = 5.0
"""Seconds: the net under the bell."""
CROWDED = 0.25
"""Seconds until those that had their share are looked at again; what ends before rings."""
MOST = 50
"""Claims of one look; when it finds as many, there may be more."""
BREATH = 0.002
"""Seconds between two looks at the lanes, so that a flood of rings is one look."""


def backoff(tries: int, random: Callable[[], float]) -> int:
    """Milliseconds before a broken claim is tried again: 1 s doubling to 5 s, give or take a quarter."""
    doubled: int = min(5_000, 1000 << max(0, min(tries - 1, 10)))
    return round(doubled * (0.75 + random() / 2))


class Loop:
    """One direction's claims, a bounded number at a time, one for each conversation by construction.

    shares: how many queues, or channels, share the slots: a slow one does not take them all.
    """

    def __init__(
        self,
        kind: Kind,
        work: Callable[[Claim], Awaitable[None]],
        store: Store,
        telemetry: Telemetry,
        *,
        owner: str,
        slots: int = 64,
        folds: int = 0,
        shares: int = 1,
        random: Callable[[], float] = random.random,
    ) -> None:
        self._kind, self._work, self._store, self._telemetry = kind, work, store, telemetry
        self._owner, self._slots, self._folds, self._random = owner, slots, folds, random
        self._shares, self._whose = shares, dict[str, str]()
        self._bell, self._stopping = Bell(), False
        self._running: dict[ConversationId, tuple[Claim, asyncio.Task[None]]] = {}
        self._folding: set[asyncio.Task[None]] = set()
        self._kept: set[ConversationId] = set()
        self._main: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._main = asyncio.create_task(self._run(), name=f"loop-{self._kind.name.lower()}")

    async def stop(self, grace: float, *, last_look: bool = False) -> None:
        """Claim nothing more (`last_look`: but what is due now); let what runs finish for `grace` seconds; give the
        rest back for the next start."""
        self._stopping = True
        self._bell.ring()
        if self._main:
            await self._main
        if last_look:
            await self._look()
        tasks = [task for _, task in self._running.values()]
        if tasks:
            await asyncio.wait(tasks, timeout=grace)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, *self._folding, return_exceptions=True)

    def ring(self, conversation: ConversationId) -> None:
        """Something about this lane changed."""
        self._bell.ring()
        if self._folds and conversation in self._running:
            task = asyncio.create_task(self._fold(conversation))
            self._folding.add(task)
            task.add_done_callback(self._folding.discard)

    def keep(self, conversation: ConversationId) -> None:
        """What runs there is about to do something outside: from now on no newer message throws it away. One that has
        already done so is met as Fenced by whoever renews the claim after this."""
        if conversation in self._running:
            self._kept.add(conversation)

    @property
    def running(self) -> int:
        return len(self._running)

    # -- claiming ----------------------------------------------------------------------------------

    async def _run(self) -> None:
        while not self._stopping:
            await self._bell.wait(await self._look())
            await asyncio.sleep(BREATH)

    async def _look(self) -> float:
        """As `_claim`, and whatever goes wrong, there will be another look: without it nobody is answered any more."""
        try:
            return await self._claim()
        except StoreError as error:
            log.error("the store cannot be asked for work", extra={"facts": {"error": str(error)}})
        except Exception as error:
            self._telemetry.failures.labels(type(error).__name__).inc()
            log.exception("looking for work broke")
        return PAUSE

    async def _claim(self) -> float:
        """Start what is due. Returns the seconds until there may be more."""
        free = self._slots - len(self._running)
        if free <= 0:
            return POLL
        spare = kept_free(self._slots, self._shares)
        beside = await self._crowded() if free <= spare else frozenset()
        most = min(free if free <= spare else free - spare, MOST)
        claims = await self._store.claim(self._kind, most, LEASE, self._owner, beside)
        for claim in claims:
            self._start(claim)
        if len(claims) == most:
            return 0
        if beside:
            return CROWDED
        return await self._store.rest(self._kind)

    async def _crowded(self) -> frozenset[str]:
        """Those that have their share of what runs here: the last free slots are for the others."""
        if unknown := [key for key in self._running if key not in self._whose]:
            self._whose.update(await self._store.whose(self._kind, unknown))
        at_work = Counter(self._whose.get(key, "") for key in self._running)
        return crowded(at_work, self._slots, self._shares)

    def _start(self, claim: Claim) -> None:
        if self._kind is Kind.IN:
            self._telemetry.lateness.observe(max(0, claim.claimed_at - claim.ripe_at) / 1000)
        task = asyncio.create_task(self._work_on(claim))
        self._kept.discard(claim.key)  # that was the one before, which may not have gone yet
        self._running[claim.key] = (claim, task)
        task.add_done_callback(lambda _: self._finished(claim))

    def _finished(self, claim: Claim) -> None:
        if self._running.get(claim.key, (None,))[0] is claim:
            del self._running[claim.key]
            self._whose.pop(claim.key, None)
            self._kept.discard(claim.key)
        if self._slots - len(self._running) <= kept_free(self._slots, self._shares) + 1:  # others waited for the room
            self._bell.ring()

    # -- working -----------------------------------------------------------------------------------

    async def _work_on(self, claim: Claim) -> None:
        """Work under a lease. Whatever happens to the work, the lane goes on."""
        with about(conversation=claim.key, **self._named(claim)):
            try:
                await self._while_leased(claim)
            except Fenced:
                log.info("the lane was taken over; this work is thrown away")
            except asyncio.CancelledError:
                await self._give_back(claim, 0)
                raise
            except Exception as error:
                self._telemetry.failures.labels(type(error).__name__).inc()
                log.exception("a claim broke and will be tried again", extra={"facts": {"tries": claim.tries}})
                await self._give_back(claim, backoff(claim.tries, self._random))

    def _named(self, claim: Claim) -> dict[str, str]:
        """By this a turn is found again. What a claim of a delivery sends, or tells a desk, is of another turn, which
        only its entries name."""
        return {"turn": f"{claim.key}.{claim.epoch}"} if self._kind is Kind.IN else {}

    async def _while_leased(self, claim: Claim) -> None:
        work = asyncio.ensure_future(self._work(claim))
        keeper = asyncio.create_task(self._keep(claim, work))
        try:
            await work
        finally:
            keeper.cancel()
            work.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await asyncio.gather(keeper, work, return_exceptions=True)

    async def _keep(self, claim: Claim, work: asyncio.Future[None]) -> None:
        """A lease that cannot be renewed ends the work: somebody else will do it."""
        while True:
            await asyncio.sleep(LEASE / 3000)
            try:
                async with asyncio.timeout(LEASE / 3000):
                    await self._store.renew(claim, LEASE)
            except (StoreError, TimeoutError):
                log.warning("the lease could not be renewed; this work is thrown away")
                work.cancel()
                return

    async def _give_back(self, claim: Claim, delay: int) -> None:
        try:
            await self._store.retry(claim, delay)
        except StoreError as error:
            facts = {"error": str(error) or type(error).__name__}
            log.info("the claim could not be given back; its lease will end", extra={"facts": facts})

    async def _fold(self, conversation: ConversationId) -> None:
        """A newer message while a draft is made: throw the draft away while that is allowed, and save its cost."""
        claim, task = self._running.get(conversation, (None, None))
        if claim is None or task is None or conversation in self._kept:
            return
        try:
            if await self._store.fold(claim, self._folds):
                self._telemetry.folded.inc()
                task.cancel()
        except StoreError:
            log.debug("nothing to fold: the turn has settled")
