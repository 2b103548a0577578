"""Trying again: the one place that does. The SDKs never do.

    what failed                        then
    ---------------------------------  ------------------------------------------------------------------
    quota, key, place, policy, refusal  never again: the next try would fail the same way
    conversation_locked                 again after 1 to 5 s, when the other call has ended
    context_length_exceeded             again at once and once, without the older half of the history
    timeout                             again once
    pictures_refused                    never, but after a bare 500, which may also be a server in trouble
    rate limit, 408, 409, 5xx, cuts,    again after what the provider said, else after about 0.5, 1, 2 ... s
    network
    any of them                         at most three tries, and none that would begin after the budget

A try's words are held back until it has finished. Text once given away cannot be taken back, and as long as a reply
goes out whole nobody waits longer for it; whoever speaks sentence by sentence later needs a word for "start over".
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from gateway.assistants.base import Again, Ask, Assistant, AssistantError, Event, Text
from gateway.assistants.faults import HINTS

log = logging.getLogger(__name__)

TRIES = 3
BUDGET_S = 45.0
LONGEST_PAUSE_S = 8.0


@dataclass(frozen=True, slots=True)
class Retry:
    after: float
    """Seconds."""
    shorter: bool = False
    """Leave the older half of the history out."""


@dataclass(frozen=True, slots=True)
class GiveUp:
    why: str


def next_step(
    failures: Sequence[AssistantError], elapsed: float, budget: float = BUDGET_S, chance: float = 0.5
) -> Retry | GiveUp:
    """What to do after the last of `failures`, which are all the tries of this turn so far.

    `elapsed` and `budget` in seconds; `chance` from 0 to 1 spreads the pauses of those who failed together.
    """
    error = failures[-1]
    if len(failures) >= TRIES:
        return GiveUp("tries")
    step = _step(error, [f.reason for f in failures[:-1]], chance)
    if isinstance(step, Retry) and elapsed + step.after >= budget:
        return GiveUp("budget")
    return step


def _step(error: AssistantError, before: list[str], chance: float) -> Retry | GiveUp:
    if error.reason == "context_length_exceeded":
        return GiveUp(error.reason) if error.reason in before else Retry(0.0, shorter=True)
    if not error.retryable or (error.reason == "timeout" and "timeout" in before):
        return GiveUp(error.reason)
    if error.reason == "conversation_locked":
        return Retry(min(5.0, max(1.0, error.retry_after or 1 + 4 * chance)))
    if error.retry_after is not None:
        return Retry(error.retry_after + 0.25 * chance)  # never sooner than was asked for
    return Retry(min(LONGEST_PAUSE_S, 0.5 * 2 ** len(before)) * (0.75 + 0.5 * chance))


class Retrying:
    """An Assistant made of an Assistant. `budget_s` is for a whole turn: pauses and every try together."""

    def __init__(
        self,
        assistant: Assistant,
        *,
        budget_s: float = BUDGET_S,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._assistant = assistant
        self._budget = budget_s
        self._clock = clock
        self._sleep = sleep
        self._chance = chance

    @property
    def name(self) -> str:
        return self._assistant.name

    @property
    def sees(self) -> frozenset[str]:
        return self._assistant.sees

    async def answer(self, ask: Ask) -> AsyncIterator[Event]:
        """Pieces go on as they come; a try that breaks after some of them is taken back."""
        began, failures, wrote = self._clock(), list[AssistantError](), False
        while True:
            try:
                async with _closing(self._try(ask, self._budget - (self._clock() - began))) as events:
                    async for event in events:
                        wrote = wrote or isinstance(event, Text)
                        yield event
                return
            except AssistantError as error:
                failures.append(error)
            step = next_step(failures, self._clock() - began, self._budget, self._chance())
            if isinstance(step, GiveUp):
                log.warning("%s: %s, given up: %s", self.name, failures[-1].reason, step.why)
                raise failures[-1]
            log.info("%s: %s, again in %.1f s", self.name, failures[-1].reason, step.after)
            if wrote:
                yield Again()
            wrote = False
            await self._sleep(step.after)
            ask = _shorter(ask) if step.shorter else ask

    async def close(self) -> None:
        await self._assistant.close()

    async def _try(self, ask: Ask, left: float) -> AsyncIterator[Event]:
        """`left`: seconds for all of it. The clock runs only while the assistant is waited for, one event at a time:
        a timeout around a `yield` would strike whoever takes the pieces."""
        end = asyncio.get_running_loop().time() + left
        async with _closing(self._assistant.answer(ask)) as events:
            while True:
                try:
                    async with asyncio.timeout_at(end):
                        event = await anext(events)
                except StopAsyncIteration:
                    return
                except TimeoutError:
                    hint = HINTS["timeout"].format(section="assistant")
                    raise AssistantError("timeout", retryable=True, hint=hint) from None
                yield event


@asynccontextmanager
async def _closing(
    events: AsyncIterator[Event],
) -> AsyncIterator[AsyncIterator[Event]]:
    """A try that is given up closes its connection now and not when its garbage is collected."""
    try:
        yield events
    finally:
        if isinstance(events, AsyncGenerator):
            await events.aclose()


def _shorter(ask: Ask) -> Ask:
    return replace(ask, history=ask.history[(len(ask.history) + 1) // 2 :])
