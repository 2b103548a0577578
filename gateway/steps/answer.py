"""answer: a decision becomes what will be said. Only an Ask waits for anybody."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from gateway import live, transcript
from gateway.assistants.base import Again, Assistant, AssistantError, Finished, HandOver, Picture, Utterance
from gateway.assistants.base import Ask as Question
from gateway.assistants.pictures import picture, shown
from gateway.burst import Burst, Ending
from gateway.channels.base import Wish
from gateway.live import Live
from gateway.recall import recall
from gateway.rules import calling
from gateway.rules.custody import Past, readable, variant
from gateway.rules.failing import keeps_failing
from gateway.rules.language import language_of, tagged
from gateway.rules.precedence import Ask, Ignore, Plain, Say, Seen, StaySilent, Transfer
from gateway.rules.rating import titles
from gateway.rules.sentences import sentence
from gateway.rules.shaping import Draft
from gateway.rules.wishes import asks_for_person
from gateway.rules.writing import Written
from gateway.spending import Spending
from gateway.telemetry import Telemetry
from storage.media import MediaStore
from storage.model import Cursor, Entry, Kind, Outcome
from storage.store import Store

log = logging.getLogger("recado.turns")

PICTURES = 4
"""Pictures and documents that travel with a question: the last ones."""
PASSAGES = 4
"""Paragraphs of the queue's documents that travel with a question."""
VISIT_MS = 12 * 3_600_000
"""What was said longer ago is another visit: who asks the same every morning is not failed by the answers."""
VISIT_SAID = 24
"""The newest of a visit that are looked at: who was failed before them has gone on since."""


@dataclass(frozen=True, slots=True)
class _Before:
    """What was said before the burst, oldest first."""

    said: Sequence[Utterance] = ()
    """What the assistant reads."""
    lately: Sequence[Utterance] = ()
    """On this visit, and since people last let go."""


@dataclass(frozen=True, slots=True)
class Answer:
    store: Store
    media: MediaStore
    live: Live
    spending: Spending
    telemetry: Telemetry

    async def __call__(self, burst: Burst, decision: Plain) -> Ending:
        """What will be said, or why nothing will."""
        match decision:
            case Ignore(reason, facts, ends_flow):
                return Ending(Outcome.IGNORED, reason, facts=facts, flow="" if ends_flow else None)
            case StaySilent(reason):
                return Ending(Outcome.HELD, reason, hold_for=_people_of(burst, reason))
            case Say():
                return _said(burst, decision)
            case Transfer(reason, dead, to, text):
                return transfer(burst, reason, dead=dead, to=to, text=text)
            case Ask(unheard=unheard):
                with burst.step("answer", self.telemetry):
                    return _owning_up(burst, await self._ask(burst, decision), unheard)

    async def _ask(self, burst: Burst, asked: Ask) -> Ending:
        """By the first assistant that can and may. When none does, people go on: the customer never meets silence."""
        if not (assistants := _affordable(burst, asked)):
            return transfer(burst, "budget")
        self._announce(burst)
        before = await self._before(burst) if burst.wish.history is None else _given(burst.wish)
        if _fails(burst, asked, before):
            return transfer(burst, "repeated_failure")
        failed: list[AssistantError] = []
        for assistant in assistants:
            try:
                return await self._counted(burst, asked, before.said, assistant)
            except AssistantError as error:
                failed.append(error)
                self._begin_again(burst)
                burst.note("answer", f"assistant_failed:{error.reason}", assistant=assistant.name, hint=error.hint)
        return transfer(burst, f"assistant_failed:{failed[-1].reason}", hint=failed[-1].hint)

    async def _counted(self, burst: Burst, asked: Ask, history: Sequence[Utterance], assistant: Assistant) -> Ending:
        """Raises AssistantError."""
        result = "cancelled"
        try:
            ending = await self._answered(burst, asked, history, assistant)
            result = str(ending.outcome)
            return ending
        except AssistantError as error:
            result = "failed"
            facts = {"reason": error.reason, "hint": error.hint, "assistant": assistant.name}
            log.error("the assistant gave no answer", extra={"facts": facts})
            raise
        finally:
            self.telemetry.assistant.labels(burst.crew.queue.name, result).inc()

    async def _answered(self, burst: Burst, asked: Ask, history: Sequence[Utterance], assistant: Assistant) -> Ending:
        """A model that cannot look at pictures after all is asked about the words alone. Raises AssistantError."""
        question = await self._question(burst, asked, history, assistant)
        if not asked.question and not question.pictures:
            return _cannot_read(burst)
        try:
            ending = await self._listen(burst, question, assistant)
            return ending if len(question.pictures) == len(asked.seen) else _owning_up(burst, ending, "cannot_read")
        except AssistantError as error:
            if error.reason != "pictures_refused" or not question.pictures:
                raise
            burst.note("answer", "pictures_refused", hint=error.hint)
        if not asked.question:
            return _cannot_read(burst)
        ending = await self._listen(burst, replace(question, pictures=()), assistant)
        return _owning_up(burst, ending, "cannot_read")

    async def _listen(self, burst: Burst, ask: Question, assistant: Assistant) -> Ending:
        """What the assistant writes, as it writes it: shown, spoken, and in the end taken as a whole."""
        written, finished, handed = Written(ask.marker), Finished(), None
        async for event in assistant.answer(ask):
            if isinstance(event, Finished):
                finished = event
            elif isinstance(event, HandOver):
                handed = event
            elif isinstance(event, Again):
                written = Written(ask.marker)
                self._begin_again(burst)
            elif safe := written.feed(event.text):
                self._go_on(burst, safe, written)
        text = written.finish()
        await self._count(burst, finished, assistant)
        if handed:
            return _handed_over(burst, handed)
        if written.hands_over:
            return transfer(burst, "marker")
        if not text:
            return transfer(burst, "empty_answer")
        language = tagged(finished.language or language_of(text), burst.crew.queue.language)
        return Ending(Outcome.ANSWERED, "assistant", Draft(text, language, finished.citations, written.directive))

    def _go_on(self, burst: Burst, safe: str, written: Written) -> None:
        self.live.write(burst.conversation.id, live.Draft(written.safe, burst.claim.tail))
        told = burst.occasion is not None and burst.occasion.told_to_speak
        if burst.aloud and (told or written.directive != "text"):
            burst.aloud.write(safe)

    def _begin_again(self, burst: Burst) -> None:
        if burst.aloud:
            burst.aloud.again()

    async def _question(self, burst: Burst, asked: Ask, history: Sequence[Utterance], assistant: Assistant) -> Question:
        queue, reference, wish = burst.crew.queue, burst.crew.reference, burst.wish
        passages = await reference.search(asked.question, queue.language, PASSAGES) if reference else ()
        return Question(
            conversation=burst.conversation.id,
            instructions="\n\n".join(t for t in (queue.instructions, asked.instructions, wish.instructions) if t),
            language=queue.language,
            history=history,
            question=asked.question,
            marker=queue.handoff.marker,
            passages=passages,
            pictures=await self._pictures(burst, asked, assistant),
            may_choose=burst.occasion is not None and burst.occasion.format == "smart",
        )

    async def _before(self, burst: Burst) -> _Before:
        """From our own transcript."""
        limit = burst.crew.queue.assistant.history
        if not limit:
            return _Before()
        lately = await self.store.said(burst.conversation.id, limit + len(burst.messages))
        before = [one for one in lately if one.kind is Kind.OUT or one.seq <= burst.claim.head]
        recalled = await recall(self.store, burst.conversation.id, before, states="none")
        horizon = burst.custody.horizon
        fenced = [one for one in before if not _fenced(one, horizon, burst, recalled.heard.get(one.seq, ""))]
        said = transcript.utterances(fenced, recalled.heard)[-limit:]
        lately = [one for one in fenced[-VISIT_SAID:] if _is_of_this_visit(one, horizon, burst)]
        return _Before(said, transcript.utterances(lately, recalled.heard)[-limit:])

    async def _pictures(self, burst: Burst, asked: Ask, assistant: Assistant) -> list[Picture]:
        """The last ones, as many as may travel together."""
        looked = [await self._look(seen) for seen in asked.seen]
        chosen = shown([found for found in looked[-PICTURES:] if found], assistant.sees)
        if len(chosen) < len(asked.seen):
            burst.note("answer", "pictures_left_out", sent=len(asked.seen), shown=len(chosen))
        return chosen

    async def _look(self, seen: Seen) -> Picture | None:
        try:
            return picture(seen.kind, await self.media.read(seen.media.id), seen.name)
        except OSError:
            return None

    def _announce(self, burst: Burst) -> None:
        """What the contact sees while it waits."""
        state = live.RECORDING if burst.aloud else live.THINKING
        self.live.say(burst.conversation.id, state, burst.conversation.channel)

    async def _count(self, burst: Burst, finished: Finished, assistant: Assistant) -> None:
        read, wrote = await self.spending.count(burst.crew.queue, burst.claim.claimed_at, finished)
        more = {"estimated": True} if finished.estimated else {}
        burst.note(
            "written",
            "truncated" if finished.truncated else "complete",
            assistant=assistant.name,
            model=finished.model,
            input_tokens=read,
            output_tokens=wrote,
            **more,
            passages=[f"{p.document} §{p.paragraph}" for p in finished.citations],
        )


def _affordable(burst: Burst, asked: Ask) -> Sequence[Assistant]:
    """In the order in which they are asked."""
    for place in sorted(asked.passed_over):
        burst.note("answer", "budget", assistant=burst.crew.assistants[place].name)
    return [one for place, one in enumerate(burst.crew.assistants) if place not in asked.passed_over]


def _fenced(entry: Entry, horizon: Cursor, burst: Burst, heard: str) -> bool:
    """What called for a person before people let go calls for nobody again. What they and the contact said stays."""
    if entry.seq > horizon.inbound and entry.seq > horizon.outbound:
        return False
    inbound = entry.kind is Kind.IN
    text = "\n".join(one for one in (heard, transcript.received(entry).text) if one) if inbound else ""
    calls = bool(asks_for_person([text], burst.crew.queue.handoff.phrases)) if inbound else transcript.hands_over(entry)
    return not readable([Past(inbound, entry.seq, calls)], horizon)[0]


def _people_of(burst: Burst, reason: str) -> str:
    """Where nothing is automatic, or is not now, whoever looks at a desk sees who wrote; nothing is said of it."""
    handoff = burst.crew.queue.handoff
    return handoff.to if reason in ("switched_off", "out_of_hours") and handoff.desk.in_use else ""


def _owning_up(burst: Burst, ending: Ending, unheard: str) -> Ending:
    """Somebody who sent more than could be understood must know what was answered."""
    if not unheard or ending.outcome is not Outcome.ANSWERED or ending.draft is None:
        return ending
    draft = ending.draft
    return replace(ending, draft=replace(draft, text=f"{draft.text}\n\n{ours(burst, unheard, draft.language)}"))


def ours(burst: Burst, name: str, language: str = "") -> str:
    """The queue's own sentence, or ours in the contact's language."""
    queue = burst.crew.queue
    text = getattr(queue.sentences, name, "") or sentence(name, language or burst.language)
    return text.replace("{word}", next(iter(queue.opt_out.back), "").upper())


def _cannot_read(burst: Burst) -> Ending:
    draft = Draft(ours(burst, "cannot_read"), burst.language)
    return Ending(Outcome.ANSWERED, "cannot_read", draft, as_text=True)


def _is_of_this_visit(entry: Entry, horizon: Cursor, burst: Burst) -> bool:
    behind = entry.seq > (horizon.inbound if entry.kind is Kind.IN else horizon.outbound)
    return behind and entry.at > burst.claim.claimed_at - VISIT_MS


def _given(wish: Wish) -> _Before:
    said = [Utterance(role, text) for role, text in wish.history or ()]
    return _Before(said, said)


def _fails(burst: Burst, asked: Ask, before: _Before) -> bool:
    """The customer says again that the answers do not help. Where nobody wrote now, nobody says so."""
    shown = any(kept.kind not in ("voice", "audio") for one in burst.messages for kept in one.attachments)
    after = burst.crew.queue.handoff.after_failures if burst.messages else 0
    return keeps_failing(before.lately, asked.question, after, shown=shown)


def _handed_over(burst: Burst, handed: HandOver) -> Ending:
    if handed.score is None:
        return transfer(burst, "tool", hint=handed.reason)
    return transfer(burst, "low_confidence", hint=handed.reason, score=handed.score)


def _said(burst: Burst, say: Say) -> Ending:
    """In the queue's own words, or in ours."""
    language = burst.crew.queue.language if say.text else burst.language
    choices = titles(language) if say.scores else ()
    draft = Draft(say.text or ours(burst, say.sentence), language, choices=choices)
    return Ending(
        Outcome.ANSWERED,
        say.reason,
        draft,
        as_text=True,
        opts_out=say.opts_out,
        tells=say.tells,
        facts=say.facts,
        flow="" if say.ends_flow else None,
    )


def transfer(
    burst: Burst,
    reason: str,
    *,
    hint: str = "",
    score: float | None = None,
    dead: bool = False,
    to: str = "",
    text: str = "",
) -> Ending:
    """People go on from here: the transfer message once, and the conversation is held. `hint` and `score` stand beside
    the reason on the timeline."""
    queue, people = burst.crew.queue, to or burst.crew.queue.handoff.to
    usual = calling.message(queue, variant(open=not burst.closed, online=burst.online), burst.language)
    facts: dict[str, Any] = {"hint": hint} if hint else {}
    facts |= {"score": round(score, 3)} if score is not None else {}
    burst.note("transfer", reason, to=people, **facts)
    outcome = Outcome.DEAD if dead else Outcome.TRANSFERRED
    draft = Draft(*((text, queue.language) if text else usual))
    return Ending(outcome, reason, draft, as_text=not queue.handoff.spoken, hold_for=people)
