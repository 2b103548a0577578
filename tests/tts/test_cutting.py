"""Where a text is cut. The table in golden/ was written from the rules of the languages, before the code was run."""

from __future__ import annotations

import re
import signal
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tts.cutting import LONGEST, Cutter, cut
from tts.speakable import speakable

CASES = [tuple(row.split("\t")) for row in (Path(__file__).parent / "golden/cuts.tsv").read_text("utf-8").splitlines()]


@pytest.mark.parametrize(("language", "marked"), CASES)
def test_cut_where_the_language_ends(language, marked):
    marked = marked.replace("\\n", "\n")
    assert cut(marked.replace("¦", "")) == [stretch.strip() for stretch in marked.split("¦")]


def test_there_are_enough_cases_and_none_twice():
    assert len(CASES) == len(set(CASES)) >= 60
    assert min(Counter(language for language, _ in CASES).values()) >= 15


# -- the law ---------------------------------------------------------------------------------------

_PIECES = st.sampled_from(
    [
        ". ", "! ", "? ", "?! ", "... ", "… ", "。", "！", "？", "；", "，", "……", ".", "!", "?", ", ", "; ", ": ",
        ":\n", "\n", "\n\n", "\n \n", "\r\n", "\n   ", "  ", " ", "\t", "\u3000", "\u2028", "Sr. ", "Dr. ",
        "etc. ", "Etc.", "p. ex. ", "n.º 3", "No. 5", "no. ", "S.A. ", "J. K. ", "EE. UU. ", "p. m. ", "e.g. ",
        "1. ", "2) ", "3、", "10. ", "- ", "* ", "# ", "## Título\n", "> ", "a) ", "```", "```\n",
        "```python\n", "~~~\n", "|", "| a | b |\n", "|---|---|\n", "--|--\n", "**", "*", "_", "`", '"', "'",
        "(", ")", "[", "](", "]", "“", "”", "«", "»", "「", "」", "（", "）", "【", "】", "【1】", "[1]", "[1](x)",
        " [12] ", "😀", " 🎉 ", "👩🏽\u200d💻", "1️⃣ ", "¿", "¡", "https://x.com/a?b=1. ", "a@b.com", "3.5",
        "1.299,90", "12.05.2026", "10h. ", "14:30", "a", "B", "É", "o", "casa ", "Olá", "Amanhã ", "iPhone ",
        "好的", "请问您需要什么", "他", "x" * 90, "palavra " * 12, "- item\n", "Código:\n", "7 " * 60, "很" * 150,
    ]
)  # fmt: skip
_TEXTS = st.one_of(
    st.lists(_PIECES, max_size=30).map("".join),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=120),
)


def _fed(text: str, sizes: list[int]) -> list[str]:
    cutter, found, at = Cutter(), [], 0
    for size in sizes:
        found += cutter.feed(text[at : at + size])
        at += size
    return found + cutter.feed(text[at:]) + cutter.finish()


@given(_TEXTS, st.lists(st.integers(0, 40), max_size=40))
@example("```\nA. B\n", [1] * 9)
@example("Oi! ```x\nA", [3, 5])
def test_no_chunking_changes_a_stretch(text, sizes):
    whole = cut(text)
    assert _fed(text, sizes) == whole
    assert _fed(text, [1] * len(text)) == whole


@given(_TEXTS)
def test_nothing_but_white_space_is_lost(text):
    stretches = cut(text)
    assert "".join("".join(stretches).split()) == "".join(text.split())
    assert all(stretch and stretch == stretch.strip() and stretch in text for stretch in stretches)


@given(_TEXTS, st.integers(0, 200))
def test_what_was_given_does_not_depend_on_what_comes(text, known):
    cutter = Cutter()
    early = cutter.feed(text[:known])
    assert cut(text)[: len(early)] == early


def test_as_its_docstring_says():
    cutter = Cutter()
    fed = cutter.feed("Oi! Tudo bem, Maria? O prazo é"), cutter.feed(" de 1."), cutter.feed("5 dias"), cutter.finish()
    assert fed == (["Oi! Tudo bem, Maria?"], [], [], ["O prazo é de 1.5 dias"])


# -- how soon, how long, at what cost --------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "ready", "stretch"),
    [
        ("Recebemos o seu pedido. Ele chega", "Recebemos o seu pedido. E", "Recebemos o seu pedido."),
        ("Abrimos às 10h30. Amanhã", "Abrimos às 10h30. A", "Abrimos às 10h30."),
        ("Seu pedido foi enviado! 🎉 Ele", "Seu pedido foi enviado! 🎉 ", "Seu pedido foi enviado!"),
        ("您好，很高兴为您服务。请问", "您好，很高兴为您服务。请", "您好，很高兴为您服务。"),
        ("- Camisa vermelha grande\n- Azul", "- Camisa vermelha grande\n- ", "- Camisa vermelha grande"),
        ("Segundo a garantia. [1] Guarde", "Segundo a garantia. [1] ", "Segundo a garantia."),
        ("Um parágrafo sem ponto\n\nOutro", "Um parágrafo sem ponto\n\nO", "Um parágrafo sem ponto"),
    ],
)
def test_a_stretch_is_given_with_the_first_letter_of_the_next(text, ready, stretch):
    cutter = Cutter()
    given = [(text[: n + 1], found) for n, letter in enumerate(text) for found in cutter.feed(letter)]
    assert len(given) == 1
    seen, found = given[0]
    assert found.startswith(stretch)
    assert len(ready) <= len(seen) <= len(ready) + 1


def test_the_end_of_the_text_ends_everything():
    cutter = Cutter()
    assert cutter.feed("Fale com o Sr.") == []
    assert cutter.finish() == ["Fale com o Sr."]
    assert (cutter.feed("Mais. Ainda mais."), cutter.finish()) == ([], [])


WORDS = "muitas palavras que seguem sem parar "


@pytest.mark.parametrize(
    ("text", "first"),
    [
        (WORDS * 6 + "ponto, " + WORDS * 6, WORDS * 6 + "ponto,"),
        (WORDS * 5 + "a; " + WORDS * 6, WORDS * 5 + "a;"),
        ("a, " + WORDS * 20, "a, " + WORDS * 7 + "muitas"),  # a comma so early is none
        (WORDS * 20, WORDS * 7 + "muitas palavras"),
        (WORDS * 7 + "custa R$ 12 34 56 78 " + WORDS * 3, WORDS * 7 + "custa"),
        ("很多字" * 70 + "，" + "很多字" * 70, "很多字" * 70 + "，"),
        ("很" * 500, "很" * (LONGEST - 1)),
        ("- " + "Uma frase do item. " * 20, "- " + "Uma frase do item. " * 14),  # an item, at a sentence
        ("- " + WORDS * 3 + "\n  " + WORDS * 6, "- " + WORDS * 3),  # at the end of a line
    ],
)
def test_a_long_stretch_is_cut_where_it_hurts_least(text, first):
    found = cut(text)
    assert found[0] == first.strip()
    assert max(map(len, found)) <= LONGEST


@pytest.mark.parametrize(
    "whole",
    [
        "https://x.com/" + "a" * 400,
        "34191.79001 01043.510047 91020.150008 1 96610000014500",
        "R$ 1.299,90",
        "[ver, se quiser, o catálogo inteiro da loja](https://x.com/a)",
        "`rode este comando aqui`",
        "+55 11 98888 7777",
    ],
)
def test_a_long_stretch_is_not_cut_in_a_link_a_code_or_a_number(whole):
    for before in range(230, 282, 3):
        text = (WORDS * 9)[:before].strip() + " " + whole + " " + WORDS * 3
        assert any(whole in stretch for stretch in cut(text)), before


def test_tables_and_code_stay_whole_however_long():
    table = "| a | b |\n|---|---|\n" + "| Um. Dois | Três! Quatro |\n" * 40
    code = "```\n" + "print('Oi. Tudo bem?')\n\n" * 40 + "```"
    assert cut(f"Veja a tabela abaixo.\n\n{table}\n{code}\n\nQual delas prefere?") == [
        "Veja a tabela abaixo.", table.strip(), code, "Qual delas prefere?",
    ]  # fmt: skip


def test_lines_may_end_as_on_windows():
    text = (
        "Veja os preços de hoje.\n\n| a | b |\n|---|---|\n| 1. A | 2 |\n\n```sh\nls. A\n\nls. B\n```\nTudo certo agora?"
    )
    windows = [stretch.replace("\r\n", "\n") for stretch in cut(text.replace("\n", "\r\n"))]
    assert windows == cut(text)
    assert len(windows) == 4


def test_what_is_never_closed_does_not_stop_the_speaking():
    sentence = "Esta é uma frase comum da loja. "
    for slip in ('"', "(", "“", "«", "[", "`", "（", "```\n"):
        assert len(cut(slip + "A" + sentence * 20)) >= 15, slip
    for slip in "[`":
        assert max(map(len, cut(slip + "palavras sem ponto " * 100))) < 2 * LONGEST, slip


@contextmanager
def processor_seconds(most):
    def too_much(signum, frame):
        raise AssertionError("more than its length")

    before = signal.signal(signal.SIGVTALRM, too_much)
    signal.setitimer(signal.ITIMER_VIRTUAL, most)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def test_a_text_costs_its_length():
    """Counted: how often a letter is asked for, and how many letters are looked back at. Then processor time."""
    work = 0

    class Counted(Cutter):
        def _at(self, at):
            nonlocal work
            work += 1
            return (yield from super()._at(at))

        def _behind(self, at, far=24):
            nonlocal work
            work += far
            return super()._behind(at, far)

        def _written(self, start, end):
            nonlocal work
            work += end - start
            return super()._written(start, end)

    nasty = [
        "a", "1", ".", ". ", "! ", "...", "(", "[", "[1", "【", "【1", '"', "`", "```", "```\n", "|", "|a\n",
        "|a|\n", "-", "- ", "- a\n", "\n", " ", "\n ", "*", "😀", "😀 ", "! 😀 ", "a:\n", "#", "# ", "a. ", "A. ",
        "。", "很", "很。", ", ", "a, ", ";", "1. ", "a.", "a\n", "! " + " " * 500, "a " * 20 + "1" * 900 + " ",
        "--|\n", "~~~ ", ". 【1a", ".【1a", ".[1", ".[", "! [1] ", "((", "“", "a\n  ",
    ]  # fmt: skip
    with processor_seconds(20):
        for piece in nasty:
            text = (piece * 20_000)[:20_000]
            cutter, work = Counted(), 0
            for letter in text:
                cutter.feed(letter)
            cutter.finish()
            assert work < 120 * len(text), (piece, work / len(text))


# -- one stretch at a time -------------------------------------------------------------------------

ANSWERS = {
    "pt-BR": [
        "Olá, Maria! Que bom falar com você. 😊\n\nTemos estas opções:\n\n1. **Plano Básico**: R$ 1.299,90 por mês\n"
        "2. **Plano Pro**: R$ 2.500,00 por mês\n3. **Plano Total**: 10% de desconto até 12/05/2026\n\n"
        "Veja mais em https://loja.com.br/planos?x=1. Qual prefere?",
        "Segue a tabela:\n\n| Item | Preço |\n|---|---|\n| Um | R$ 10 |\n\nQuer que eu reserve?",
        "Código:\nBR123456789BR\n\nGuarde este número, por favor.",
        "**Código de rastreio:**\n\n`BR123456789BR`\n\nChega em 3 dias.",
        "Chave PIX:\nvendas@loja.com.br\nValor: R$ 50,00",
        "# Horários\n\nDe seg. a sex., das 9h às 18h. Aos sábados, das 9h às 13h.\n\n## Endereço\n\n"
        "Rua Augusta, 1200, São Paulo. Fale com o Sr. João no tel. (11) 98888-7777.",
        "Passos:\n1. Abra o app.\n2. Toque em *Entrar*. Depois, confirme.\n   O código chega por SMS.\n3. Pronto!",
        "Rode:\n```bash\nrecado check. Ok\n```\nE me diga.",
        "1. Rode:\n    ```bash\n    recado check. Ok\n\n    recado run\n    ```\n2. Depois me diga.",
    ],
    "en": [
        "Hi Ann! Here are our prices:\n\n- Basic: $1,299.90 per month\n- Pro: $20 per month\n\n"
        "See https://shop.com/plans. Any questions?",
        "Tracking number:\nBR123456789BR\n\nIt arrives at 9 a.m. on Monday. Call Dr. Smith at (555) 123-4567.",
        "# Hours\n\nMon-Fri 9:00 to 18:00.\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\nWhich one?",
    ],
    "es": [
        "¡Hola! ¿Cómo está? Los precios son:\n\n1. Básico: 1.299,90 €\n2. Pro: 20 €\n\n"
        "Más en www.tienda.es. ¿Le ayudo?",
        "Código:\nBR123456789BR\n\nAbrimos a las 5 p. m. Mañana cerramos.",
    ],
    "zh": [
        "您好！价格如下：\n\n1、基础版：1,299.90元\n2、专业版：20元\n\n详情请看 https://shop.cn/a。您需要哪一个？",
        "单号：\nBR123456789BR\n\n请注意查收。谢谢！",
    ],
}


@pytest.mark.parametrize(("language", "text"), [(name, text) for name, texts in ANSWERS.items() for text in texts])
def test_stretches_said_one_by_one_say_the_same(language, text):
    whole = speakable(text, language)
    parts = [speakable(stretch, language) for stretch in cut(text)]
    assert len(parts) > 1
    said = " ".join(part.spoken for part in parts if part.spoken)
    assert re.sub(r"\s", "", said) == re.sub(r"\s", "", whole.spoken)
    written = "\n".join(part.companion for part in parts if part.companion).split("\n")
    assert set(whole.companion.split("\n")) <= {*written, ""}


def test_a_sentence_that_goes_on_does_not_sound_ended():
    text = "Temos muitas cores, tamanhos e modelos diferentes de camisas para toda a família, " * 5
    said = [speakable(stretch, "pt-BR").spoken for stretch in cut(text)]
    assert " ".join(said) == text.strip()


def test_audio_tags_stay_with_their_stretch():
    text = "[laughs] Que bom falar com você hoje! [short pause] Vamos ver o seu pedido. [whispers] Ele já saiu."
    said = [speakable(stretch, "pt-BR", tags=True).spoken for stretch in cut(text)]
    assert said == [
        "[laughs] Que bom falar com você hoje!", "[short pause] Vamos ver o seu pedido.", "[whispers] Ele já saiu.",
    ]  # fmt: skip
