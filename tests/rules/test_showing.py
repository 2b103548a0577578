"""What was shown of an answer stands in the finished one and never is the marker, whatever pieces it came in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.rules.handoff import MarkerGate, Verdict, ends_with, letters
from gateway.rules.shaping import cleaned
from gateway.rules.showing import Showable, mended

MARKER = "Ação: Transferir"
WORDS = st.sampled_from(
    [
        "Ação: Transferir",
        "acao transferir",
        "**Ação: Transferir**",
        "Ação",
        "ação: tr",
        "A",
        "ansferir",
        ":",
        "Não sei.",
        "O preço é R$ 250",
        " ",
        "\n",
        "\n\n\n\n",
        "\r",
        "\u2028",
        "---",
        '"',
        "\ud83d",
        "\ude00",
        "😀",
        "ﬁ",
        "\u0301",
        "",
    ]
)
TEXTS = st.lists(WORDS | st.text(max_size=5), max_size=12).map("".join)


@st.composite
def written(draw: st.DrawFn) -> tuple[str, list[str]]:
    """A text, and the pieces it comes in."""
    text = draw(TEXTS)
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=8)))
    return text, [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]


def finished(text: str) -> str:
    """As the answer is said in the end."""
    return cleaned(mended(text).strip())


@given(written())
def test_what_was_shown_stands_in_the_finished_answer(case: tuple[str, list[str]]) -> None:
    _, pieces = case
    gate, answer, through = MarkerGate(MARKER), Showable(MARKER), ""
    for piece in pieces:
        went_on = gate.feed(piece)
        through += went_on
        before = answer.text
        assert before + answer.feed(went_on) == answer.text
        assert not ends_with(MARKER, answer.text), "as the last line it would be one"
    through += gate.finish()
    if gate.verdict is Verdict.HANDOFF:
        assert answer.text == ""
    assert finished(through).startswith(answer.text)


@given(TEXTS.filter(lambda text: bool(letters(text))), st.integers(1, 4))
def test_of_a_marker_at_the_end_nothing_is_shown(text: str, size: int) -> None:
    whole = f"Olá. {text}!\nAção: Transferir"
    answer = Showable(MARKER)
    for i in range(0, len(whole), size):
        answer.feed(whole[i : i + size])
    assert finished(f"Olá. {text}!").startswith(answer.text)


@given(written())
def test_without_a_marker_only_the_end_waits(case: tuple[str, list[str]]) -> None:
    text, pieces = case
    answer = Showable("")
    for piece in pieces:
        answer.feed(piece)
    assert finished(text).startswith(answer.text)
    assert finished(text)[len(answer.text) :].strip() in ("", "\ufffd"), "half a character waits for its other half"


def test_a_line_that_is_no_marker_any_more_goes_on_at_once() -> None:
    answer = Showable(MARKER)
    assert answer.feed("Bom dia.\nAção: ") == "Bom dia."
    assert answer.feed("imed") == "\nAção: imed"
    assert answer.feed("iata") == "iata"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\x0b", "\x0c", "\x85", "\u2028", "\u2029"])
def test_whatever_ends_a_line_may_stand_before_the_marker(end: str) -> None:
    answer = Showable(MARKER)
    assert answer.feed(f"Vou ver.{end}Ação: Transf") + answer.feed("erir") == "Vou ver."


def test_two_markers_at_the_end_are_both_held_back() -> None:
    answer = Showable(MARKER)
    assert answer.feed("Vou ver.\nAção: Transferir\nAção: Transferir") == "Vou ver."


def test_half_a_character_waits_for_its_other_half() -> None:
    answer = Showable(MARKER)
    assert answer.feed("Oi \ud83d") == "Oi"
    assert answer.feed("\ude00") == " 😀"
