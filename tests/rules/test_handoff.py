import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.rules.handoff import MarkerGate, Verdict, begins, ends_with, letters
from gateway.rules.writing import Written
from tests.rules.corpora import corpus, rates

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
    MARKER + " é a frase que chama uma pessoa.",
    MARKER + "s externos.",
    f"> {MARKER}\n> é a regra.",
    f"```\n{MARKER}\n```\nÉ assim.",
    "AT&T",
    "a <b",
]


def pieces(text: str, cuts: list[int]) -> list[str]:
    places = sorted({0, len(text), *(c % (len(text) + 1) for c in cuts)})
    return [text[a:b] for a, b in itertools.pairwise(places)]


def read(text: str, cuts: list[int], marker: str = MARKER) -> tuple[str, Verdict]:
    gate = MarkerGate(marker)
    shown = "".join(gate.feed(piece) for piece in pieces(text, cuts))
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
        (f"Assim\n```\nregra\n{MARKER}", False),
    ],
)
def test_a_marker_after_an_explanation_still_counts(text: str, hands_over: bool) -> None:
    assert ends_with(MARKER, text) is hands_over
    assert not ends_with("", text)


def test_the_corpus_of_markers_and_near_misses() -> None:
    """Each as a whole answer; the corpus was written from the rules."""
    rows, judged = corpus("markers"), []
    for row in rows:
        answer = Written(row["marker"])
        answer.feed(row["text"])
        answer.finish()
        judged.append((row["kind"] == "marker", answer.hands_over))
    wrong = [row["text"] for row, (meant, found) in zip(rows, judged, strict=True) if meant != found]
    precision, recall = rates(judged)
    print(f"\nmarkers {sum(m for m, _ in judged)}, near misses {sum(not m for m, _ in judged)}: {precision=} {recall=}")
    assert sum(meant for meant, _ in judged) >= 200
    assert sum(not meant for meant, _ in judged) >= 100
    assert (wrong, precision, recall) == ([], 1.0, 1.0)


def test_the_corpus_in_pieces() -> None:
    """However it is cut: the same verdict, nothing of a marker goes on, and an answer arrives whole."""
    lots = random.Random(20)
    for row in corpus("markers") * 8:
        text, marker = row["text"], row["marker"]
        cuts = [lots.randrange(len(text) + 1) for _ in range(lots.choice([1, 3, 8, 40, 300]))]
        whole = read(text, [], marker)
        assert read(text, cuts, marker) == whole
        assert whole[0] == ("" if whole[1] is Verdict.HANDOFF else text)
        answer = Written(marker)
        shown = "".join(answer.feed(piece) for piece in pieces(text, cuts))
        answer.finish()
        assert answer.hands_over == (row["kind"] == "marker"), text
        if answer.hands_over:
            assert before(text, marker).startswith(shown), text
        else:
            assert answer.finish().startswith(shown), text


def before(text: str, marker: str) -> str:
    """What stands before the marker's line: nothing else may be shown."""
    lines = text.strip().split("\n")
    line = next((n for n, line in enumerate(lines) if letters(line) == letters(marker)), 0)
    return "\n".join(lines[:line])


@given(
    st.lists(
        st.sampled_from(
            [
                MARKER,
                MARKER[:9],
                "&",
                "&amp;",
                "&ccedil",
                "<b",
                "<b>",
                '"',
                "`",
                "```",
                "> ",
                "\n",
                "é",
                " é a",
                ".",
                "a",
                "- ",
                "ℹ️",
                "：",
                " ",
            ]
        ),
        max_size=9,
    ),
    st.lists(st.integers(0, 200)),
)
def test_no_cut_changes_what_is_made_of_parts_of_it(parts: list[str], cuts: list[int]) -> None:
    text = "".join(parts)
    assert read(text, cuts) == read(text, [])


SPELLED = {"ç": ["ç", "&ccedil;", "c", "c\u0327"], "ã": ["ã", "&atilde;", "a\u0303"]}
BETWEEN = st.sampled_from(["", "", "", "**", "<b>", "</strong>", "<br/>", "&nbsp;", "ℹ", "😀", " ", "x"])


@given(st.data(), st.integers(0, 60))
def test_a_glance_tells_what_the_whole_line_tells(data: st.DataObject, length: int) -> None:
    said = "Ação: Transferir para o setor de atendimento"
    letter = [data.draw(st.sampled_from(SPELLED.get(c, [c]))) + data.draw(BETWEEN) for c in said]
    line, marker = "".join(letter)[:length], letters(said)
    assert begins(marker, line) == marker.startswith(letters(line))
