"""An answer while it is written: whatever the pieces, the same answer; and nothing of a marker is shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.rules.handoff import letters
from gateway.rules.shaping import cleaned
from gateway.rules.writing import Written
from tts.cutting import Cutter, cut

MARKER = "Ação: Transferir para o setor de atendimento"
FRAGMENTS = st.sampled_from(
    [
        "Ação: Transferir para o setor de atendimento",
        "**acao:",
        " transferir",
        "para o setor",
        "[[voice]]",
        "[[",
        "texto]]",
        "`[[Áudio]]`",
        "[link](https://a.example)",
        "Olá! ",
        "Custa R$ 1.299,90. ",
        "\n\n",
        "\n- item",
        "Sim.",
        " 😀 ",
        "“",
        ":",
        "ab",
    ]
)
TEXTS = st.lists(FRAGMENTS, max_size=12).map("".join)


def written(text: str, cuts: list[int]) -> tuple[Written, str]:
    answer, shown, at = Written(MARKER), "", 0
    for size in [*cuts, len(text)]:
        shown += answer.feed(text[at : at + size])
        at += size
    return answer, shown


@given(TEXTS, st.lists(st.integers(1, 9), max_size=60))
def test_the_pieces_change_nothing_and_what_is_shown_stands(text: str, cuts: list[int]) -> None:
    pieced, shown = written(text, cuts)
    whole, _ = written(text, [])
    told = [(answer.finish(), answer.directive, answer.hands_over) for answer in (pieced, whole)]
    assert told[0] == told[1]
    assert shown == pieced.safe or shown == pieced.safe[: len(shown)]
    if not pieced.hands_over:
        assert cleaned(told[0][0]).startswith(shown)


@given(TEXTS, st.lists(st.integers(1, 9), max_size=60))
def test_nothing_of_a_handoff_is_given_away(text: str, cuts: list[int]) -> None:
    """What goes to the voice never holds the marker, nor ends in a line that still could become it."""
    answer, shown = written(text, cuts)
    answer.finish()
    if answer.hands_over:
        last = letters(shown.rpartition("\n")[2])
        assert letters(MARKER) not in letters(shown) or not shown.strip().endswith(MARKER)
        assert not (last and letters(MARKER).startswith(last) and len(last) > 1)


@given(TEXTS, st.lists(st.integers(1, 9), max_size=60))
def test_what_is_spoken_ahead_are_the_sentences_of_the_answer(text: str, cuts: list[int]) -> None:
    answer, cutter, ahead, at = Written(MARKER), Cutter(), [], 0
    for size in [*cuts, len(text)]:
        ahead += cutter.feed(answer.feed(text[at : at + size]))
        at += size
    answer.finish()
    if not answer.hands_over:
        assert cut(cleaned(answer.finish()))[: len(ahead)] == ahead


@pytest.mark.parametrize(
    ("text", "directive", "answer", "hands_over"),
    [
        ("[[voice]] Abrimos às 9.", "voice", "Abrimos às 9.", False),
        ("[[texto]]\nChave: abc", "text", "Chave: abc", False),
        (f"[[voice]] {MARKER}", "voice", "", True),
        (f"{MARKER} [[voice]]", "", "", True),
        (f"Vou chamar alguém.\n{MARKER}", "", None, True),
        ("Use [[voice]] assim.", "", "Use [[voice]] assim.", False),
    ],
)
def test_what_it_turns_out_to_be(text: str, directive: str, answer: str | None, hands_over: bool) -> None:
    said = Written(MARKER)
    said.feed(text)
    whole = said.finish()
    assert (said.directive, said.hands_over) == (directive, hands_over)
    assert answer is None or whole == answer
