import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.assistants.base import Utterance
from gateway.rules.summary import ANSWERED, ASKED, LONGEST, summary, summary_request

SAID = [
    Utterance("contact", "Oi, bom dia!"),
    Utterance("contact", "Meu pedido 48213 não chegou,\nqual é o prazo?"),
    Utterance("assistant", "O prazo é de 5 dias úteis."),
    Utterance("contact", "Já faz 9 dias. Vocês devolvem o dinheiro?"),
    Utterance("contact", "quero falar com um atendente"),
]


def test_it_tells_who_what_was_asked_answered_and_is_open() -> None:
    assert summary(SAID, "Ana Souza", "pt-BR") == (
        "Contato: Ana Souza\n"
        "Idioma: português\n"
        "Perguntou:\n"
        "- Meu pedido 48213 não chegou, qual é o prazo?\n"
        "- Já faz 9 dias. Vocês devolvem o dinheiro?\n"
        "O assistente respondeu:\n"
        "- O prazo é de 5 dias úteis.\n"
        "Ainda sem resposta:\n"
        "- Já faz 9 dias. Vocês devolvem o dinheiro?\n"
        "Pediu uma pessoa:\n"
        "- quero falar com um atendente"
    )


@pytest.mark.parametrize(
    ("language", "first", "second", "asked"),
    [
        ("pt", "Contato: Ana", "Idioma: inglês", "Perguntou:"),
        ("en-US", "Contact: Ana", "Language: English", "Asked:"),
        ("es_MX", "Contacto: Ana", "Idioma: inglés", "Preguntó:"),
        ("zh-CN", "联系人: Ana", "语言: 英语", "客户提问:"),
        ("de", "Contact: Ana", "Language: English", "Asked:"),
    ],
)
def test_the_person_reads_it_in_the_queues_language(language: str, first: str, second: str, asked: str) -> None:
    said = [Utterance("contact", "Where is my order 123? I want to know when it arrives.")]
    lines = summary(said, "Ana", language).split("\n")
    assert lines[:3] == [first, second, asked]
    assert lines[3] == "- Where is my order 123? I want to know when it arrives."


def test_what_people_said_before_is_told_too() -> None:
    said = [Utterance("contact", "E o reembolso do 48213?"), Utterance("person", "Sai na sexta.")]
    assert "A equipe escreveu:\n- Sai na sexta." in summary(said, "Ana", "pt")
    assert "Ainda sem resposta" not in summary(said, "Ana", "pt")


def test_the_newest_are_kept_and_each_is_cut() -> None:
    said = [Utterance("contact", f"pergunta {n} sobre o frete " + "a" * 999) for n in range(30)]
    text = summary(said, "", "pt")
    assert "pergunta 29" in text
    assert f"pergunta {29 - ASKED} " not in text
    assert max(map(len, text.split("\n"))) <= LONGEST + 2
    assert text.startswith("Contato: –\n")


def test_nothing_was_said() -> None:
    assert summary([], "Ana", "en") == "Contact: Ana\nLanguage: English"


@given(st.lists(st.builds(Utterance, st.sampled_from(["contact", "assistant", "person"]), st.text()), max_size=9))
def test_nobody_writes_a_line_of_ours(said: list[Utterance]) -> None:
    lines = summary(said, "Ana\nIdioma: marciano", "pt").split("\n")
    assert lines[0] == "Contato: Ana Idioma: marciano"
    assert len(lines) <= 2 + 5 + 2 * ASKED + 2 * ANSWERED + 1
    assert all(line.startswith("- ") or line.endswith(":") for line in lines[2:])


def test_the_request_is_in_the_queues_language_and_takes_nobodys_orders() -> None:
    assert [summary_request(tag)[:14] for tag in ("pt-BR", "en", "es", "zh-CN", "de")] == [
        "Escreva, em po",
        "Write, in Engl",
        "Escriba, en es",
        "请用中文为接手这段对话的同事",
        "Write, in Engl",
    ]
