from __future__ import annotations

import pytest

from gateway.knowledge.words import index_words, mend, spell_out, terms


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("qto custa pra vcs", "pt", "quanto custa para vocês"),
        ("ONDE FICA A LOJA", "pt", "onde fica a loja"),
        ("siiiim 😢 kd", "pt", "sim onde está"),
        ("do u ship", "en", "do you ship"),
        ("xq no llega", "es", "porque no llega"),
        ("运费多少", "zh", "运费多少"),
    ],
)
def test_spell_out(text: str, language: str, expected: str) -> None:
    assert spell_out(text, language) == expected


@pytest.mark.parametrize(
    ("question", "language", "concept"),
    [
        ("vcs parcelam?", "pt", "c_instalments"),
        ("quero meu dinheiro de volta", "pt", "c_refund"),
        ("can I send it back", "en", "c_return"),
        ("hacen envios?", "es", "c_delivery"),
        ("几点关门", "zh", "c_opening"),
        ("vocês fazem delivery?", "pt", "c_delivery"),
        ("sem custo", "pt", "c_free"),
    ],
)
def test_a_question_is_about_a_concept(question: str, language: str, concept: str) -> None:
    assert concept in {form for term in terms(question, language) for form in term.forms}


def test_a_phrase_hides_its_words() -> None:
    assert "c_cost" not in index_words("enviamos outro sem custo", "pt")


def test_small_words_are_no_terms() -> None:
    assert terms("o que é que eu faço com isso?", "pt") == []


def test_the_words_of_an_address_are_not_words() -> None:
    assert index_words("escreva para contato@loja.example", "pt").count("c_store") == 0
    assert "c_email" in index_words("escreva para contato@loja.example", "pt")


@pytest.mark.parametrize(
    ("question", "mended"),
    [
        ("qual o enderço", "qual o endereco"),
        ("quero dvolver", "quero devolver"),
        ("tem caneca", "tem caneca"),
        ("pneu", "pneu"),
    ],
)
def test_mend(question: str, mended: str) -> None:
    assert mend(question, "pt", frozenset({"caneca", "endereco"})) == mended
