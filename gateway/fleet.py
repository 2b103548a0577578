"""What one process knows by itself, and several must agree on: who does what only one may do, how fast all of them
together may send and speak, what the others did, and whether anybody looks after a queue.

`fleet_of` chooses by the store: where nobody else writes, nothing is asked.
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import logging
import random
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from types import TracebackType
from typing import Literal, Protocol

from gateway.channels.base import Capabilities, Channel
from gateway.live import IDLE, THINKING, WAITING, Live
from gateway.telemetry import Telemetry
from storage.model import ConversationId, Kind
from storage.store import Store, StoreError
from tts.slots import Slot, Slots

log = logging.getLogger("recado.fleet")

Role = Literal["all", "web", "turns", "deliveries"]
LOOPS: Mapping[str, Sequence[Kind]] = {
    "all": tuple(Kind),
    "web": (),
    "turns": (Kind.IN, Kind.LATER),
    "deliveries": (Kind.OUT, Kind.DESK),
}
"""By role, the lanes a process works on."""
DOORS = ("all", "web")
"""The roles whose processes can be written to."""

TERM = 30_000
LOOK = 0.25
"""Seconds between two looks at what the others did to conversations that are watched here."""
ROUND = 5.0
"""Seconds between two looks at whether anybody looks after a queue anywhere."""
MOST = 1000
"""Conversations that wait for a turn of another process, the longest, that are followed; the others follow."""
HELD = 200
"""Conversations that people have, the longest, that are followed for whoever looks after them."""
SPOKEN = 60_000
"""Milliseconds after which a request to a voice is over, whatever became of its process."""
CROWDED = 0.1
"""Seconds, give or take half, before a full account is looked at again."""


class Fleet(Protocol):
    slots: Slots
    """Of the voices' accounts."""

    async def while_mine(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Do `work`, which does not end by itself, as long as nobody else does."""
        ...

    def own(self, capabilities: Capabilities) -> Capabilities:
        """A channel's, with the limits this process keeps by itself."""
        ...

    async def room(self, channel: Channel) -> float:
        """0: one send of the whole channel's is ours; otherwise the seconds until there may be room."""
        ...

    async def rest(self, channel: Channel, seconds: float) -> None:
        """The provider asked for it."""
        ...

    async def follow(self, live: Live, inboxes: Sequence[str]) -> None:
        """Ring for what others do, until cancelled. `inboxes`: queues whose people work in our own inbox."""
        ...

    def watched(self, queue: str) -> bool:
        """Somebody looks after it at another process."""
        ...


def fleet_of(store: Store, owner: str, telemetry: Telemetry) -> Fleet:
    return Alone() if store.alone else Together(store, owner, telemetry)


class Alone:
    def __init__(self) -> None:
        self.slots = Slots()

    async def while_mine(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        await work()

    def own(self, capabilities: Capabilities) -> Capabilities:
        return capabilities

    async def room(self, channel: Channel) -> float:
        return 0.0

    async def rest(self, channel: Channel, seconds: float) -> None:
        return None

    async def follow(self, live: Live, inboxes: Sequence[str]) -> None:
        return None

    def watched(self, queue: str) -> bool:
        return False


class Together:
    """owner: of this process, random. term: milliseconds for which somebody has what only one may do; renewed three
    times within it."""

    def __init__(self, store: Store, owner: str, telemetry: Telemetry, *, term: int = TERM) -> None:
        self._store, self._owner, self._telemetry, self._term = store, owner, telemetry, term
        self.slots: Slots = _SharedSlots(store, owner)
        self._watched: set[str] = set()
        self._marks: dict[str, object] = {}

    # -- what only one may do ------------------------------------------------------------------------

    async def while_mine(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        while True:
            if await self._get(name):
                await self._hold(name, work)
            await asyncio.sleep(self._term / 3000)

    async def _get(self, name: str) -> bool:
        try:
            async with asyncio.timeout(self._term / 3000):  # whoever waits longer for the answer has lost it meanwhile
                return await self._store.lease(name, self._owner, self._term)
        except (StoreError, TimeoutError) as error:
            facts = {"duty": name, "error": str(error) or type(error).__name__}
            log.warning("nobody can be asked who does what", extra={"facts": facts})
            return False

    async def _hold(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Until another has it: when the store cannot be asked, somebody else may already do it."""
        log.info("this process does what only one may", extra={"facts": {"duty": name}})
        doing = asyncio.ensure_future(work())
        try:
            while not doing.done() and await self._get(name):
                await asyncio.wait([doing], timeout=self._term / 3000)
            if doing.done():
                doing.result()
        finally:
            doing.cancel()
            await asyncio.gather(doing, return_exceptions=True)
            with suppress(StoreError):
                await self._store.let_go(name, self._owner)

    # -- how fast ------------------------------------------------------------------------------------

    def own(self, capabilities: Capabilities) -> Capabilities:
        return replace(capabilities, per_channel=(0, 0))

    async def room(self, channel: Channel) -> float:
        rate, burst = channel.capabilities.per_channel
        return await self._store.take_room(f"channel:{channel.name}", rate, burst) if rate else 0.0

    async def rest(self, channel: Channel, seconds: float) -> None:
        rate, burst = channel.capabilities.per_channel
        if rate:
            await self._store.no_room(f"channel:{channel.name}", seconds, rate, burst)

    # -- what the others do --------------------------------------------------------------------------

    async def follow(self, live: Live, inboxes: Sequence[str]) -> None:
        for n in itertools.count():
            try:
                await self._look(live)
                if n % round(ROUND / LOOK) == 0:
                    await self._look_around(live, inboxes)
            except StoreError as error:
                log.debug("what others do cannot be seen now: %s", error)
            except Exception as error:  # without a next look nobody here would hear of the others any more
                self._telemetry.failures.labels(type(error).__name__).inc()
                log.exception("looking at what others do broke")
            await asyncio.sleep(LOOK)

    async def _look(self, live: Live) -> None:
        await self._look_at_turns(live)
        ids = live.watched_conversations()
        if live.looked_after:
            ids |= {conversation.id for conversation in await self._store.held(HELD)}
        marks = dict(await self._store.marks(sorted(ids)))
        stirred = {id for id in marks.keys() & self._marks.keys() if marks[id] != self._marks[id]}
        begun_or_over = marks.keys() ^ self._marks.keys()  # a look too many costs little
        self._marks = marks
        for id in stirred | begun_or_over:
            live.ring(ConversationId(id))

    async def _look_at_turns(self, live: Live) -> None:
        """A message that came here may be answered elsewhere: whoever waits sees it written, and then answered."""
        known = {id: live.state(id) for id in {*live.elsewhere(MOST), *live.watched_conversations()}}
        doing = await self._store.under_way(sorted(known))
        for id, state in known.items():
            if live.state(id) == state:  # else it went on here while the others were asked about
                live.hear(id, {None: IDLE, False: WAITING, True: THINKING}[doing.get(id)])

    async def _look_around(self, live: Live, inboxes: Sequence[str]) -> None:
        found = set()
        for queue in inboxes:
            if live.watched(queue):
                await self._store.lease(f"inbox:{queue}", "people", round(3000 * ROUND))
            elif await self._store.leased(f"inbox:{queue}"):
                found.add(queue)
        self._watched = found

    def watched(self, queue: str) -> bool:
        return queue in self._watched


# -- speaking through one account --------------------------------------------------------------------


class _SharedSlots(Slots):
    def __init__(self, store: Store, owner: str) -> None:
        super().__init__()
        self._store, self._owner = store, owner

    def of(self, account: Hashable) -> Slot:
        if account not in self._slots:
            name = hashlib.blake2b(repr(account).encode(), digest_size=16).hexdigest()  # it holds a key
            self._slots[account] = _SharedSlot(self._start, self._store, f"voice:{name}", self._owner)
        return self._slots[account]


class _SharedSlot(Slot):
    """As many at once as the account allows, whichever process asks. Where the store cannot be asked, as if alone."""

    def __init__(self, limit: int, store: Store, name: str, owner: str) -> None:
        super().__init__(limit)
        self._store, self._name, self._owner = store, name, owner
        self._numbers = itertools.count()
        self._taken: dict[asyncio.Task[object] | None, tuple[str, str]] = {}

    async def __aenter__(self) -> None:
        await super().__aenter__()
        try:
            await self._take()
        except BaseException:
            await super().__aexit__(None, None, None)
            raise

    async def _take(self) -> None:
        owner = f"{self._owner}.{next(self._numbers)}"
        with suppress(StoreError):
            while not await self._any(owner):  # noqa: ASYNC110 - the event is in another process
                await asyncio.sleep(CROWDED * random.uniform(0.5, 1.5))  # noqa: S311 - no secret

    async def _any(self, owner: str) -> bool:
        first = random.randrange(self.limit)  # noqa: S311
        for n in range(self.limit):
            name = f"{self._name}#{(first + n) % self.limit}"
            try:
                mine = await self._store.lease(name, owner, SPOKEN)
            except BaseException:  # cancelled, or cut off: it may be ours all the same
                with suppress(StoreError):
                    await self._store.let_go(name, owner)
                raise
            if mine:
                self._taken[asyncio.current_task()] = name, owner
                return True
        return False

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await super().__aexit__(kind, error, trace)
        if taken := self._taken.pop(asyncio.current_task(), None):
            with suppress(StoreError):
                await self._store.let_go(*taken)
