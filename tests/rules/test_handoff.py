import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.rules.handoff import MarkerGate, Verdict, ends_with, letters

MARKER = "Ação: Transferir para o setor de atendimento"

HANDS_OVER = [
    MARKER,
    MARKER + ".",
    MARKER.upper(),
    "acao: transferir para o setor de atendimento",
    "**Ação:** Transferir para o setor de atendimento",
    "**Ação: Transferir para o setor de atendimento.**",
    "  \n" + MARKER,
    "## " + MARKER,
    "- " + MARKER,
    f'"{MARKER}"',
    f"“{MARKER}.”",
    f"`{MARKER}`",
    f"> {MARKER}",
    "Ac\u0327a\u0303o: Transferir para o setor de atendimento",
    "Ação : Transferir  para o setor\nde atendimento",
    "[Ação: Transferir para o setor de atendimento]",
    MARKER + "\n\nVou chamar alguém.",
    MARKER + " Um momento.",
    f'"{MARKER}"\nUm momento.',
]
ANSWERS = [
    "Olá! Posso ajudar?",
    "",
    "Ação",
    "Ação: transferir o valor por Pix leva um minuto.",
    "Claro. " + MARKER,
    f'A regra diz "{MARKER}".',
    f'"{MARKER}" é o que eu escrevo quando não sei.',
    f"`{MARKER}` é a frase da regra.",
    "Transferir para o setor de atendimento",
    "🙂",
]


def read(text: str, cuts: list[int]) -> tuple[str, Verdict]:
    gate, places = MarkerGate(MARKER), sorted({0, len(text), *(c % (len(text) + 1) for c in cuts)})
    shown = "".join(gate.feed(text[a:b]) for a, b in itertools.pairwise(places))
    return shown + gate.finish(), gate.verdict


@pytest.mark.parametrize("text", HANDS_OVER)
def test_it_is_the_marker(text: str) -> None:
    assert read(text, []) == ("", Verdict.HANDOFF)


@pytest.mark.parametrize("text", ANSWERS)
def test_it_is_an_answer(text: str) -> None:
    assert read(text, []) == (text, Verdict.ANSWER)


@given(st.sampled_from(HANDS_OVER), st.lists(st.integers(0, 200)))
def test_no_way_of_cutting_lets_a_letter_of_it_through(text: str, cuts: list[int]) -> None:
    assert read(text, cuts) == ("", Verdict.HANDOFF)


@given(st.one_of(st.sampled_from(ANSWERS), st.text()), st.lists(st.integers(0, 200)))
def test_an_answer_arrives_whole_however_it_is_cut(text: str, cuts: list[int]) -> None:
    shown, verdict = read(text, cuts)
    if verdict is Verdict.ANSWER:
        assert shown == text
    else:
        assert letters(text).startswith(letters(MARKER))


@given(st.text(), st.lists(st.integers(0, 200)))
def test_the_verdict_does_not_depend_on_the_cuts(text: str, cuts: list[int]) -> None:
    assert read(text, cuts) == read(text, [])


def test_without_a_marker_everything_is_an_answer() -> None:
    gate = MarkerGate("")
    assert gate.feed("olá") == "olá"
    assert gate.finish() == ""


@pytest.mark.parametrize(
    ("text", "hands_over"),
    [
        (f"Entendi.\n\n{MARKER}", True),
        (f"Vou transferir você.\n**{MARKER}.**\n", True),
        (MARKER, False),  # the gate's affair
        (f"A regra diz:\n{MARKER}", False),
        (f'A regra diz\n"{MARKER}"', False),
        (f"{MARKER}\né a regra.", False),
        (f"Entendi. {MARKER}", False),
        ("Olá!\nTudo bem?", False),
    ],
)
def test_a_marker_after_an_explanation_still_counts(text: str, hands_over: bool) -> None:
    assert ends_with(MARKER, text) is hands_over
    assert not ends_with("", text)
