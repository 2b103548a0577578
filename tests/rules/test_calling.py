"""Why people have a conversation, in words."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from gateway.rules.calling import WHY, reads
from gateway.rules.custody import Detector, Taker

LANGUAGES = ("pt", "en", "es", "zh")
REASONS = Path(__file__).parents[2] / "docs" / "reasons.md"


def documented() -> set[str]:
    """Every code under the heading of docs/reasons.md, and of its turns that were transferred."""
    page = REASONS.read_text("utf-8")
    chapter = page.partition("## Why people have a conversation")[2].partition("\n## ")[0]
    cells = re.findall(r"^\| (`.+?) \|", chapter, re.MULTILINE)
    codes = {code for cell in cells for code in re.findall(r"`(.+?)`", cell)}
    return codes | set(re.findall(r"^\| `(\S+)` \| (?:transferred|dead) \|", page, re.MULTILINE))


def test_the_page_is_read() -> None:
    assert {"marker", "wish", "too_many_tries", "person_answered_elsewhere", "131047"} <= documented()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_reason_of_a_hold_has_a_sentence(language: str) -> None:
    found = {code for code in (*documented(), *get_args(Detector), *get_args(Taker)) if code != "phone"}
    general = reads("", language)[:-1]
    assert [code for code in sorted(found) if reads(code.replace("…", "timeout"), language).startswith(general)] == []


def test_every_sentence_is_there_in_every_language_and_only_once() -> None:
    for code, sentences in WHY.items():
        assert tuple(sentences) == LANGUAGES, code
        assert len(set(sentences.values())) == len(LANGUAGES), code
    for language in LANGUAGES:
        assert len({sentences[language] for sentences in WHY.values()}) == len(WHY)


@pytest.mark.parametrize(
    ("language", "said"),
    [("pt-BR", "O cliente pediu"), ("en_US", "The customer asked"), ("ES", "El cliente"), ("ja", "The customer")],
)
def test_it_speaks_the_queue_s_language(language: str, said: str) -> None:
    assert reads("wish", language).startswith(said)


def test_what_follows_the_code_stays_inside() -> None:
    assert reads("assistant_failed:invalid_api_key", "en") == "The assistant could not answer."


def test_a_program_s_own_words_stay_its_own() -> None:
    assert reads("Cliente VIP: ligar hoje", "pt") == "Cliente VIP: ligar hoje"
    assert reads("reclamação", "pt") == "reclamação"


def test_a_code_nobody_knows_says_that_a_person_was_called() -> None:
    assert reads("", "en") == "A person was called."
    assert reads("urgente", "pt") == "Uma pessoa foi chamada (urgente)."
    assert reads("x_17", "zh") == "已请求人工服务 (x_17)。"
