"""The assistant keeps failing a customer: in little dialogues, and one message at a time."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.assistants.base import Utterance
from gateway.rules.failing import LONGEST, REPLIES, complains, keeps_failing
from tests.rules.corpora import corpus, rates

ROLES = {"C": "contact", "A": "assistant", "P": "person"}
LANGUAGES = ("pt", "en", "es", "zh")
CORPORA = ("failures", "failures_fresh", "failures_held_out")
AFTER = 2
COMPLAINT = "você não entendeu"
ASKED = "C qual o prazo de troca? | A Aceitamos Pix. | C qual o prazo de troca? | A Pix. | C qual o prazo de troca?"


def dialogue(line: str) -> tuple[list[Utterance], str]:
    """`C hi | A hello | C what?`: what was said before, and what the contact wrote now."""
    said = [Utterance(ROLES[part[0]], part[2:]) for part in line.split(" | ")]  # type: ignore[arg-type]
    assert said[-1].role == "contact", line
    return said[:-1], said[-1].text


def fails(line: str, after: int = AFTER, *, shown: bool = False) -> bool:
    history, burst = dialogue(line)
    return keeps_failing(history, burst, after, shown=shown)


def judged(name: str, language: str = "") -> list[tuple[bool, bool]]:
    rows = [row for row in corpus(name) if language in ("", row["language"])]
    found = [(row["failing"] == "yes", fails(row["dialogue"])) for row in rows]
    print(*(row["dialogue"] for row, (meant, said) in zip(rows, found, strict=True) if meant != said), sep="\n")
    return found


def test_the_corpus_is_large_enough() -> None:
    meant = [row["failing"] for row in corpus("failures")]
    assert meant.count("yes") >= 60
    assert meant.count("no") >= 60


@pytest.mark.parametrize("language", ["", *LANGUAGES])
@pytest.mark.parametrize("name", CORPORA)
def test_precision_and_recall(name: str, language: str) -> None:
    precision, recall = rates(judged(name, language))
    print(f"{name} {language or 'all'}: precision {precision:.3f}, recall {recall:.3f}")
    assert precision >= 0.95
    assert recall >= 0.95


def _texts(found: Any) -> Iterator[str]:
    if isinstance(found, str):
        yield found
    else:
        for one in found.values() if isinstance(found, dict) else found:
            yield from _texts(one)


def test_what_customers_ordinarily_write_is_no_complaint() -> None:
    """Each is only one of two that would be needed."""
    intents = tomllib.loads((Path(__file__).parent / "intents.toml").read_text("utf-8"))
    wishes = [row["text"] for name in ("fresh", "held_out", "worked_on") for row in corpus(f"wishes_{name}")
              if row["wish"] == "no"]  # fmt: skip
    ordinary = [*wishes, *_texts(intents)]
    taken = [text for text in ordinary if complains(text)]
    print(f"{len(taken)} of {len(ordinary)}", *taken, sep="\n")
    assert len(taken) <= len(ordinary) / 100


def test_how_many_it_takes_is_a_setting() -> None:
    once, twice = (f"C prazo? | A Pix.{f' | C {COMPLAINT} | A Pix.' * n} | C {COMPLAINT}" for n in (0, 1))
    assert [fails(once, after) for after in (0, 1, 2)] == [False, True, False]
    assert [fails(twice, after) for after in (0, 1, 2, 3)] == [False, True, True, False]
    assert [fails(ASKED, after) for after in (0, 1, 2, 3)] == [False, True, True, False]


def test_the_same_words_with_another_picture_ask_about_something_else() -> None:
    line = "C quanto custa esse aqui? | A R$ 10. | C quanto custa esse aqui? | A R$ 12. | C quanto custa esse aqui?"
    assert fails(line)
    assert not fails(line, shown=True)
    assert fails(f"C prazo? | A Pix. | C {COMPLAINT} | A Pix. | C {COMPLAINT}", shown=True)


def test_the_same_may_be_asked_with_something_else_in_between() -> None:
    between = "C aceitam cartão? | A Sim."
    asked = "C qual o prazo de troca? | A Pix."
    assert fails(f"{asked} | {between} | {asked} | {between} | {asked[: asked.index(' |')]}")


def test_an_answer_to_what_the_assistant_asked_back_ends_no_row() -> None:
    def row(*between: str) -> str:
        return " | ".join(("C prazo?", "A Pix.", f"C {COMPLAINT}", *between, f"C {COMPLAINT}"))

    asked_back = ("A Qual o número do pedido?", "C é o da Ana")
    assert fails(row(*asked_back, "A Pix."))
    assert fails(row(*asked_back * REPLIES, "A Pix."))
    assert not fails(row(*asked_back * (REPLIES + 1), "A Pix."))
    assert not fails(row("A É de 30 dias.", "C e o do meu irmão também", "A Pix."))
    assert not fails(row("A Qual pedido?", "C ah agora sim, obrigada", "A Pix."))


def test_what_stands_before_the_first_answer_blames_nobody() -> None:
    assert not fails(f"C {COMPLAINT}", 1)
    assert not fails(f"P Sou a Ana. | C {COMPLAINT}", 1)
    assert fails(f"A Pix. | C {COMPLAINT}", 1), "a history that was cut off begins with an answer"


def test_two_questions_with_a_slip_are_one_and_with_another_word_two() -> None:
    def asked(*questions: str) -> bool:
        return fails(" | A Não sei. | ".join(f"C {question}" for question in questions))

    assert asked("vocês entregam em Curitiba?", "vcs entregan em curitiba", "entregam em Curitiba??")
    assert not asked("tem a caneca preta?", "tem a caneca prata?", "tem a caneca parda?")
    assert not asked("cadê o pedido 12345?", "cadê o pedido 12346?", "cadê o pedido 12347?")
    assert not asked("when do you open?", "where do you open?", "how do you open?")


@pytest.mark.parametrize(
    "text", ["", " ", "😡", "?" * 5000, "não " * 5000, "isso " * 4000 + "?", "\u0301" * 3000, "没" * 3000]
)
def test_strange_text_is_only_text(text: str) -> None:
    history = [Utterance("contact", text), Utterance("assistant", text)] * 20
    assert isinstance(keeps_failing(history, text, AFTER), bool)
    assert isinstance(complains(text + "x" * LONGEST), bool)


def test_what_is_supposed_told_or_quoted_is_no_complaint() -> None:
    supposed = ["se isso não funcionar?", "if you didn't understand me", "si eso no me ayuda en nada", "如果还是不行"]
    told = ["meu chefe disse que você não entendeu", "he said that's not what I asked"]
    quoted = ["> isso não resolve\nera dele", 'diz "você não entendeu"']
    assert [text for text in (*supposed, *told, *quoted) if complains(text)] == []


@pytest.mark.parametrize("first", ["iphone12", "galaxy20"])
def test_another_model_is_another_question(first: str) -> None:
    asked = [f"C preço do {first[:-1]}{n}? | A Custa {n} mil." for n in range(3)]
    assert not fails(f"{' | '.join(asked)} | C preço do {first[:-1]}3?")
