from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.rules.directing import DirectiveGate
from gateway.rules.handoff import MarkerGate, Verdict

CHOOSES = [
    ("[[voice]] Olá!", "voice", "Olá!"),
    ("[[text]]\nCódigo: 123", "text", "Código: 123"),
    ("[[text]]\n\n  Código", "text", "Código"),
    ("[[VOICE]]Hi", "voice", "Hi"),
    ("[[Voz]] Oi", "voice", "Oi"),
    ("[[audio]] Oi", "voice", "Oi"),
    ("[[áudio]] Oi", "voice", "Oi"),
    ("[[ÁUDIO]] Oi", "voice", "Oi"),
    ("[[a\u0301udio]] Oi", "voice", "Oi"),
    ("[[texto]] Oi", "text", "Oi"),
    ("[[语音]]你好", "voice", "你好"),
    ("[[文字]] 你好", "text", "你好"),
    ("[[ voice ]] Hi", "voice", "Hi"),
    ("[[\u3000语音\u3000]]你好", "voice", "你好"),
    ("\n [[voice]] Hi", "voice", "Hi"),
    ("**[[voice]]** Hi", "voice", "Hi"),
    ("`[[text]]`\nHi", "text", "Hi"),
    ("**`[[text]]`**\nHi", "text", "Hi"),
    ("__[[text]]__ Hi", "text", "Hi"),
    ("**[[voice]] Hi!** Bye", "voice", "**Hi!** Bye"),
    ("**[[voice]]*", "voice", "***"),
    ("[[voice]] **Hi**", "voice", "**Hi**"),
    ("[[voice]]**Hi**", "voice", "**Hi**"),
    ("[[voice]]", "voice", ""),
    ("[[voice]] [[text]] Hi", "voice", "[[text]] Hi"),
    ("[[voice]] see [[text]] ", "voice", "see [[text]] "),
]
DOES_NOT = [
    "Olá! [[voice]]",
    "Olá!\n[[voice]] mais",
    "[site](https://loja.example)",
    "[[voices]] Hi",
    "[[vo ice]] Hi",
    "[[voi",
    "[[voice]",
    "[[voice",
    "[[voice ]x]",
    "[voice] Hi",
    "[ [voice]] Hi",
    "[[]] Hi",
    "[[text\n]] Hi",
    "[[link|voice]]",
    "* um\n* dois",
    "**Olá**",
    "****[[voice]] Hi",
    "```\n[[voice]]\n```",
    "(([[voice]]))",
    "- [[voice]]",
    "  \n ",
    "",
    "语音",
    "\ud83d",
]
EVERYTHING = [text for text, *_ in CHOOSES] + DOES_NOT
PIECES = st.lists(
    st.sampled_from(["[[", "]]", "[", "]", "voice", "Texto", "voz", "语音", "**", "`", "_", " ", "\n", "á", "vo", "x"])
)


def cut(text: str, cuts: list[int]) -> list[str]:
    places = sorted({0, len(text), *(c % (len(text) + 1) for c in cuts)})
    return [text[a:b] for a, b in itertools.pairwise(places)]


def read(pieces: list[str]) -> tuple[str, str]:
    gate = DirectiveGate()
    shown = "".join(map(gate.feed, pieces))
    return shown + gate.finish(), gate.directive


@pytest.mark.parametrize(("text", "directive", "rest"), CHOOSES)
def test_a_reply_that_starts_with_one_loses_it(text: str, directive: str, rest: str) -> None:
    assert read([text]) == (rest, directive)
    assert read([*text]) == (rest, directive)


@pytest.mark.parametrize("text", DOES_NOT)
def test_everything_else_is_text(text: str) -> None:
    assert read([text]) == (text, "")
    assert read([*text]) == (text, "")


@given(st.one_of(st.sampled_from(EVERYTHING), st.text(), PIECES.map("".join)), st.lists(st.integers(0, 100)))
def test_no_way_of_cutting_changes_what_comes_out(text: str, cuts: list[int]) -> None:
    assert read(cut(text, cuts)) == read([text])


def could_become_one(begun: str) -> bool:
    """By trying: some end makes a directive of it."""
    words = ["voice", "voz", "audio", "áudio", "text", "texto", "语音", "文字"]
    ends = [tail[n:] for word in words for tail in [f"[[{word}]]"] for n in range(len(tail) + 1)]
    return any(read([begun + end])[1] and not read([begun])[1] for end in ends)


@given(PIECES.map("".join))
def test_nothing_is_held_longer_than_it_must_be(text: str) -> None:
    gate = DirectiveGate()
    for n, c in enumerate(text, 1):
        shown = gate.feed(c)
        if not shown and not gate.directive:
            rest = gate.finish()
            assert gate.directive or could_become_one(text[:n])
            assert gate.directive or rest == text[:n]
            return
        if shown:
            return


@pytest.mark.parametrize(
    ("pieces", "shown"),
    [
        (["[", "s", "ite](x)"], ["", "[s", "ite](x)"]),
        (["[", "[", "w"], ["", "", "[[w"]),
        (["[[vo", " ", "x"], ["", "[[vo ", "x"]),
        (["[[vo", "]", "]"], ["", "[[vo]", "]"]),
        (["*", " ", "um"], ["", "* ", "um"]),
        (["[[voice]]", " ", "Oi", " "], ["", "", "Oi", " "]),
        (["O", "lá"], ["O", "lá"]),
        (["**[[voice]]", "*", "* ", "Oi"], ["", "", "", "Oi"]),
    ],
)
def test_when_each_piece_goes_on(pieces: list[str], shown: list[str]) -> None:
    gate = DirectiveGate()
    assert [gate.feed(piece) for piece in pieces] == shown


def test_before_the_marker_gate_it_hides_no_marker() -> None:
    directive, marker = DirectiveGate(), MarkerGate("Ação: Transferir")
    shown = [marker.feed(directive.feed(piece)) for piece in ("[[text]", "]\nAção: ", "Transferir. Até já!")]
    shown.append(marker.feed(directive.finish()) + marker.finish())
    assert ("".join(shown), marker.verdict, directive.directive) == ("", Verdict.HANDOFF, "text")
