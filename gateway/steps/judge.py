"""judge: which intent a burst is of, where a fixed reply or a flow waits for one. By the queue's assistant; by likeness
where that is embedded, slow or silent."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from gateway.assistants.base import Ask, AssistantError
from gateway.assistants.once import in_writing
from gateway.burst import Burst
from gateway.rules.judging import judged, judging_request
from gateway.rules.precedence import Situation, intents_in_question, texts_of
from gateway.spending import Spending
from gateway.telemetry import Telemetry

PATIENCE = 6.0
"""Seconds: the customer waits for this, and then for the answer."""
LONGEST = 200
"""Characters of what should be one word."""


@dataclass(frozen=True, slots=True)
class Judge:
    spending: Spending
    telemetry: Telemetry

    async def __call__(self, burst: Burst, situation: Situation) -> Situation:
        """With the intent in it, where somebody could say so. Never fails."""
        intents = intents_in_question(situation)
        if not intents or not (hosted := burst.crew.hosted(situation.tokens)):
            return situation
        question = judging_request(intents, texts_of(situation))
        ask = Ask(burst.conversation.id, "", burst.crew.queue.language, (), question)
        with burst.step("judge", self.telemetry) as facts:
            try:
                async with asyncio.timeout(PATIENCE):
                    answer, finished = await in_writing(hosted[0], ask, LONGEST)
            except (AssistantError, TimeoutError) as error:
                why = error.reason if isinstance(error, AssistantError) else "timeout"
                facts |= {"reason": f"judge_failed:{why}"}
                return situation
            await self.spending.count(burst.crew.queue, burst.claim.claimed_at, finished)
            intent = judged(answer, intents)
            facts |= {"reason": "judge_unclear" if intent is None else "judged", "intent": intent or ""}
            return replace(situation, intent=intent)
