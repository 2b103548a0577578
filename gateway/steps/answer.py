"""answer: a decision becomes what will be said. Only an Ask waits for anybody."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import Any

from gateway import live, transcript
from gateway.assistants.base import Ask as Question
from gateway.assistants.base import AssistantError, Finished, Utterance
from gateway.burst import Burst, Ending
from gateway.live import Live
from gateway.rules.handoff import MarkerGate, Verdict, ends_with
from gateway.rules.language import language_of
from gateway.rules.precedence import Ask, Decision, Ignore, Say, StaySilent, Transfer
from gateway.rules.sentences import sentence
from gateway.rules.shaping import Draft
from gateway.telemetry import Telemetry
from storage.model import Kind, Outcome
from storage.store import Store

log = logging.getLogger("recado.turns")

PASSAGES = 4
"""Paragraphs of the queue's documents that travel with a question."""


@dataclass(frozen=True, slots=True)
class Answer:
    store: Store
    live: Live
    telemetry: Telemetry

    async def __call__(self, burst: Burst, decision: Decision) -> Ending:
        """What will be said, or why nothing will."""
        match decision:
            case Ignore(reason):
                return Ending(Outcome.IGNORED, reason)
            case StaySilent(reason):
                return Ending(Outcome.HELD, reason)
            case Say(name, reason):
                language = burst.crew.queue.language
                return Ending(Outcome.ANSWERED, reason, Draft(sentence(name, language), language), as_text=True)
            case Transfer(reason, dead):
                return transfer(burst, reason, dead=dead)
            case Ask(question, unheard=unheard):
                with burst.step("answer", self.telemetry):
                    return _owning_up(await self._ask(burst, question), unheard)

    async def _ask(self, burst: Burst, question: str) -> Ending:
        """A dead assistant hands over: the customer never meets silence."""
        crew, result = burst.crew, "cancelled"
        self._announce(burst)
        try:
            ending = await self._listen(burst, await self._question(burst, question))
            result = str(ending.outcome)
        except AssistantError as error:
            result = "failed"
            facts = {"reason": error.reason, "hint": error.hint, "assistant": crew.assistant.name}
            log.error("the assistant gave no answer", extra={"facts": facts})
            ending = transfer(burst, f"assistant_failed:{error.reason}", hint=error.hint)
        finally:
            self.telemetry.assistant.labels(crew.queue.name, result).inc()
        return ending

    async def _listen(self, burst: Burst, ask: Question) -> Ending:
        gate, finished = MarkerGate(ask.marker), Finished()
        pieces = []
        async for event in burst.crew.assistant.answer(ask):
            if isinstance(event, Finished):
                finished = event
            else:
                pieces.append(gate.feed(event.text))
        text = _mended("".join([*pieces, gate.finish()])).strip()
        self._count(burst, finished)
        if gate.verdict is Verdict.HANDOFF or ends_with(ask.marker, text):
            return transfer(burst, "marker")
        if not text:
            return transfer(burst, "empty_answer")
        language = _tag(finished.language or language_of(text), burst.crew.queue.language)
        return Ending(Outcome.ANSWERED, "assistant", Draft(text, language, finished.citations))

    async def _question(self, burst: Burst, question: str) -> Question:
        queue, reference = burst.crew.queue, burst.crew.reference
        return Question(
            conversation=burst.conversation.id,
            instructions=queue.instructions,
            language=queue.language,
            history=await self._history(burst),
            question=question,
            marker=queue.handoff.marker,
            passages=await reference.search(question, queue.language, PASSAGES) if reference else (),
        )

    async def _history(self, burst: Burst) -> list[Utterance]:
        """What was said before this burst, from our own transcript."""
        limit = burst.crew.queue.assistant.history
        if not limit:
            return []
        recent = await self.store.recent(burst.conversation.id, limit + len(burst.messages))
        unsaid = await self.store.withdrawn(burst.conversation.id)
        before = [e for e in recent if (e.dedup not in unsaid if e.kind is Kind.OUT else e.seq <= burst.claim.head)]
        heard: dict[str, str] = {}
        for note in transcript.notes(before):
            if words := await self.store.heard(note):
                heard[note] = words[0]
        return transcript.utterances(before, heard)[-limit:]

    def _announce(self, burst: Burst) -> None:
        """What the contact sees while it waits."""
        reply = burst.crew.queue.reply
        speaks = reply.format in ("voice", "both") or (reply.format == "mirror" and burst.spoken)
        self.live.say(burst.conversation.id, live.RECORDING if speaks and burst.crew.voice else live.THINKING)

    def _count(self, burst: Burst, finished: Finished) -> None:
        queue = burst.crew.queue.name
        self.telemetry.tokens.labels(queue, "in").inc(finished.input_tokens)
        self.telemetry.tokens.labels(queue, "out").inc(finished.output_tokens)
        burst.note(
            "written",
            "truncated" if finished.truncated else "complete",
            assistant=burst.crew.assistant.name,
            model=finished.model,
            input_tokens=finished.input_tokens,
            output_tokens=finished.output_tokens,
            passages=[f"{p.document} §{p.paragraph}" for p in finished.citations],
        )


def _mended(text: str) -> str:
    """Servers that count in UTF-16 cut characters in two: halves that meet are one again, a lost one becomes a mark."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _owning_up(ending: Ending, unheard: str) -> Ending:
    """Somebody who wrote and spoke must know that only the writing was answered."""
    if not unheard or ending.outcome is not Outcome.ANSWERED or ending.draft is None:
        return ending
    draft = ending.draft
    return replace(ending, draft=replace(draft, text=f"{draft.text}\n\n{sentence(unheard, draft.language)}"))


def _tag(found: str, queue: str) -> str:
    """The queue's own tag where it is the same language: a voice should not lose its `-BR`."""
    return found if found and found.split("-")[0] != queue.split("-")[0] else queue


def transfer(burst: Burst, reason: str, *, hint: str = "", dead: bool = False) -> Ending:
    """People go on from here: the transfer message once, and the conversation is held."""
    queue = burst.crew.queue
    text = queue.handoff.message or sentence("transfer", queue.language)
    facts: dict[str, Any] = {"hint": hint} if hint else {}
    burst.note("transfer", reason, to=queue.handoff.to, **facts)
    outcome = Outcome.DEAD if dead else Outcome.TRANSFERRED
    return Ending(outcome, reason, Draft(text, queue.language), as_text=True, hold_for=queue.handoff.to)
