"""The embedded assistant: no key, no network, no language model. It quotes documents or says that it cannot.

It never writes a fact of its own: an answer is whole sentences of a document with `[document §paragraph]` behind them.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from gateway.assistants.base import Ask, Finished, HandOver, Text
from gateway.knowledge import ANSWERS, Found, Knowledge
from gateway.rules.courtesies import agrees, courtesy_of, says_nothing, without_courtesies
from gateway.rules.language import language_of, two_letters
from gateway.rules.wishes import wants_person

MOST_ANSWERS = 3


@dataclass(frozen=True, slots=True)
class _Phrases:
    """What it says in its own words, in one language; `{subjects}` are headings of the documents."""

    greeting: str
    thanks: str
    goodbye: str
    at_hand: str
    """To "ok" and the like."""
    helps_with: str
    unknown: str
    unknown_too: str
    """Beside other answers: `{question}` was not among what the documents tell."""
    offer: str
    no_person: str
    comma: str = ", "


_SAYS = {
    "pt": _Phrases(
        "Olá! Como posso ajudar?",
        "Por nada! Se precisar de mais alguma coisa, é só escrever.",
        "Até mais! Quando precisar, é só chamar.",
        "Certo! Se precisar de alguma coisa, é só escrever.",
        "Posso responder sobre: {subjects}.",
        "Não tenho informação suficiente para responder a isso.",
        "Sobre “{question}” não tenho informação suficiente.",
        "Você quer falar com uma pessoa da equipe?",
        "Sou um assistente automático e não consigo chamar uma pessoa por aqui.",
    ),
    "en": _Phrases(
        "Hello! How can I help?",
        "You're welcome! Just write if you need anything else.",
        "Goodbye! Write whenever you need us.",
        "All right! Just write if you need anything.",
        "I can answer about: {subjects}.",
        "I do not have enough information to answer that.",
        "About “{question}” I do not have enough information.",
        "Would you like to talk to a person from our team?",
        "I am an automatic assistant and cannot call a person from here.",
    ),
    "es": _Phrases(
        "¡Hola! ¿En qué puedo ayudarte?",
        "¡De nada! Si necesitas algo más, solo escribe.",
        "¡Hasta luego! Escribe cuando lo necesites.",
        "¡De acuerdo! Si necesitas algo, solo escribe.",
        "Puedo responder sobre: {subjects}.",
        "No tengo información suficiente para responder a eso.",
        "Sobre «{question}» no tengo información suficiente.",
        "¿Quieres hablar con una persona del equipo?",
        "Soy un asistente automático y no puedo llamar a una persona desde aquí.",
    ),
    "zh": _Phrases(
        "您好！请问有什么可以帮您？",
        "不客气！如果还有问题，请随时留言。",
        "再见！有需要请随时联系我们。",
        "好的！如果有问题，请随时留言。",
        "我可以回答以下方面的问题：{subjects}。",
        "我没有足够的信息来回答这个问题。",
        "关于“{question}”，我没有足够的信息。",
        "需要为您转接人工客服吗？",
        "我是自动助手，无法在这里为您转接人工。",
        "、",
    ),
}
_FOLLOWS_UP = re.compile(
    r"(?:e|mas e|e se|and|but|or|what about|how about|y|pero|o|que tal)\b|(?:那么?|还有|如果是?)", re.I
)


class LocalAssistant:
    """Extractive: see the module. Satisfies `gateway.assistants.base.Assistant`; raises no AssistantError."""

    name = "local/extractive"
    sees: frozenset[str] = frozenset()

    def __init__(self, knowledge: Knowledge | None) -> None:
        """`knowledge` is the assistant's from now on: `close` closes it. None: it only greets and calls people."""
        self._knowledge = knowledge

    async def answer(self, ask: Ask) -> AsyncIterator[Text | HandOver | Finished]:
        language = _language(ask)
        says = _SAYS.get(language, _SAYS["en"])
        if called := await self._called(ask, language, says):
            yield called
            yield Finished(language=language, model=self.name)
            return
        if courtesy := self._courtesy(ask.question, language, says):
            yield Text(courtesy)
            yield Finished(language=language, model=self.name)
            return
        questions = _questions(ask.question)
        found, missed = await self._look_up(questions, _before(ask), language)
        if len(questions) > 1 and sum(map(ask.question.count, "?？")) <= 1:  # perhaps one, written in pieces
            whole = await self._best(" ".join(questions), "", language)
            if whole and all(whole.passage.score >= f.passage.score for f in found):
                found, missed = [whole], []
        yield Text(_written(found, missed, says))
        yield Finished([f.passage for f in found], language=language, model=self.name)

    async def close(self) -> None:
        if self._knowledge:
            await self._knowledge.close()

    async def _called(self, ask: Ask, language: str, says: _Phrases) -> Text | HandOver | None:
        """A person is wished for, or was offered because too little is known, and is welcome."""
        wished = wants_person(ask.question)
        if not wished and not _accepts_person(ask):
            return None
        if wished or not ask.marker:
            return Text(ask.marker or says.no_person)
        return HandOver(score=await self._score(ask, language))

    async def _score(self, ask: Ask, language: str) -> float:
        """How well the last message's question is answered; of several, the one that is worst off."""
        said = (_questions(u.text) for u in reversed(ask.history) if u.role == "contact")
        asked = next((questions for questions in said if questions), [])
        if self._knowledge is None:
            return 0.0
        found = [await self._knowledge.find(question, language, 1) for question in asked]
        return min((hits[0].passage.score if hits else 0.0 for hits in found), default=0.0)

    def _courtesy(self, question: str, language: str, says: _Phrases) -> str:
        kind = courtesy_of(question)
        if kind == "greeting":
            subjects = self._knowledge.subjects(language)[:6] if self._knowledge else []
            helps = says.helps_with.format(subjects=says.comma.join(subjects)) if subjects else ""
            return f"{says.greeting} {helps}".strip()
        if kind == "goodbye":
            return says.goodbye
        if kind == "thanks":
            return says.thanks
        return says.at_hand if says_nothing(question) else ""

    async def _look_up(self, questions: Sequence[str], before: str, language: str) -> tuple[list[Found], list[str]]:
        """Each question's answer, none twice; and the questions that have none."""
        found: dict[tuple[str, int], Found] = {}
        missed: list[str] = []
        for question in questions:
            best = await self._best(question, before, language)
            if best and len(found) < MOST_ANSWERS:
                found.setdefault((best.passage.document, best.passage.paragraph), best)
            elif not best:
                missed.append(question)
            before = question if best else before
        return list(found.values()), missed

    async def _best(self, question: str, before: str, language: str) -> Found | None:
        """On its own first; as a follow-up when it starts like one, or is too short to stand alone."""
        if self._knowledge is None:
            return None
        hits = (await self._knowledge.find(question, language, 1))[:1]
        follows = _FOLLOWS_UP.match(question) is not None
        if before and (follows or (not _answers(hits) and _is_short(question))):
            together = (await self._knowledge.find(question, language, 1, before))[:1]
            if _answers(together) and (not _answers(hits) or together[0].passage.score > hits[0].passage.score):
                return together[0]
        return hits[0] if _answers(hits) else None


def _answers(hits: Sequence[Found]) -> bool:
    return bool(hits) and hits[0].passage.score >= ANSWERS


def _is_short(question: str) -> bool:
    return len(question) <= 12 if language_of(question) == "zh" else len(question.split()) <= 5


def _language(ask: Ask) -> str:
    """The question's, else that of what the contact wrote before, else the queue's. Two letters."""
    said = (u.text for u in reversed(ask.history) if u.role == "contact")
    guesses = (language_of(text) for text in (ask.question, *said))
    return next((guess for guess in guesses if guess), two_letters(ask.language))


def _accepts_person(ask: Ask) -> bool:
    last = ask.history[-1] if ask.history else None
    offered = last is not None and last.role == "assistant" and any(p.offer in last.text for p in _SAYS.values())
    return offered and agrees(ask.question)


def _before(ask: Ask) -> str:
    """The contact's last question before this burst, for a follow-up."""
    said = [q for u in ask.history if u.role == "contact" for q in _questions(u.text)]
    return said[-1] if said else ""


def _questions(burst: str) -> list[str]:
    """One a line or a question mark, without greetings and empty words."""
    pieces = re.split(r"(?<=[?？])|\n+", burst)
    asked = (without_courtesies(piece.strip()) for piece in pieces)
    return list(dict.fromkeys(q for q in asked if q and not courtesy_of(q) and not says_nothing(q)))


def _written(found: Sequence[Found], missed: Sequence[str], says: _Phrases) -> str:
    if not found:
        return f"{says.unknown} {says.offer}"
    parts = [f"{f.quote} [{f.passage.document} §{f.passage.paragraph}]" for f in found]
    if open_questions := [q for q in missed if q.endswith(("?", "？"))]:
        parts.append(f"{says.unknown_too.format(question=open_questions[0].rstrip('?？'))} {says.offer}")
    return "\n\n".join(parts)
