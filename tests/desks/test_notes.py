"""What colleagues read at every desk that shows plain text: rows, lines, and how much of them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.desks.base import Case, Line, News
from gateway.desks.notes import COMMENT, about, cut, head, latest, spoken, told, untold


def case(**more: Any) -> Case:
    given: dict[str, Any] = {
        "id": "c_1.h",
        "conversation": "c_1",
        "contact": "+5511",
        "name": "Ana",
        "channel": "zap",
        "queue": "vendas",
        "to": "humanos",
        "reason": "asked",
        "why": "quer uma pessoa",
        "summary": "Sobre o prazo.",
        "language": "pt-BR",
        "speaks": "es",
    }
    return Case(**{**given, **more})


def test_the_note_says_who_it_is_and_why() -> None:
    assert head(case(url="https://r.example/inbox#c_1"), again=False).splitlines() == [
        "Contato: Ana (+5511)",
        "Canal: zap",
        "Fila: vendas → humanos",
        "Idioma: es",
        "Motivo: quer uma pessoa",
        "",
        "Resumo:",
        "Sobre o prazo.",
        "",
        "Abrir a conversa: https://r.example/inbox#c_1",
    ]
    assert head(case(), again=True).startswith("Uma pessoa foi chamada de novo.\nContato: ")


def test_what_is_not_known_has_no_row() -> None:
    rows = about(case(name=" ", to="vendas", why="", speaks=""))
    assert rows == [("Contato", "+5511"), ("Canal", "zap"), ("Fila", "vendas"), ("Motivo", "asked")]
    assert about(case(name="+5511"))[0] == ("Contato", "+5511"), "nobody is said twice"
    assert about(News("n", "c_1", "+5511", "Ana", "en", ())) == [("Contact", "Ana (+5511)")]


@pytest.mark.parametrize(
    ("line", "reads"),
    [
        (Line("contact", "Oi", 1), "Oi"),
        (Line("contact", "Oi", 1, b"OggS", "audio/ogg"), "[Áudio] Oi"),
        (Line("contact", "Oi", 1, mime="audio/ogg"), "[Áudio] Oi"),
        (Line("contact", "", 1, b"OggS"), "[Áudio] não foi possível ouvir"),
    ],
)
def test_a_voice_note_is_marked_as_one(line: Line, reads: str) -> None:
    assert spoken(line, "pt-BR") == reads


def test_what_was_told_is_not_told_again() -> None:
    lines = [Line("contact", "Um", 5), Line("contact", "Dois", 9)]
    assert untold(lines, {"at": "5"}) == lines[1:]
    assert untold(lines, {"at": "soon"}) == lines
    assert (latest({}, lines), latest({"at": "12"}, lines), latest({}, ())) == ("9", "12", "0")


def test_a_long_text_is_cut_at_a_line() -> None:
    text = "\n".join(f"linha {n} é assim" for n in range(10_000))
    kept = cut(text)
    assert len(kept.encode()) <= COMMENT
    assert kept.endswith(" é assim…")
    assert cut("curto") == "curto"


@settings(deadline=None)
@given(st.text(alphabet="aé世🎉\n", max_size=40), st.integers(1, 9000))
def test_no_text_is_too_long_and_no_character_is_torn(text: str, times: int) -> None:
    whole = text * times
    kept = cut(whole)
    assert len(kept.encode()) <= COMMENT
    assert whole.startswith(kept.removesuffix("…")) or kept == whole


def test_of_a_long_conversation_the_newest_is_kept() -> None:
    lines = [Line("contact", f"{n} " + "x" * 900, n) for n in range(200)]
    kept = told(lines, "pt")
    assert kept.startswith("O começo da conversa não está aqui.\nContato: ")
    assert kept.splitlines()[-1].startswith("Contato: 199 ")
    assert len(kept.encode()) <= COMMENT + 100
