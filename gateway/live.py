"""What happens now, inside this process: bells for whoever watches a conversation.

Nothing here is a fact: facts are in the store. A bell that rings says "look again"; one that is missed costs a poll.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice

from storage.model import ConversationId

IDLE, WAITING, THINKING, RECORDING, HELD = "idle", "waiting", "thinking", "recording", "held"
"""Held stands here for its name only: it is a fact, and facts are in the store."""
MAKING = (THINKING, RECORDING)
"""A turn is under way."""


class Bell:
    """Rung when something changed; remembers that it rang until somebody waits."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()
        self.ended = False
        """It rang for the end of a turn, too. Whoever looks for that takes it back."""

    def ring(self) -> None:
        self._rung.set()

    async def wait(self, patience: float) -> bool:
        """True when it rang, False after `patience` seconds without."""
        try:
            async with asyncio.timeout(patience):
                await self._rung.wait()
        except TimeoutError:
            return False
        self._rung.clear()
        return True


class Round(Bell):
    """Rung for every conversation; remembers for which until somebody takes them, and no more than `MOST`."""

    MOST = 1000

    def __init__(self, queues: frozenset[str] | None) -> None:
        super().__init__()
        self.queues = queues
        self._missed: set[ConversationId] = set()

    def ring_for(self, conversation: ConversationId) -> None:
        if len(self._missed) < self.MOST:
            self._missed.add(conversation)
        self.ring()

    def take(self) -> set[ConversationId]:
        """The conversations it rang for since the last time; with `MOST` of them there may be others."""
        taken, self._missed = self._missed, set()
        return taken


@dataclass(frozen=True, slots=True)
class Draft:
    """An answer while it is written."""

    text: str
    """So far, and only what may be shown: see `rules.handoff.Showable`."""
    upto: int
    """It answers the inbound entries up to this one."""


class Live:
    def __init__(self) -> None:
        self._bells: defaultdict[ConversationId, set[Bell]] = defaultdict(set)
        self._rounds: set[Round] = set()
        self._states: dict[ConversationId, str] = {}
        self._here: set[ConversationId] = set()
        """Those whose turn is made by this process."""
        self._readers: defaultdict[ConversationId, set[Bell]] = defaultdict(set)
        self._drafts: dict[ConversationId, Draft] = {}
        self.on_busy: Callable[[ConversationId, str], None] = lambda conversation, channel: None
        """Called with (conversation, channel) when an idle conversation begins to be worked on."""
        self.over = False
        """Nothing more will happen in this process: whoever watches looks a last time and goes."""

    def ring(self, conversation: ConversationId) -> None:
        for bell in self._bells.get(conversation, ()):
            bell.ring()
        for round in self._rounds:
            round.ring_for(conversation)

    def end(self) -> None:
        self.over = True
        for conversation in self._bells:
            self.ring(conversation)
        for round in self._rounds:
            round.ring()

    def state(self, conversation: ConversationId) -> str:
        return self._states.get(conversation, IDLE)

    def say(self, conversation: ConversationId, state: str, channel: str = "") -> None:
        """What a turn is doing here. Idle is not stored: memory is for those who are busy."""
        begins = conversation not in self._states and state != IDLE
        (self._here.add if state in MAKING else self._here.discard)(conversation)
        self._set(conversation, state)
        if begins and channel:
            self.on_busy(conversation, channel)

    def hear(self, conversation: ConversationId, state: str) -> None:
        """What another process does for it. Of a turn that is made here nobody else knows."""
        if conversation not in self._here and self.state(conversation) != state:
            self._set(conversation, state)

    def _set(self, conversation: ConversationId, state: str) -> None:
        if state == IDLE:
            self._states.pop(conversation, None)
            for bell in self._bells.get(conversation, ()):
                bell.ended = True
        else:
            self._states[conversation] = state
        self.ring(conversation)

    def makes(self, conversation: ConversationId) -> bool:
        """A turn of it is made by this process."""
        return conversation in self._here

    def elsewhere(self, most: int) -> list[ConversationId]:
        """Those that are busy without a turn of this process, the longest first."""
        return list(islice((id for id in self._states if id not in self._here), most))

    @contextmanager
    def watch(self, conversation: ConversationId) -> Iterator[Bell]:
        bell = Bell()
        self._bells[conversation].add(bell)
        try:
            yield bell
        finally:
            self._bells[conversation].discard(bell)
            if not self._bells[conversation]:
                del self._bells[conversation]

    @contextmanager
    def watch_all(self, queues: frozenset[str] | None = None) -> Iterator[Round]:
        """As `watch`, for whoever looks after many conversations. `queues`: theirs; None: all."""
        round = Round(queues)
        self._rounds.add(round)
        try:
            yield round
        finally:
            self._rounds.discard(round)

    def watched(self, queue: str) -> bool:
        """Somebody looks after the conversations of that queue now."""
        return any(round.queues is None or queue in round.queues for round in self._rounds)

    def watched_conversations(self) -> set[ConversationId]:
        return set(self._bells)

    @property
    def looked_after(self) -> bool:
        """Somebody looks after the conversations of some queue now."""
        return bool(self._rounds)

    # -- drafts ------------------------------------------------------------------------------------

    def write(self, conversation: ConversationId, draft: Draft) -> None:
        """What an answer says so far; a shorter one takes back what was written. Kept only while somebody reads."""
        if conversation in self._readers:
            self._drafts[conversation] = draft
            for bell in self._readers[conversation]:
                bell.ring()

    def draft(self, conversation: ConversationId) -> Draft | None:
        return self._drafts.get(conversation)

    @contextmanager
    def read(self, conversation: ConversationId) -> Iterator[Bell]:
        """As `watch`, and the bell also rings for every piece that is written."""
        with self.watch(conversation) as bell:
            self._readers[conversation].add(bell)
            try:
                yield bell
            finally:
                self._readers[conversation].discard(bell)
                if not self._readers[conversation]:
                    del self._readers[conversation]
                    self._drafts.pop(conversation, None)
