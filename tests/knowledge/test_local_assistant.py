from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import pytest

from gateway.assistants.base import Ask, Assistant, Finished, HandOver, Text, Utterance
from gateway.assistants.local import LocalAssistant
from gateway.demo import DOCUMENTS
from gateway.knowledge import ANSWERS, Knowledge

MARKER = "Ação: Transferir para o setor de atendimento"


@pytest.fixture
async def assistant() -> AsyncIterator[Assistant]:
    knowledge = await Knowledge.load(DOCUMENTS, semantic=False)
    assistant = LocalAssistant(knowledge)
    yield assistant
    await assistant.close()
    await knowledge.close()


async def say(
    assistant: Assistant,
    question: str,
    history: Sequence[Utterance] = (),
    *,
    language: str = "pt-BR",
    marker: str = MARKER,
) -> tuple[str, Finished]:
    events = [e async for e in assistant.answer(Ask("c_1", "", language, history, question, marker))]
    *texts, last = events
    assert isinstance(last, Finished)
    return "".join(t.text for t in texts if isinstance(t, Text)), last


async def test_answers_with_document_and_paragraph(assistant: Assistant) -> None:
    text, finished = await say(assistant, "vcs aceitam pix?")
    assert text.endswith("No Pix há 5% de desconto. [loja-pt.md §12]")
    assert [(c.document, c.paragraph) for c in finished.citations] == [("loja-pt.md", 12)]
    assert (finished.language, finished.model) == ("pt", assistant.name)


@pytest.mark.parametrize(
    ("question", "language", "start"),
    [
        ("oi", "pt-BR", "Olá! Como posso ajudar? Posso responder sobre: Trocas e devoluções, "),
        ("hello", "pt-BR", "Hello! How can I help? I can answer about: Returns and exchanges, "),
        ("hola", "pt-BR", "¡Hola!"),
        ("你好", "pt-BR", "您好！"),
        ("obrigado!", "pt-BR", "Por nada!"),
        ("thanks", "pt-BR", "You're welcome!"),
        ("tchau", "pt-BR", "Até mais!"),
        ("ok", "es", "¡De acuerdo!"),
        ("👍", "zh-CN", "好的！"),
    ],
)
async def test_courtesies_in_the_customers_language(
    assistant: Assistant, question: str, language: str, start: str
) -> None:
    text, finished = await say(assistant, question, language=language)
    assert text.startswith(start)
    assert not finished.citations


@pytest.mark.parametrize(
    ("question", "refusal"),
    [
        ("vocês vendem peças de avião?", "Não tenho informação suficiente"),
        ("do you sell car tyres?", "I do not have enough information"),
        ("¿venden neumáticos?", "No tengo información suficiente"),
        ("你们卖飞机吗？", "我没有足够的信息"),
    ],
)
async def test_what_is_not_written_is_refused_and_a_person_offered(
    assistant: Assistant, question: str, refusal: str
) -> None:
    text, finished = await say(assistant, question)
    assert text.startswith(refusal)
    assert text.endswith(("?", "？"))
    assert not finished.citations


async def test_a_person_is_asked_for_with_the_marker(assistant: Assistant) -> None:
    assert (await say(assistant, "oi, me passa pra um atendente pfv"))[0] == MARKER


async def test_without_documents_it_greets_and_refuses() -> None:
    assistant = LocalAssistant(None)
    assert (await say(assistant, "oi"))[0] == "Olá! Como posso ajudar?"
    assert (await say(assistant, "aceitam pix?"))[0].startswith("Não tenho informação suficiente")
    await assistant.close()


async def test_without_a_marker_no_person_is_promised(assistant: Assistant) -> None:
    assert (await say(assistant, "quero um atendente", marker=""))[0].startswith("Sou um assistente automático")


@pytest.mark.parametrize("yes", ["sim", "quero sim, por favor", "Sim!"])
async def test_yes_to_the_offer_asks_for_a_person(assistant: Assistant, yes: str) -> None:
    refused, _ = await say(assistant, "qual o CNPJ?")
    history = [Utterance("contact", "qual o CNPJ?"), Utterance("assistant", refused)]
    handed, finished = [event async for event in assistant.answer(Ask("c_1", "", "pt-BR", history, yes, MARKER))]
    assert isinstance(handed, HandOver)
    assert handed.score is not None
    assert 0 <= handed.score < ANSWERS
    assert isinstance(finished, Finished)
    assert (await say(assistant, yes, history, marker=""))[0].startswith("Sou um assistente automático")
    assert (await say(assistant, yes))[0] != MARKER


async def test_of_several_questions_the_score_is_of_the_one_it_knows_least_of(assistant: Assistant) -> None:
    asked = "aceitam pix?\naceitam bitcoin?"
    refused, _ = await say(assistant, asked)
    history = [Utterance("contact", asked), Utterance("assistant", refused)]
    handed, _ = [event async for event in assistant.answer(Ask("c_1", "", "pt-BR", history, "sim", MARKER))]
    assert isinstance(handed, HandOver)
    assert handed.score is not None
    assert handed.score < ANSWERS


async def test_who_wishes_for_a_person_is_not_counted_as_too_little_known(assistant: Assistant) -> None:
    refused, _ = await say(assistant, "qual o CNPJ?")
    history = [Utterance("contact", "qual o CNPJ?"), Utterance("assistant", refused)]
    assert (await say(assistant, "sim, quero falar com um atendente", history))[0] == MARKER


async def test_every_question_of_a_burst_is_answered_once(assistant: Assistant) -> None:
    text, finished = await say(assistant, "oi\nvcs aceitam pix?\nonde fica a loja?\naceitam pix?")
    assert [c.paragraph for c in finished.citations] == [12, 17]
    assert text.count("[loja-pt.md §12]") == 1


async def test_at_most_three_answers(assistant: Assistant) -> None:
    _, finished = await say(
        assistant, "aceitam pix?\nonde fica a loja?\nqual o valor do frete?\nqual a garantia?\ntem estacionamento?"
    )
    assert len(finished.citations) == 3


async def test_the_unanswered_one_of_a_burst_is_named(assistant: Assistant) -> None:
    text, _ = await say(assistant, "aceitam pix?\naceitam bitcoin?")
    assert "Sobre “aceitam bitcoin” não tenho informação suficiente." in text


async def test_a_question_in_pieces_is_one(assistant: Assistant) -> None:
    _, finished = await say(assistant, "vcs tem desconto\npagando\nno pix?")
    assert [c.paragraph for c in finished.citations] == [12]


async def test_a_follow_up_is_read_with_what_was_asked_before(assistant: Assistant) -> None:
    history = [Utterance("contact", "what time does the store open?"), Utterance("assistant", "At 9 am.")]
    text, finished = await say(assistant, "and on Saturdays?", history)
    assert "9 am to 2 pm" in text
    assert finished.language == "en"


@pytest.mark.parametrize("question", ["e quanto tempo demora?", "quanto tempo demora?"])
async def test_a_question_without_a_subject_takes_the_one_before(assistant: Assistant, question: str) -> None:
    history = [Utterance("contact", "vocês fazem reembolso?"), Utterance("assistant", "Sim.")]
    assert "10 dias úteis" in (await say(assistant, question, history))[0]
    assert "10 dias úteis" not in (await say(assistant, question))[0]


async def test_a_follow_up_about_something_unknown_is_refused(assistant: Assistant) -> None:
    history = [Utterance("contact", "vocês aceitam pix?"), Utterance("assistant", "Sim.")]
    assert (await say(assistant, "e bitcoin?", history))[0].startswith("Não tenho")


async def test_the_language_is_that_of_the_conversation_when_the_question_does_not_tell(assistant: Assistant) -> None:
    history = [Utterance("contact", "where is the store?"), Utterance("assistant", "…")]
    assert (await say(assistant, "12345?", history))[1].language == "en"
    assert (await say(assistant, "12345?", language="es-AR"))[1].language == "es"


@pytest.mark.parametrize("question", ["", "\n\n", "?", "\u202e\u200f", "😀" * 5000, "\ud800"])
async def test_odd_bursts_get_an_answer_and_no_citation(assistant: Assistant, question: str) -> None:
    text, finished = await say(assistant, question)
    assert text
    assert not finished.citations
