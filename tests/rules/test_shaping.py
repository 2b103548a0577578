"""A draft becomes parts, and a text becomes stretches: what is spoken in one breath, and what is written beside it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.channels.base import Capabilities
from gateway.rules.shaping import (
    Draft,
    Script,
    Shape,
    Stretch,
    TextPart,
    VoicePart,
    cleaned,
    scripted,
    shape,
    split,
)
from gateway.rules.voicing import Verdict

ANYWHERE = Capabilities()
SAID = Script([Stretch("Custa cinco reais.", "Custa R$ 5,00.")])
WITH_LINK = Script([Stretch("Veja o link.", "Veja https://loja.example")], "https://loja.example")
DRAFT = Draft("Custa R$ 5,00.", "pt-BR")
SPEAK, WRITE = Verdict(True, "format_voice"), Verdict(False, "contact_wrote")


def kinds(shaped: Shape) -> list[str]:
    return ["voice" if isinstance(part, VoicePart) else "text" for part in shaped.parts]


@pytest.mark.parametrize(
    ("script", "verdict", "both", "expected"),
    [
        (SAID, WRITE, False, ["text"]),
        (SAID, WRITE, True, ["text"]),
        (SAID, SPEAK, False, ["voice"]),
        (SAID, SPEAK, True, ["voice", "text"]),
        (WITH_LINK, SPEAK, False, ["voice", "text"]),
        (WITH_LINK, WRITE, False, ["text"]),
    ],
)
def test_voice_or_text(script: Script, verdict: Verdict, both: bool, expected: list[str]) -> None:
    shaped = shape(DRAFT, script, verdict, ANYWHERE, both=both)
    assert (kinds(shaped), shaped.reason, shaped.language) == (expected, verdict.reason, "pt-BR")


def test_a_spoken_part_keeps_what_was_written_for_when_speaking_fails() -> None:
    shaped = shape(DRAFT, SAID, SPEAK, ANYWHERE, both=False)
    assert shaped.parts == [VoicePart(SAID.stretches, "Custa R$ 5,00.")]
    assert shaped.as_text == [TextPart("Custa R$ 5,00.")]


def test_what_cannot_be_taken_down_from_hearing_comes_in_writing() -> None:
    voice, text = shape(DRAFT, WITH_LINK, SPEAK, ANYWHERE, both=False).parts
    assert isinstance(voice, VoicePart)
    assert text == TextPart("https://loja.example")


ANSWER = """Olá! Temos, sim. 😀

- Caneca azul: R$ 19,90
- Panela: R$ 89,00

🙂🙂

Veja em https://loja.example/canecas. Posso ajudar em mais alguma coisa?"""


def test_a_text_is_spoken_stretch_by_stretch() -> None:
    script = scripted(ANSWER, "pt-BR")
    assert [one.spoken for one in script.stretches][:3] == [
        "Olá! Temos, sim.",
        "Caneca azul: dezenove reais e noventa centavos.",
        "Panela: oitenta e nove reais.",
    ]
    assert script.companion == "https://loja.example/canecas"
    assert "".join("".join(one.written for one in script.stretches).split()) == "".join(ANSWER.split())


def test_words_are_said_as_the_queue_says_them_and_tags_only_where_they_are_acted() -> None:
    said = scripted("[laughs] O Wi-Fi é grátis.", "pt-BR", dictionary={"Wi-Fi": "uai fai"})
    assert said.spoken == "O uai fai é grátis."
    assert scripted("[laughs] Que bom!", "pt-BR", tags=True).spoken == "[laughs] Que bom!"


@pytest.mark.parametrize("text", ["", "😀", "\n\n", "---"])
def test_what_says_nothing_has_no_stretches(text: str) -> None:
    assert scripted(text, "pt-BR") == Script((), "") or scripted(text, "pt-BR").spoken == ""


def test_a_page_of_blank_lines_is_one() -> None:
    assert cleaned("a\n\n\n\n\nb\n") == "a\n\nb"


@pytest.mark.parametrize(
    ("text", "limit", "pieces"),
    [
        ("curto", 0, ["curto"]),
        ("curto", 10, ["curto"]),
        ("", 10, []),
        ("um. dois. três.", 10, ["um. dois.", "três."]),
        ("primeiro\n\nsegundo", 12, ["primeiro", "segundo"]),
        ("uma palavra e outra", 12, ["uma palavra", "e outra"]),
        ("x" * 25, 10, ["x" * 10, "x" * 10, "x" * 5]),
        ("你好。再见。", 4, ["你好。", "再见。"]),
    ],
)
def test_long_texts_are_cut_where_a_reader_would(text: str, limit: int, pieces: list[str]) -> None:
    assert split(text, limit) == pieces


@given(st.text(), st.integers(1, 50))
def test_no_piece_is_too_long_and_no_letter_is_lost(text: str, limit: int) -> None:
    pieces = split(text, limit)
    assert all(0 < len(piece) <= limit for piece in pieces)
    assert "".join("".join(pieces).split()) == "".join(text.split())
