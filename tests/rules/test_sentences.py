"""Every sentence in every language, and nothing in them that a customer should not see."""

from __future__ import annotations

import re

import pytest

from gateway.rules.language import language_of
from gateway.rules.sentences import SENTENCES, sentence

LANGUAGES = ("pt", "en", "es", "zh")
WITH_A_WORD = {"opted_out"}


@pytest.mark.parametrize("name", SENTENCES)
def test_each_is_said_in_all_four_languages_and_each_is_in_its_own(name: str) -> None:
    assert set(SENTENCES[name]) == set(LANGUAGES)
    assert [language_of(SENTENCES[name][language]) for language in LANGUAGES] == list(LANGUAGES)


@pytest.mark.parametrize("name", SENTENCES)
def test_only_the_way_back_has_a_place_for_a_word(name: str) -> None:
    for text in SENTENCES[name].values():
        assert re.findall(r"\{.*?\}", text) == (["{word}"] if name in WITH_A_WORD else [])


def test_what_a_reply_to_a_channel_may_need_is_there() -> None:
    needed = {"transfer", "please_type", "nothing_heard", "cannot_read", "media_lost", "opted_out", "opted_in"}
    assert needed <= set(SENTENCES)


@pytest.mark.parametrize(
    ("tag", "language"), [("pt-BR", "pt"), ("ES-419", "es"), ("zh-Hans", "zh"), ("fr", "en"), ("", "en")]
)
def test_a_tag_finds_its_language_and_others_get_english(tag: str, language: str) -> None:
    assert sentence("cannot_read", tag) == SENTENCES["cannot_read"][language]
