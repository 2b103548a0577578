"""What customers write when they are asked for a score, and what only looks like one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gateway.rules.flows.stepping import numbered
from gateway.rules.language import fold
from gateway.rules.rating import ASKED, LET_GO, RATED, TITLES, VALID_MS, Heard, Rating, heard, rated, titles
from gateway.rules.sentences import sentence

NOW = 1_795_000_000_000
RESOLVED = str(NOW - 60_000)
OPEN = {ASKED + RESOLVED: NOW - 50_000}

SCORES: dict[int, tuple[str, ...]] = {
    5: (
        *(
            "5",
            "5!",
            "5.",
            "cinco",
            "five",
            "五",
            "５",
            "5️⃣",
            "*5*",
            "5,0",
            "5 😊",
            "5 👏👏",
            "Nota: 5",
            "nota5",
            "nota 5",
        ),
        *(
            "5/5",
            "5 de 5",
            "5 out of 5",
            "5 estrelas",
            "5estrelas",
            "cinco estrelas",
            "five stars",
            "5 puntos",
            "5 pontos",
        ),
        *(
            "⭐⭐⭐⭐⭐",
            "★★★★★",
            "🌟🌟🌟🌟🌟",
            "5 ⭐",
            "5⭐⭐⭐⭐⭐",
            "五星",
            "5星",
            "5分",
            "五颗星",
            "给5分",
            "我给5分",
            "打五分",
            "5分吧",
        ),
        *("eu dou 5", "dou um 5", "Dou nota 5", "minha nota é 5", "I give you a 5", "My rating is 5", "le doy un 5"),
        *("Oi, 5", "5, obrigada!", "5 muito obrigado", "nota 5 pelo atendimento", "de 1 a 5, nota 5"),
        *(
            "5, adorei",
            "5. Adorei!",
            "5, mas demorou",
            "Nota 5, o entregador foi ótimo",
            "5. Muito bom",
            "5 - muito bom",
        ),
        *("Muito bom", "muito bom!!", "Very good", "Muy buena", "非常满意"),
    ),
    4: (
        "4",
        "quatro",
        "cuatro",
        "four",
        "四",
        "nota 4",
        "⭐⭐⭐⭐",
        "★★★★☆",
        "4/5",
        "Bom",
        "4. Bom",
        "4) Bom",
        "Buena",
        "满意",
    ),
    3: ("3", "três", "tres", "three", "三", "Regular", "Fair", "一般", "3\nobrigado"),
    2: ("2", "dois", "duas", "two", "dos", "两", "二", "2 estrelas", "2分", "Ruim", "Bad", "Mala", "不满意"),
    1: ("1", "um", "uma", "one", "uno", "一", "nota 1", "uma estrela", "1 estrela", "⭐", "★☆☆☆☆", "1/5", "Muito ruim"),
}
NONE = (
    *("", "oi", "ok", "👍", "👍👍", "não", "obrigado", "bom dia", "boa", "nota", "uma nota", "-", "😀"),
    *(
        "quero 2 camisetas",
        "2 camisetas",
        "quero 2",
        "o 2",
        "a 5",
        "dos camisetas",
        "two shirts",
        "tres tazas, por favor",
    ),
    *(
        "1 dúvida",
        "tenho 1 dúvida",
        "uma dúvida",
        "uma pergunta",
        "one question",
        "um momento",
        "一个问题",
        "两个",
        "我要两件",
    ),
    *(
        "camiseta azul, 2, por favor",
        "2, tamanho 38",
        "1, 2 e 3",
        "2, 3",
        "4 ou 5",
        "4 e 5",
        "5 5 4",
        "1) Trocar; 2) Devolver",
    ),
    *("0", "6", "10", "nota 10", "10/10", "5/10", "4,5", "4.5", "4-5", "1/2", "-5", "+5", "12345", "+55 11 98765-4321"),
    *(
        "5%",
        "R$ 5",
        "$5",
        "5 reais",
        "às 4",
        "4h",
        "4 horas",
        "dia 5",
        "5 de maio",
        "5 minutos",
        "5kg",
        "2x",
        "2ª via",
        "三点",
    ),
    *(
        "5?",
        "nota 5?",
        "não dou 5",
        "2 é melhor",
        "muito bom o produto",
        "4. Ruim",
        "4) Ruim",
        "5 ⭐⭐⭐",
        "⭐⭐⭐⭐⭐⭐",
        "☆☆☆☆☆",
        "★★☆",
        "首",
    ),
)


@pytest.mark.parametrize(("text", "score"), [(text, score) for score, texts in SCORES.items() for text in texts])
def test_a_score_is_read_however_it_is_written(text: str, score: int) -> None:
    assert rated(text) == score


@pytest.mark.parametrize("text", NONE)
def test_what_is_no_score_stays_a_message(text: str) -> None:
    assert rated(text) is None


def test_a_story_with_a_number_in_it_is_not_searched() -> None:
    assert rated("5\n" + "o produto chegou e " * 50) is None


@given(st.text(max_size=60))
def test_nothing_a_customer_may_write_breaks_it(text: str) -> None:
    assert rated(text) in (None, 1, 2, 3, 4, 5)


@pytest.mark.parametrize("language", TITLES)
def test_a_pressed_button_says_its_score_and_so_does_a_numbered_line(language: str) -> None:
    assert [rated(title) for title in titles(language)] == [1, 2, 3, 4, 5]
    lines = numbered(sentence("rating_ask", language), titles(language)).splitlines()[-5:]
    assert [rated(line) for line in lines] == [1, 2, 3, 4, 5]


def test_a_title_means_the_same_in_every_language_and_fits_on_a_button() -> None:
    meant: dict[str, int] = {}
    for row in TITLES.values():
        for score, title in enumerate(row, 1):
            assert meant.setdefault(fold(title), score) == score
            assert len(title) <= 20
    assert titles("pt-BR") == TITLES["pt"]
    assert titles("fr") == TITLES["en"]


# -- whether it is an answer --------------------------------------------------------------------------


def test_a_score_ends_the_question() -> None:
    assert heard(["4"], OPEN, NOW) == Heard(4, goes_on=False, facts={f"{RATED}{RESOLVED}:4": True})


def test_anything_else_lets_it_go_and_goes_on() -> None:
    assert heard(["quero 2 camisetas"], OPEN, NOW) == Heard(None, goes_on=True, facts={LET_GO + RESOLVED: True})
    assert heard([], OPEN, NOW) == Heard(None, goes_on=True, facts={LET_GO + RESOLVED: True})


@pytest.mark.parametrize(
    ("texts", "score", "goes_on"),
    [
        (["oi", "5", "obrigada!"], 5, False),
        (["5", "e quanto custa o frete?"], 5, True),
        (["Nota 4, o entregador atrasou"], 4, True),
        (["camiseta azul", "nota 4"], 4, True),
        (["5", "5"], 5, False),
        (["5, ok"], 5, False),
        (["camiseta azul", "2"], None, True),
        (["4", "5"], None, True),
        (["2", "tamanho 38"], None, True),
    ],
)
def test_a_burst_may_say_more_than_a_score(texts: list[str], score: int | None, goes_on: bool) -> None:
    found = heard(texts, OPEN, NOW)
    assert found
    assert (found.score, found.goes_on) == (score, goes_on)


def test_a_number_is_an_answer_for_a_day_and_only_while_the_question_is_open() -> None:
    asked = {ASKED + RESOLVED: NOW}
    assert heard(["5"], asked, NOW + VALID_MS - 1)
    assert heard(["5"], asked, NOW + VALID_MS) is None
    assert heard(["5"], {}, NOW) is None
    assert heard(["5"], {**OPEN, LET_GO + RESOLVED: NOW}, NOW) is None
    assert heard(["5"], {**OPEN, f"{RATED}{RESOLVED}:3": NOW}, NOW) is None


def test_an_older_question_that_was_answered_does_not_close_a_new_one() -> None:
    facts = {**OPEN, f"{ASKED}17": NOW - VALID_MS, f"{RATED}17:2": NOW - VALID_MS}
    found = heard(["5"], facts, NOW)
    assert found
    assert found.facts == {f"{RATED}{RESOLVED}:5": True}


# -- settings -----------------------------------------------------------------------------------------


def test_nobody_is_asked_by_default() -> None:
    assert Rating() == Rating(ask=False, message="", thanks="")


def test_texts_without_the_question_are_a_mistake_but_it_may_be_switched_off() -> None:
    with pytest.raises(ValidationError, match="nothing is asked without ask = true"):
        Rating(thanks="Valeu!")
    assert not Rating(ask=False, thanks="Valeu!").ask
