"""What happens now, inside this process: bells for whoever watches a conversation.

Nothing here is a fact: facts are in the store. A bell that rings says "look again"; one that is missed costs a poll.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

from storage.model import ConversationId

IDLE, WAITING, THINKING, RECORDING, HELD = "idle", "waiting", "thinking", "recording", "held"
"""Held stands here for its name only: it is a fact, and facts are in the store."""


class Bell:
    """Rung when something changed; remembers that it rang until somebody waits."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

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


class Live:
    def __init__(self) -> None:
        self._bells: defaultdict[ConversationId, set[Bell]] = defaultdict(set)
        self._states: dict[ConversationId, str] = {}
        self.over = False
        """Nothing more will happen in this process: whoever watches looks a last time and goes."""

    def ring(self, conversation: ConversationId) -> None:
        for bell in self._bells.get(conversation, ()):
            bell.ring()

    def end(self) -> None:
        self.over = True
        for conversation in self._bells:
            self.ring(conversation)

    def state(self, conversation: ConversationId) -> str:
        return self._states.get(conversation, IDLE)

    def say(self, conversation: ConversationId, state: str) -> None:
        """What a turn is doing here. Idle is not stored: memory is for those who are busy."""
        if state == IDLE:
            self._states.pop(conversation, None)
        else:
            self._states[conversation] = state
        self.ring(conversation)

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
