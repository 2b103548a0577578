from __future__ import annotations

from pathlib import Path

import pytest

from gateway.knowledge.documents import MAX_BYTES, KnowledgeError, paragraphs, read, sentences


def test_paragraphs_are_counted_without_headings() -> None:
    text = "# Trocas\n\nVocê pode trocar.\nEm 30 dias.\n\n## Prazo\nSão 7 dias.\n"
    assert [(p.paragraph, p.heading, p.text) for p in paragraphs("a.md", text)] == [
        (1, "Trocas", "Você pode trocar."),
        (2, "Trocas", "Em 30 dias."),
        (3, "Prazo", "São 7 dias."),
    ]


def test_hard_wrapped_lines_are_one_paragraph() -> None:
    text = (
        "Orders are dispatched within two business days after the payment was\nconfirmed by the bank.\n\nThe next one."
    )
    assert [p.text for p in paragraphs("a.md", text)] == [
        "Orders are dispatched within two business days after the payment was confirmed by the bank.",
        "The next one.",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("- one item\n- **two** items", [("", "one item"), ("", "two items")]),
        ("| Sul | R$ 18 |\n|---|---|\n| Norte | R$ 29 |", [("", "Sul · R$ 18"), ("", "Norte · R$ 29")]),
        ("Title\n=====\nBody text here.", [("Title", "Body text here.")]),
        ("**Prazo**\nSão 7 dias.", [("Prazo", "São 7 dias.")]),
        ("P: Vocês entregam?\nR: Sim, em todo o Brasil.", [("Vocês entregam?", "Sim, em todo o Brasil.")]),
        ("See [our site](https://loja.example/x).", [("", "See our site (https://loja.example/x).")]),
        ("<!-- a note\nto self -->Text.", [("", "Text.")]),
    ],
)
def test_markdown(text: str, expected: list[tuple[str, str]]) -> None:
    assert [(p.heading, p.text) for p in paragraphs("a.md", text)] == expected


def test_the_language_of_the_document_is_that_of_its_paragraphs() -> None:
    text = "# Horas\n\nNossa loja abre às 9h e fecha às 18h.\n\nPix."
    assert [p.language for p in paragraphs("a.md", text)] == ["pt", "pt"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Fica na Av. Brasil, 12. Abre às 9h!", ["Fica na Av. Brasil, 12.", "Abre às 9h!"]),
        ("It costs R$ 18.90. Really?", ["It costs R$ 18.90.", "Really?"]),
        ("满199元免运费。不满收19元。", ["满199元免运费。", "不满收19元。"]),
        ("no end", ["no end"]),
        ("", []),
    ],
)
def test_sentences(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected
    assert all(s in text for s in sentences(text))


@pytest.mark.parametrize(
    ("name", "data", "problem"),
    [
        ("a.md", None, "no such file"),
        ("a.pdf", b"%PDF", "not read"),
        ("a.md", b"text\0text", "binary"),
        ("a.md", "ação".encode("latin-1"), "not UTF-8"),
        ("a.md", b" \n", "empty"),
        ("a.md", b"a" * (MAX_BYTES + 1), "longer than"),
    ],
)
def test_a_document_that_cannot_be_used_says_why(tmp_path: Path, name: str, data: bytes | None, problem: str) -> None:
    path = tmp_path / name
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(KnowledgeError, match=problem) as error:
        read(path)
    assert str(path) in str(error.value)
    assert error.value.hint


def test_a_folder_is_no_document(tmp_path: Path) -> None:
    with pytest.raises(KnowledgeError, match="folder"):
        read(tmp_path)


def test_a_byte_order_mark_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_bytes(b"\xef\xbb\xbf# Title\n")
    assert read(tmp_path / "a.md").startswith("# Title")
